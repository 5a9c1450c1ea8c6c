// Reads what both clouds have of one device.
#pragma once

#include "core/result.h"
#include "plan/device_state.h"
#include "reconcile/read_ahead.h"
#include "reconcile/views.h"

namespace bco {

// What a write of ours has made of the registration's credentials.
void setCredentials(ObservedDevice& observed, std::vector<clearblade::Credential> credentials);

// How a device is looked at.
struct Looking {
  Lane lane = Lane::kFresh;
  ReadAhead* readAhead = nullptr;                      // reads registrations meanwhile
  std::optional<balena::Device> early = std::nullopt;  // the device, if it was read a moment ago
};

// GETs the device, unless it was read `early`, and its registration (docs/decisions/0002):
//
//   hinted absent, or   the device alone: the registration's creation is its own check
//     presumed so
//   hinted present      both at the same time; and the registration once more if it does not list
//                       the key that is stored, which may be newer than it
//   else                one after the other, as for a removal, and without `readAhead`
//
// So a stored key counts as unknown only to a registration that was read after it. Blocks.
[[nodiscard]] Result<ObservedDevice> observe(const DesiredDevice& desired, const FleetView& fleet,
                                             Looking looking = {});

}  // namespace bco
