// Which devices balena's complete lists of fleets have shown: for who must tell a device of ours
// from a UUID that somebody tries.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "api/object.h"
#include "core/device_uuid.h"
#include "core/time.h"

namespace bco {

// A list is out of date when it has come: it justifies a question, never a write. Thread-safe.
class FleetRolls {
 public:
  // Before somebody wants them nothing is kept: they are 32 bytes a device.
  void want() {
    std::lock_guard lock(mutex_);
    wanted_ = true;
  }
  [[nodiscard]] bool areWanted() const {
    std::lock_guard lock(mutex_);
    return wanted_;
  }

  // All devices of the fleet, in any order. An earlier list does not replace a later one.
  void put(const api::ObjectKey& fleet, std::vector<DeviceUuid> devices, TimePoint takenAt) {
    std::ranges::sort(devices);
    Roll roll{takenAt, std::move(devices)};  // what it replaces is destroyed without the lock
    std::lock_guard lock(mutex_);
    if (!wanted_) return;
    Roll& current = rolls_[fleet];
    if (current.takenAt <= takenAt) std::swap(current, roll);
  }

  // The fleet has gone.
  void forget(const api::ObjectKey& fleet) {
    std::unique_lock lock(mutex_);
    const auto gone = rolls_.extract(fleet);
    lock.unlock();
  }

  // balena has said meanwhile that it is in no fleet of ours.
  void strike(const std::string& uuid) {
    const auto parsed = DeviceUuid::parse(uuid);
    if (!parsed) return;
    std::lock_guard lock(mutex_);
    for (auto& [fleet, roll] : rolls_) {
      const auto [first, last] = std::ranges::equal_range(roll.devices, *parsed);
      roll.devices.erase(first, last);
    }
  }

  // Those that list the device.
  [[nodiscard]] std::vector<api::ObjectKey> fleetsOf(const std::string& uuid) const {
    std::vector<api::ObjectKey> fleets;
    const auto parsed = DeviceUuid::parse(uuid);
    if (!parsed) return fleets;
    std::lock_guard lock(mutex_);
    for (const auto& [fleet, roll] : rolls_) {
      if (std::ranges::binary_search(roll.devices, *parsed)) fleets.push_back(fleet);
    }
    return fleets;
  }

 private:
  struct Roll {
    TimePoint takenAt = TimePoint::min();
    std::vector<DeviceUuid> devices;  // ascending
  };

  mutable std::mutex mutex_;  // guards all below
  bool wanted_ = false;
  std::map<api::ObjectKey, Roll> rolls_;
};

}  // namespace bco
