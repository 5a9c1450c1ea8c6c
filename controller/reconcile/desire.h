// What the objects say of a device, put together for the planner.
#pragma once

#include <set>
#include <vector>

#include "plan/device_state.h"
#include "reconcile/views.h"
#include "store/object_store.h"

namespace bco {

using DeviceObjects = std::vector<store::Shared<api::BalenaDevice>>;

// Whose word counts among the objects of one UUID (at least one): a declared object before a
// discovered one, unless another fleet than the declared one lists the device.
[[nodiscard]] const api::BalenaDevice& governing(const DeviceObjects& objects);

[[nodiscard]] DesiredDevice desire(const DeviceObjects& objects, const FleetView& fleet,
                                   std::set<std::int64_t> managedFleets);

}  // namespace bco
