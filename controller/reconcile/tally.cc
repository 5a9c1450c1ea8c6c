#include "reconcile/tally.h"

#include <numeric>

namespace bco {

void Tally::set(const api::BalenaDevice& device, const api::DeviceStatus& status) {
  std::lock_guard lock(mutex_);
  const auto [entry, isNew] =
      devices_.try_emplace(device.meta.key, Entry{device.fleetKey(), status.phase});
  if (!isNew) {
    --byFleet_[entry->second.fleet][static_cast<std::size_t>(entry->second.phase)];
    entry->second = {device.fleetKey(), status.phase};
  }
  ++byFleet_[entry->second.fleet][static_cast<std::size_t>(status.phase)];
}

void Tally::add(const api::BalenaDevice& device) {
  std::lock_guard lock(mutex_);
  const Entry entry{device.fleetKey(), device.status.phase};
  if (!devices_.try_emplace(device.meta.key, entry).second) return;
  ++byFleet_[entry.fleet][static_cast<std::size_t>(entry.phase)];
}

void Tally::remove(const api::ObjectKey& device) {
  std::lock_guard lock(mutex_);
  const auto found = devices_.find(device);
  if (found == devices_.end()) return;
  --byFleet_[found->second.fleet][static_cast<std::size_t>(found->second.phase)];
  devices_.erase(found);
}

api::DeviceCounts Tally::toCounts(const Numbers& numbers) {
  const auto of = [&](api::Phase phase) { return numbers[static_cast<std::size_t>(phase)]; };
  api::DeviceCounts counts;
  counts.total = std::accumulate(numbers.begin(), numbers.end(), 0);
  counts.ready = of(api::Phase::kReady) + of(api::Phase::kAbsent);
  counts.pending = of(api::Phase::kPending);
  counts.waiting = of(api::Phase::kWaiting);
  counts.failed = of(api::Phase::kFailed);
  counts.conflict = of(api::Phase::kConflict);
  counts.suspended = of(api::Phase::kSuspended);
  counts.stale = of(api::Phase::kStale);
  counts.deprovisioning = of(api::Phase::kDeprovisioning);
  return counts;
}

api::DeviceCounts Tally::counts() const {
  std::lock_guard lock(mutex_);
  Numbers sum{};
  for (const auto& [fleet, numbers] : byFleet_) {
    for (std::size_t i = 0; i < kPhases; ++i) sum[i] += numbers[i];
  }
  return toCounts(sum);
}

api::DeviceCounts Tally::countsOf(const api::ObjectKey& fleet) const {
  std::lock_guard lock(mutex_);
  const auto found = byFleet_.find(fleet);
  return found == byFleet_.end() ? api::DeviceCounts{} : toCounts(found->second);
}

}  // namespace bco
