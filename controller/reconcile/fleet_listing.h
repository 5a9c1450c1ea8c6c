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

// Blocks on balena.
[[nodiscard]] Result<FleetListing> listFleet(const FleetView& view);

}  // namespace bco
