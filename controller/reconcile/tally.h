// How many devices stand where, and when their keys end: kept up to date with every status, so that
// nobody has to count.
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "api/device.h"

namespace bco {

inline constexpr std::size_t kPhases = 9;

// Of one fleet's devices. Only keys in use count, by the minutes that their times are in.
struct FleetNumbers {
  std::array<int, kPhases> byPhase{};
  std::optional<TimePoint> firstExpiry;  // of a key that a device holds
  std::vector<int> expiring;             // keys that end within each of the windows asked for
  int rotationsDue = 0;
  // Keys that threaten to end unrotated: their end comes first, or more than half of the time from
  // when rotation was due to their end is over.
  int endingUnrotated = 0;
};

// Thread-safe.
class Tally {
 public:
  void set(const api::BalenaDevice& device, const api::DeviceStatus& status);
  // By the status it has, unless it is known already.
  void add(const api::BalenaDevice& device);
  void remove(const api::ObjectKey& device);

  [[nodiscard]] api::DeviceCounts counts() const;
  [[nodiscard]] api::DeviceCounts countsOf(const api::ObjectKey& fleet) const;
  // Of every fleet that has devices. Costs what the keys that end within the longest window, or are
  // due to be rotated, cost to count.
  [[nodiscard]] std::map<api::ObjectKey, FleetNumbers> numbers(
      TimePoint now, std::span<const Duration> windows) const;

 private:
  using Numbers = std::array<int, kPhases>;
  using Minute = std::chrono::sys_time<std::chrono::minutes>;
  static constexpr Minute kNone = Minute::min();
  struct Group {
    api::ObjectKey fleet;
    Numbers byPhase{};
    std::map<Minute, int> expiries;
    std::map<std::pair<Minute, Minute>, int> rotations;  // by rotateAt and lateAt()
    int endingUnrotated = 0;                             // that end before their rotation
  };
  // There is one for each device.
  struct Entry {
    Group* group = nullptr;
    Minute expiresAt = kNone;
    Minute rotateAt = kNone;
    api::Phase phase{};
    [[nodiscard]] bool endsUnrotated() const {
      return expiresAt != kNone && rotateAt != kNone && expiresAt <= rotateAt;
    }
    // When half the time for a rotation is over, of a key that is to be rotated before its end.
    [[nodiscard]] Minute lateAt() const {
      const bool isInTime = expiresAt != kNone && !endsUnrotated();
      return isInTime ? rotateAt + (expiresAt - rotateAt) / 2 : Minute::max();
    }
  };
  // Devices are known by 64 bits of hash: two being confused is as good as impossible, and would
  // only make a wrong count.
  using Hash = std::size_t;
  [[nodiscard]] static Hash hashOf(const api::ObjectKey& device);
  // With the mutex held. The entry, to be counted, makes its fleet's group if there is none.
  [[nodiscard]] Entry entryOf(const api::BalenaDevice& device, const api::DeviceStatus& status);
  [[nodiscard]] static api::DeviceCounts toCounts(const Numbers& numbers);
  static void count(const Entry& entry);
  static void discount(const Entry& entry);
  // With the mutex held, of a group from which was taken.
  void removeIfEmpty(const Group& group);

  mutable std::mutex mutex_;  // guards all below
  std::unordered_map<Hash, Entry> devices_;
  std::map<api::ObjectKey, Group> byFleet_;  // no group is empty
};

}  // namespace bco
