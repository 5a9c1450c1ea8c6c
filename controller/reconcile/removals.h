// Which registrations may be removed because their devices have gone: a sweep clears them, a pass
// over each removes it. Gone with the process: the next one's sweeps have to find out anew.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/object.h"
#include "plan/stale.h"

namespace bco {

struct Clearance {
  api::ObjectKey fleet;
  crypto::Incarnation incarnation{};
};

// Thread-safe.
class Removals {
 public:
  // From now on those of `fleet` that may go are exactly these.
  void clear(const api::ObjectKey& fleet, const std::vector<StaleRegistration>& set);
  // None of the fleet may go.
  void revoke(const api::ObjectKey& fleet) { clear(fleet, {}); }
  // It is done, or something speaks against it.
  void drop(const std::string& uuid);
  [[nodiscard]] std::optional<Clearance> find(const std::string& uuid) const;

  // Counted against its fleet's brake by this process: the next attempt is not another removal.
  void noteCounted(const crypto::Incarnation& incarnation);
  [[nodiscard]] bool isCounted(const crypto::Incarnation& incarnation) const;

  // A person has let these go by `approval`, the hash of their set. What is left of a set that was
  // approved stays so while the process lives and the approval stands.
  void noteApproved(const std::vector<StaleRegistration>& set, const std::string& approval);
  [[nodiscard]] bool areApproved(const std::vector<StaleRegistration>& set,
                                 const std::string& approval) const;

  // The set that a fleet's last sweep has judged, for people to see.
  void show(const api::ObjectKey& fleet, std::vector<StaleRegistration> set, std::string verdict);
  struct Shown {
    std::vector<StaleRegistration> set;
    std::string verdict;
  };
  [[nodiscard]] Shown shown(const api::ObjectKey& fleet) const;

 private:
  mutable std::mutex mutex_;                  // guards all below
  std::map<std::string, Clearance> cleared_;  // by UUID
  std::set<crypto::Incarnation> counted_;
  std::map<crypto::Incarnation, std::string> approved_;  // by which approval
  std::map<api::ObjectKey, Shown> shown_;
};

}  // namespace bco
