// What FleetSync has found out about fleets and registries, for the device reconcilers to use.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/fleet.h"
#include "api/registry.h"
#include "balena/api.h"
#include "clearblade/api.h"
#include "core/result.h"
#include "core/secret.h"
#include "plan/maintenance.h"
#include "reconcile/early_reads.h"
#include "reconcile/fleet_rolls.h"
#include "reconcile/hints.h"
#include "reconcile/key_maker.h"
#include "reconcile/removals.h"

namespace bco {

// A registry we can talk to. Never changes; a changed object or Secret makes a new one.
struct RegistryView {
  api::ObjectKey key;
  std::string project;
  std::string path;
  std::string ownerId;
  SharedSecret seed;
  std::shared_ptr<clearblade::RegistryApi> registry;
  std::shared_ptr<RegistrationHints> hints;
  bool isLoopback = false;  // on this machine, where keys may live for minutes
  const KeyMaker& keys = kDerivedKeys;
};

// A fleet we can talk to, as its object and balena described it at the last look. Never changes.
struct FleetView {
  std::shared_ptr<const api::BalenaFleet> object;
  std::int64_t fleetId = 0;
  balena::VariableLevel level;
  std::shared_ptr<balena::BalenaApi> balena;
  std::shared_ptr<const RegistryView> registry;
  std::vector<Window> windows = {};  // keys.windows
};

// The current view of each fleet, or why there is none. Thread-safe.
class FleetViews {
 public:
  // kUnavailable before the fleet's first look.
  [[nodiscard]] Result<std::shared_ptr<const FleetView>> get(const api::ObjectKey& fleet) const;
  // It has been looked at, with or without success.
  [[nodiscard]] bool knows(const api::ObjectKey& fleet) const;
  void set(const api::ObjectKey& fleet, std::shared_ptr<const FleetView> view);
  // Why there is none; an earlier view stays in use, for what it says still holds as far as we
  // know.
  void setFailure(const api::ObjectKey& fleet, Error error);
  void forget(const api::ObjectKey& fleet);

  // The ids of all fleets of ours in the balena cloud at `apiUrl`: another's ids say nothing there.
  [[nodiscard]] std::set<std::int64_t> fleetIds(const std::string& apiUrl) const;
  [[nodiscard]] std::vector<std::shared_ptr<const FleetView>> all() const;

  // What sweeps have cleared for removal.
  [[nodiscard]] Removals& removals() { return removals_; }

  // What was read of a device to find its fleet.
  [[nodiscard]] EarlyReads& earlyReads() { return earlyReads_; }

  // Which devices the last lists have shown.
  [[nodiscard]] FleetRolls& rolls() { return rolls_; }

 private:
  struct Entry {
    std::shared_ptr<const FleetView> view;
    std::optional<Error> failure;
  };
  mutable std::mutex mutex_;  // guards entries_
  std::map<api::ObjectKey, Entry> entries_;
  EarlyReads earlyReads_;
  FleetRolls rolls_;
  Removals removals_;
};

}  // namespace bco
