// What one sweep has read of a fleet and its registry, both completely.
#pragma once

#include <memory>

#include "reconcile/fleet_listing.h"
#include "reconcile/registry_listing.h"
#include "reconcile/stale_removal.h"

namespace bco {

struct SweepSnapshots {
  std::shared_ptr<const FleetView> view;
  FleetListing balena;
  std::shared_ptr<const RegistryListing> registry;
  bool isFirst = false;  // of this process
  StaleSet stale = {};
};

[[nodiscard]] inline bool isOf(const FleetView& view, const ListedRegistration& registration) {
  return registration.isOurs && registration.fleetId == view.fleetId;
}

}  // namespace bco
