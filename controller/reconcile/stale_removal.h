// The set level's part in removing registrations whose devices have gone: what is stale, for how
// long, and whether the brake lets all of it go. Removes nothing itself.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "core/work_queue.h"
#include "reconcile/device_reconciler.h"
#include "reconcile/fleet_listing.h"

namespace bco {

// What one pair of complete snapshots shows.
struct StaleSet {
  std::vector<StaleRegistration> absent;  // all, by UUID; `since` is empty while clocks differ
  // Missing as well, but another fleet of ours has the device: not stale, whoever takes it over.
  std::set<std::string> elsewhere;
  std::vector<StaleRegistration> due;  // of them, for long enough: these may go
  // What the brake judges: these, and those that left with them for all that is known: an earlier
  // process may have found them due, or another one has dated them a little later. Else a restart,
  // or a second leader, would make small sets of one that is too large.
  std::vector<StaleRegistration> judged;
  int owned = 0;  // registrations of the fleet

  // nullptr when it is not absent.
  [[nodiscard]] const StaleRegistration* find(const std::string& uuid) const;
};

// kPreview: everything absent counts as absent for long enough, and nothing is cleared.
enum class SweepKind { kWork, kPreview };

// Thread-safe as long as no two threads handle one fleet.
class StaleRemoval {
 public:
  StaleRemoval(const Context& context, WorkQueue& devices) : context_(context), devices_(devices) {}

  // Takes note of complete snapshots. What is absent from them for less long is due later.
  [[nodiscard]] StaleSet note(const FleetView& view, const FleetListing& balena,
                              const RegistryListing& registry, SweepKind kind);

  // Judges the whole set; what may go is counted, cleared and enqueued. What the fleet's status is
  // to say of it: see reportRemoval().
  struct Outcome {
    int stale = 0;
    bool halted = false;
    int candidates = 0;
    std::string set;
    std::string reason;
    std::string message;
  };
  [[nodiscard]] Outcome decide(const FleetView& view, const StaleSet& stale, SweepKind kind);

 private:
  struct Entry {
    std::string uid;
    AbsenceLog log;
    std::set<std::string> missing = {};    // from the fleet, at its last sweep
    std::set<std::string> sheltered = {};  // what is missing from others, and was here then
  };
  [[nodiscard]] Entry& entryOf(const api::ObjectMeta& fleet);
  // Of what is missing from `fleet`, what the last listings of others show.
  [[nodiscard]] std::set<std::string> findElsewhere(const api::ObjectMeta& fleet,
                                                    const std::set<std::string>& missing) const;
  // What is missing from other fleets, and is in this one: what the registry has as another's, and
  // what others have missed in other registries.
  [[nodiscard]] std::set<std::string> findHere(const FleetView& view, const FleetListing& balena,
                                               const RegistryListing& registry) const;
  void clear(const api::BalenaFleet& fleet, const StaleSet& stale);
  [[nodiscard]] bool count(const api::BalenaFleet& fleet, const StaleSet& stale);

  const Context& context_;
  WorkQueue& devices_;
  mutable std::mutex mutex_;  // guards entries_, but not the logs: one sweep a fleet
  std::map<api::ObjectKey, Entry> entries_;
};

// Pure but for `status`, in which all but `removal.recent` of the outcome is said.
void reportRemoval(const StaleRemoval::Outcome& outcome, std::int64_t generation, TimePoint now,
                   api::FleetStatus& status);

}  // namespace bco
