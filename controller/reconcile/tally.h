// How many devices stand where: kept up to date with every status, so that nobody has to count.
#pragma once

#include <array>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "api/device.h"

namespace bco {

inline constexpr std::size_t kPhases = 9;

// Thread-safe.
class Tally {
 public:
  void set(const api::BalenaDevice& device, const api::DeviceStatus& status);
  // By the status it has, unless it is known already.
  void add(const api::BalenaDevice& device);
  void remove(const api::ObjectKey& device);

  [[nodiscard]] api::DeviceCounts counts() const;
  [[nodiscard]] api::DeviceCounts countsOf(const api::ObjectKey& fleet) const;

 private:
  using Numbers = std::array<int, kPhases>;
  struct Entry {
    api::ObjectKey fleet;
    api::Phase phase;
  };
  [[nodiscard]] static api::DeviceCounts toCounts(const Numbers& numbers);

  mutable std::mutex mutex_;  // guards all below
  std::map<api::ObjectKey, Entry> devices_;
  std::map<api::ObjectKey, Numbers> byFleet_;
};

}  // namespace bco
