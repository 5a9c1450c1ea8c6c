// Finds the fleet of a device that no object names.
#pragma once

#include <stop_token>
#include <string>

#include "reconcile/fleet_source.h"

namespace bco::endpoint {

// Thread-safe; blocks on balena.
class Lookup {
 public:
  Lookup(const Context& context, FleetSources& fleets) : context_(context), fleets_(fleets) {}

  struct Found {
    store::Shared<api::BalenaFleet> fleet;  // of ours, that has the device; nullptr: none has
    std::optional<EarlyRead> read;          // by the fleet's own client
  };
  // One request for each different client: fleets that share a token are asked together.
  // kUnavailable: a fleet has not been looked at yet, by `deadline`; others: balena's.
  [[nodiscard]] Result<Found> find(const std::string& uuid, SteadyPoint deadline,
                                   const std::stop_token& stop);

 private:
  // balena's id of the fleet; 0 while nobody knows it.
  [[nodiscard]] std::int64_t idOf(const api::BalenaFleet& fleet) const;
  [[nodiscard]] bool isKnown(const api::BalenaFleet& fleet) const;
  // The one that the fleet's passes use, where passes are made: to make sure that it is still made
  // from the Secrets of now means to read and hash them all.
  [[nodiscard]] Result<std::shared_ptr<balena::BalenaApi>> clientOf(const api::BalenaFleet& fleet);

  const Context& context_;
  FleetSources& fleets_;
};

}  // namespace bco::endpoint
