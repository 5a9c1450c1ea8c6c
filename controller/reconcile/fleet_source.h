// The clients of fleets, and what balena says of a fleet before any of its devices is looked at.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "reconcile/registry_source.h"

namespace bco {

// Thread-safe; blocks on the clouds without holding a lock.
class FleetSources {
 public:
  FleetSources(const Context& context, RegistrySources& registries, CloudFactory& factory)
      : context_(context), registries_(registries), factory_(factory) {}

  // Asks balena for the fleet, checks its target service and connects to its registry. kNotFound,
  // kInvalid, kUnauthenticated and kForbidden need a person; others pass by themselves.
  [[nodiscard]] Result<std::shared_ptr<const FleetView>> look(
      const std::shared_ptr<const api::BalenaFleet>& fleet);

  // The fleet's client of balena, made anew when what it is made from has changed. Asks nothing.
  [[nodiscard]] Result<std::shared_ptr<balena::BalenaApi>> clientOf(const api::BalenaFleet& fleet);

  // The fleet has gone; so do its client, and its word on the budget.
  void forget(const api::ObjectKey& fleet) {
    std::lock_guard lock(mutex_);
    entries_.erase(fleet);
  }

  // See CloudFactory.
  [[nodiscard]] std::string smallerBudget(const api::ObjectKey& fleet) const {
    return factory_.smallerBudget(api::ObjectKind::kFleet, fleet);
  }

 private:
  struct Entry {
    std::string inputs;
    std::shared_ptr<balena::BalenaApi> client;
  };

  const Context& context_;
  RegistrySources& registries_;
  CloudFactory& factory_;
  std::mutex mutex_;  // guards entries_
  std::map<api::ObjectKey, Entry> entries_;
};

}  // namespace bco
