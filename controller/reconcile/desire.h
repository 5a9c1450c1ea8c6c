// What the objects say of a device, put together for the planner.
#pragma once

#include <set>
#include <vector>

#include "plan/device_state.h"
#include "reconcile/views.h"
#include "store/object_store.h"

namespace bco {

using DeviceObjects = std::vector<store::Shared<api::BalenaDevice>>;

// Objects of one UUID, in order of namespace and name, by namespace. Only within one do objects
// rival: none has a say about what another namespace's objects desire.
[[nodiscard]] std::vector<DeviceObjects> byNamespace(DeviceObjects objects);
[[nodiscard]] DeviceObjects inNamespace(const std::string& space, DeviceObjects objects);

// Whose word counts among the objects of one UUID in a namespace (at least one): a declared object
// before a discovered one, unless another fleet than the declared one lists the device.
[[nodiscard]] const api::BalenaDevice& governing(const DeviceObjects& objects);

[[nodiscard]] DesiredDevice desire(const DeviceObjects& objects, const FleetView& fleet,
                                   std::set<std::int64_t> managedFleets);

}  // namespace bco
