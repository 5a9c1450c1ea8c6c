// Removals are counted in their fleet's status before they are made, so that whoever leads next
// knows of them. docs/decisions/0008
#pragma once

#include <optional>

#include "reconcile/device_reconciler.h"

namespace bco {

// Counts `count` removals that the fleet's `stale.maxPerDay` must have room for; false when it has
// not. kConflict: the fleet changed meanwhile, try again. The clock must be known to be right.
[[nodiscard]] Result<bool> countRemovals(const Context& context, const api::ObjectKey& fleet,
                                         const std::string& uid, int count);

// Counts what carrying out `plan` would remove along with a deleted object, unless the object says
// `deletionPolicy: Delete` itself. Returns the plan to carry out: the same, or one that waits until
// there is room. Errors as countRemovals().
[[nodiscard]] Result<Plan> brakeDeletion(const Context& context, const api::BalenaDevice& object,
                                         const FleetView& fleet, const ObservedDevice& observed,
                                         const Plan& plan);

}  // namespace bco
