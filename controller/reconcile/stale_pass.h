// The pass that removes a registration whose device has gone.
#pragma once

#include <string>

#include "reconcile/device_reconciler.h"

namespace bco {

// None of the objects of a device, of the fleet's namespace, speaks against removing its
// registration for `fleet`: no other fleet's desires it, and this fleet's one, if any, is ordinary.
[[nodiscard]] bool mayBeStale(const DeviceObjects& objects, const api::ObjectKey& fleet);

enum class StalePass {
  kUsual,    // nothing to remove, or not any more: the device's usual pass is due
  kRemoved,  // discovered objects have gone with the registration, a declared one says so
  kFailed,   // the next sweep that still finds it so brings it back
};
// Looks at both clouds once more and removes the registration that a sweep has cleared, if nothing
// seen now speaks against it. `objects`: all of this UUID's in the fleet's namespace, perhaps none.
// Blocks on the clouds.
[[nodiscard]] StalePass removeStale(const Context& context, const std::string& uuid,
                                    const Clearance& clearance, const DeviceObjects& objects);

}  // namespace bco
