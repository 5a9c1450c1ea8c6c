// What the reconcilers have done, counted since the start.
#pragma once

#include <prometheus/histogram.h>

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "metrics/queue_metrics.h"
#include "reconcile/pass_observer.h"
#include "telemetry/families.h"

namespace bco::metrics {

// Thread-safe.
class Activity final : public PassObserver {
 public:
  // Tells the queues' metrics what their reconciliations have come to. Both must outlive it.
  Activity(QueueMetrics& devices, QueueMetrics& fleets);

  void onPass(const PassReport& report) override;
  void onSweep(const SweepReport& report) override;

  // The latest complete snapshots of a fleet; nullopt: none was taken since the start.
  [[nodiscard]] std::optional<SweepReport::Snapshots> snapshotsOf(
      const api::ObjectKey& fleet) const;

  // Every operation of each of these fleets, those that never happened too: a rate() needs the
  // zero. What is known of others is forgotten.
  void addTo(telemetry::Families& families, const std::set<api::ObjectKey>& fleets);

 private:
  struct OfFleet {
    std::array<std::array<std::uint64_t, kPassOutcomes>, kOperations> operations{};
    std::map<Reason, std::uint64_t> conflicts;
    std::optional<SweepReport::Snapshots> snapshots;
  };
  QueueMetrics& devices_;
  QueueMetrics& fleets_;
  prometheus::Histogram sweeps_;
  prometheus::Histogram failedSweeps_;
  mutable std::mutex mutex_;  // guards byFleet_
  std::map<api::ObjectKey, OfFleet> byFleet_;
};

}  // namespace bco::metrics
