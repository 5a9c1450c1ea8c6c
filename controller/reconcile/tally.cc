#include "reconcile/tally.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace bco {
namespace {

template <class Times>
void take(Times& times, const std::optional<typename Times::key_type>& time) {
  if (!time) return;
  const auto found = times.find(*time);
  if (--found->second == 0) times.erase(found);
}

template <class Iterator>
int sumOf(Iterator begin, Iterator end) {
  return std::accumulate(begin, end, 0,
                         [](int sum, const auto& each) { return sum + each.second; });
}

}  // namespace

Tally::Entry Tally::entryOf(const api::BalenaDevice& device, const api::DeviceStatus& status) {
  Entry entry{device.fleetKey(), status.phase, {}, {}};
  if (!status.key) return entry;
  const auto minuteOf = [](const std::optional<TimePoint>& time) {
    return time ? std::optional(std::chrono::floor<std::chrono::minutes>(*time)) : std::nullopt;
  };
  entry.expiresAt = minuteOf(status.key->expiresAt);
  entry.rotateAt = minuteOf(status.key->rotateAt);
  return entry;
}

void Tally::count(const Entry& entry) {
  Group& group = byFleet_[entry.fleet];
  ++group.byPhase[static_cast<std::size_t>(entry.phase)];
  if (entry.expiresAt) ++group.expiries[*entry.expiresAt];
  if (entry.rotateAt) ++group.rotations[*entry.rotateAt];
  if (entry.endsUnrotated()) ++group.endingUnrotated;
}

void Tally::discount(const Entry& entry) {
  const auto found = byFleet_.find(entry.fleet);
  Group& group = found->second;
  --group.byPhase[static_cast<std::size_t>(entry.phase)];
  take(group.expiries, entry.expiresAt);
  take(group.rotations, entry.rotateAt);
  if (entry.endsUnrotated()) --group.endingUnrotated;
  if (std::ranges::all_of(group.byPhase, [](int n) { return n == 0; })) byFleet_.erase(found);
}

void Tally::set(const api::BalenaDevice& device, const api::DeviceStatus& status) {
  const Entry entry = entryOf(device, status);
  std::lock_guard lock(mutex_);
  const auto [known, isNew] = devices_.try_emplace(device.meta.key, entry);
  if (!isNew) discount(std::exchange(known->second, entry));
  count(entry);
}

void Tally::add(const api::BalenaDevice& device) {
  const Entry entry = entryOf(device, device.status);
  std::lock_guard lock(mutex_);
  if (devices_.try_emplace(device.meta.key, entry).second) count(entry);
}

void Tally::remove(const api::ObjectKey& device) {
  std::lock_guard lock(mutex_);
  const auto found = devices_.find(device);
  if (found == devices_.end()) return;
  discount(found->second);
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
  for (const auto& [fleet, group] : byFleet_) {
    for (std::size_t i = 0; i < kPhases; ++i) sum[i] += group.byPhase[i];
  }
  return toCounts(sum);
}

api::DeviceCounts Tally::countsOf(const api::ObjectKey& fleet) const {
  std::lock_guard lock(mutex_);
  const auto found = byFleet_.find(fleet);
  return found == byFleet_.end() ? api::DeviceCounts{} : toCounts(found->second.byPhase);
}

std::map<api::ObjectKey, FleetNumbers> Tally::numbers(TimePoint now,
                                                      std::span<const Duration> windows) const {
  std::lock_guard lock(mutex_);
  std::map<api::ObjectKey, FleetNumbers> all;
  for (const auto& [fleet, group] : byFleet_) {
    FleetNumbers& numbers = all[fleet];
    numbers.byPhase = group.byPhase;
    numbers.endingUnrotated = group.endingUnrotated;
    if (!group.expiries.empty()) numbers.firstExpiry = group.expiries.begin()->first;
    for (const Duration window : windows) {
      const auto end =
          group.expiries.upper_bound(std::chrono::floor<std::chrono::minutes>(now + window));
      numbers.expiring.push_back(sumOf(group.expiries.begin(), end));
    }
    const auto due = group.rotations.upper_bound(std::chrono::floor<std::chrono::minutes>(now));
    numbers.rotationsDue = sumOf(group.rotations.begin(), due);
  }
  return all;
}

}  // namespace bco
