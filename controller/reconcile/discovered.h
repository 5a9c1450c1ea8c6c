// The objects that stand for devices which no document declares.
#pragma once

#include "api/device.h"
#include "api/fleet.h"
#include "store/object_store.h"

namespace bco {

// An object for a device of `fleet`: named after both, with the fleet's labels, so that whoever
// selects the fleet by its labels has its devices too. Pure.
[[nodiscard]] api::BalenaDevice deviceOf(const api::BalenaFleet& fleet, const std::string& uuid);

// The one that the fleet's sweep makes of what it discovers, which follows the fleet's labels.
// Pure.
[[nodiscard]] api::BalenaDevice discoveredDevice(const api::BalenaFleet& fleet,
                                                 const std::string& uuid);

// What such an object's labels lack to be its fleet's, and which of them the fleet no longer has.
// `before`: the fleet's labels at the last look; others have been put there by somebody, and stay.
// Pure.
[[nodiscard]] store::LabelChanges labelChanges(const api::TextMap& labels,
                                               const api::BalenaFleet& fleet,
                                               const api::TextMap& before);

}  // namespace bco
