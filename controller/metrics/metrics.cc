#include "metrics/metrics.h"

#include "metrics/fleet_metrics.h"
#include "metrics/upstream_metrics.h"
#include "telemetry/process.h"

namespace bco::metrics {

void Metrics::show(const Context& context, const Engine& engine, std::function<bool()> isWorking) {
  add([this, &context, &engine, isWorking = std::move(isWorking)](telemetry::Families& families) {
    if (!isWorking()) return;
    addFleets(families, context, activity_);
    if (options_.perDevice) addDevices(families, context.store);
    const QueueMetrics::Family queues(families);
    devices_.addTo(queues, engine.deviceLoad());
    fleets_.addTo(queues, engine.fleetLoad());
  });
}

std::string Metrics::scrape() const {
  telemetry::Families families;
  families.gauge("balena_clearblade_build_info", "1, with the program's version.")
      .add({{"version", options_.version}}, 1);
  {
    std::lock_guard lock(mutex_);
    for (const Source& source : sources_) source(families);
  }
  requests_.addTo(families);
  addUpstreams(families, directory_);
  telemetry::addProcess(families);
  return families.text();
}

}  // namespace bco::metrics
