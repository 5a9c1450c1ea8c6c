// One sweep's complete listing of a fleet.
#pragma once

#include <string>
#include <vector>

#include "plan/listing.h"
#include "reconcile/views.h"

namespace bco {

struct FleetListing {
  std::vector<ListedDevice> devices;  // by ascending UUID
  TimePoint takenAt;

  // nullptr when it is not listed.
  [[nodiscard]] const ListedDevice* find(const std::string& uuid) const;
};

// Keeps which devices those are, for a fleet that others than its declared ones may ask for.
void publish(const FleetListing& listing, const api::BalenaFleet& fleet, FleetRolls& rolls);

// Blocks on balena.
[[nodiscard]] Result<FleetListing> listFleet(const FleetView& view);

}  // namespace bco
