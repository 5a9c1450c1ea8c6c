#include "reconcile/tally.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace bco {
namespace {

template <class Times>
void take(Times& times, typename Times::key_type time) {
  const auto found = times.find(time);
  if (--found->second == 0) times.erase(found);
}

template <class Iterator>
int sumOf(Iterator begin, Iterator end) {
  return std::accumulate(begin, end, 0,
                         [](int sum, const auto& each) { return sum + each.second; });
}

}  // namespace

Tally::Hash Tally::hashOf(const api::ObjectKey& device) {
  return std::hash<std::string>()(toString(device));
}

Tally::Entry Tally::entryOf(const api::BalenaDevice& device, const api::DeviceStatus& status) {
  const auto [group, isNew] = byFleet_.try_emplace(device.fleetKey());
  if (isNew) group->second.fleet = group->first;
  Entry entry{.group = &group->second, .phase = status.phase};
  const api::KeyStatus* const key = status.keyInUse();
  if (key == nullptr) return entry;
  const auto minuteOf = [](const std::optional<TimePoint>& time) {
    return time ? std::chrono::floor<std::chrono::minutes>(*time) : kNone;
  };
  entry.expiresAt = minuteOf(key->expiresAt);
  entry.rotateAt = minuteOf(key->rotateAt);
  return entry;
}

void Tally::count(const Entry& entry) {
  Group& group = *entry.group;
  ++group.byPhase[static_cast<std::size_t>(entry.phase)];
  if (entry.expiresAt != kNone) ++group.expiries[entry.expiresAt];
  if (entry.rotateAt != kNone) ++group.rotations[{entry.rotateAt, entry.lateAt()}];
  if (entry.endsUnrotated()) ++group.endingUnrotated;
}

void Tally::discount(const Entry& entry) {
  Group& group = *entry.group;
  --group.byPhase[static_cast<std::size_t>(entry.phase)];
  if (entry.expiresAt != kNone) take(group.expiries, entry.expiresAt);
  if (entry.rotateAt != kNone) take(group.rotations, {entry.rotateAt, entry.lateAt()});
  if (entry.endsUnrotated()) --group.endingUnrotated;
}

void Tally::removeIfEmpty(const Group& group) {
  const bool isEmpty = std::ranges::all_of(group.byPhase, [](int n) { return n == 0; });
  if (isEmpty) byFleet_.erase(byFleet_.find(group.fleet));
}

void Tally::set(const api::BalenaDevice& device, const api::DeviceStatus& status) {
  std::lock_guard lock(mutex_);
  const Entry entry = entryOf(device, status);
  count(entry);
  const auto [known, isNew] = devices_.try_emplace(hashOf(device.meta.key), entry);
  if (isNew) return;
  const Entry before = std::exchange(known->second, entry);
  discount(before);
  removeIfEmpty(*before.group);
}

void Tally::add(const api::BalenaDevice& device) {
  std::lock_guard lock(mutex_);
  const auto [known, isNew] = devices_.try_emplace(hashOf(device.meta.key));
  if (!isNew) return;
  known->second = entryOf(device, device.status);
  count(known->second);
}

void Tally::remove(const api::ObjectKey& device) {
  std::lock_guard lock(mutex_);
  const auto found = devices_.find(hashOf(device));
  if (found == devices_.end()) return;
  discount(found->second);
  removeIfEmpty(*found->second.group);
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
  const Minute minute = std::chrono::floor<std::chrono::minutes>(now);
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
    const auto due = group.rotations.upper_bound({minute, Minute::max()});
    numbers.rotationsDue = sumOf(group.rotations.begin(), due);
    for (auto each = group.rotations.begin(); each != due; ++each) {
      if (each->first.second < minute) numbers.endingUnrotated += each->second;
    }
  }
  return all;
}

}  // namespace bco
