// What sweeps have had looked at and need not have looked at again: what stays as it is, such as a
// conflict, or all that a fleet in mode Observe does not do.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>

#include "plan/sweep.h"
#include "reconcile/views.h"

namespace bco {

// Of everything that a sweep judges a device by. Pure.
[[nodiscard]] std::uint64_t fingerprintOf(const api::BalenaDevice& object, const FleetView& fleet,
                                          const std::set<std::int64_t>& managed,
                                          const ListedDevice* row,
                                          const ListedRegistration* registration,
                                          const SweepFinding& finding, TimePoint now);

// In this process's memory: the next one looks at everything once. Thread-safe.
class Judgements {
 public:
  // Whether this device of `fleet`, as it is since a look at it, has been looked at once more with
  // the same fingerprint, less than `interval` ago. If not, it is to be now, which is noted: what
  // that first look saw may have been gone again when the next sweep listed it.
  [[nodiscard]] bool isKnown(const api::ObjectKey& fleet, const std::string& uuid,
                             std::uint64_t fingerprint, Duration interval, SteadyPoint now);
  // Forgets what is no longer of use.
  void prune(const api::ObjectKey& fleet, SteadyPoint now);
  void forget(const api::ObjectKey& fleet);

 private:
  struct Judgement {
    std::uint64_t fingerprint = 0;
    SteadyPoint until{};
  };
  std::mutex mutex_;  // guards fleets_
  std::map<api::ObjectKey, std::unordered_map<std::string, Judgement>> fleets_;
};

}  // namespace bco
