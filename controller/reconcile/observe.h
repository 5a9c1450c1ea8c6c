// Reads what both clouds have of one device.
#pragma once

#include "core/result.h"
#include "plan/device_state.h"
#include "reconcile/views.h"

namespace bco {

// What a write of ours has made of the registration's credentials.
void setCredentials(ObservedDevice& observed, std::vector<clearblade::Credential> credentials);

// GETs the device, then, unless its registration is hinted absent, the registration: read in this
// order, so that a stored key that the registration does not list was really unknown to it. For a
// removal the registration is always read. Blocks; one thread.
[[nodiscard]] Result<ObservedDevice> observe(const DesiredDevice& desired, const FleetView& fleet,
                                             Lane lane = Lane::kFresh);

}  // namespace bco
