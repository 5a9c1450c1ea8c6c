#include "metrics/request_metrics.h"

#include "metrics/buckets.h"

namespace bco::metrics {

void RequestMetrics::onAttempt(std::string_view kind, std::string_view outcome, Duration duration,
                               bool /*mayLand*/) {
  std::lock_guard lock(mutex_);
  auto calls = calls_.find(kind);
  if (calls == calls_.end()) {
    calls = calls_.try_emplace(std::string(kind)).first;
    calls->second.durations = std::make_unique<prometheus::Histogram>(shortTimes());
  }
  calls->second.durations->Observe(telemetry::seconds(duration));
  auto& byCode = calls->second.byCode;
  auto count = byCode.find(outcome);
  if (count == byCode.end()) count = byCode.try_emplace(std::string(outcome)).first;
  ++count->second;
}

void RequestMetrics::addTo(telemetry::Families& families) const {
  const auto requests = families.counter("balena_clearblade_upstream_requests_total",
                                         "Requests sent, repetitions included, by the answer's "
                                         "status or the error that came instead.");
  const auto durations =
      families.histogram("balena_clearblade_upstream_request_duration_seconds",
                         "Time from asking for a connection to the answer or the error.");
  std::lock_guard lock(mutex_);
  for (const auto& [name, calls] : calls_) {
    const std::size_t dot = name.find('.');
    const std::string upstream = name.substr(0, dot);
    const std::string kind = dot == std::string::npos ? std::string() : name.substr(dot + 1);
    durations.add({{"upstream", upstream}, {"kind", kind}}, *calls.durations);
    for (const auto& [code, count] : calls.byCode) {
      requests.add({{"upstream", upstream}, {"kind", kind}, {"code", code}},
                   static_cast<double>(count));
    }
  }
}

}  // namespace bco::metrics
