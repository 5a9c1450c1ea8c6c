#include "metrics/activity.h"

#include "metrics/buckets.h"

namespace bco::metrics {

Activity::Activity(QueueMetrics& devices, QueueMetrics& fleets)
    : devices_(devices), fleets_(fleets), sweeps_(longTimes()), failedSweeps_(longTimes()) {}

void Activity::onPass(const PassReport& report) {
  devices_.onReconciled(report.took, report.failed       ? QueueMetrics::Result::kError
                                     : report.comesAgain ? QueueMetrics::Result::kComesAgain
                                                         : QueueMetrics::Result::kSuccess);
  if (!report.work && !report.conflict) return;
  std::lock_guard lock(mutex_);
  OfFleet& fleet = byFleet_[report.fleet];
  if (report.work) {
    ++fleet.operations[static_cast<std::size_t>(report.work->operation)]
                      [static_cast<std::size_t>(report.work->outcome)];
  }
  if (report.conflict) ++fleet.conflicts[*report.conflict];
}

void Activity::onSweep(const SweepReport& report) {
  const bool failed = !report.snapshots;
  fleets_.onReconciled(report.took,
                       failed ? QueueMetrics::Result::kError : QueueMetrics::Result::kComesAgain);
  (failed ? failedSweeps_ : sweeps_).Observe(telemetry::seconds(report.took));
  if (failed) return;
  std::lock_guard lock(mutex_);
  byFleet_[report.fleet].snapshots = report.snapshots;
}

std::optional<SweepReport::Snapshots> Activity::snapshotsOf(const api::ObjectKey& fleet) const {
  std::lock_guard lock(mutex_);
  const auto found = byFleet_.find(fleet);
  return found == byFleet_.end() ? std::nullopt : found->second.snapshots;
}

void Activity::addTo(telemetry::Families& families, const std::set<api::ObjectKey>& fleets) {
  const auto operations = families.counter(
      "balena_clearblade_device_operations_total",
      "Passes that wrote to a cloud, by what they were about and how they ended. repeated: the "
      "world had changed, or the budget's turn had not come; it is made again.");
  const auto conflicts =
      families.counter("balena_clearblade_conflicts_total",
                       "Times a device came into conflict: a person has to say whose it is.");
  families
      .histogram("balena_clearblade_sweep_duration_seconds",
                 "Time to list a fleet and its registry and to compare them.")
      .add({{"outcome", "succeeded"}}, sweeps_)
      .add({{"outcome", "failed"}}, failedSweeps_);
  std::lock_guard lock(mutex_);
  std::erase_if(byFleet_, [&](const auto& entry) { return !fleets.contains(entry.first); });
  for (const auto& key : fleets) {
    const std::string name = toString(key);
    const OfFleet& fleet = byFleet_[key];
    for (std::size_t i = 0; i < kOperations; ++i) {
      for (std::size_t j = 0; j < kPassOutcomes; ++j) {
        operations.add({{"fleet", name},
                        {"operation", nameOf(static_cast<Operation>(i))},
                        {"outcome", nameOf(static_cast<PassOutcome>(j))}},
                       static_cast<double>(fleet.operations[i][j]));
      }
    }
    for (const auto& [reason, count] : fleet.conflicts) {
      conflicts.add({{"fleet", name}, {"reason", nameOf(reason)}}, static_cast<double>(count));
    }
  }
}

}  // namespace bco::metrics
