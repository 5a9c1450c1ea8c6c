// Objects of several namespaces that desire the same device of the same balena fleet. What they
// desire may differ (the registry, the variables' level, Absent), so one of them has the say.
#pragma once

#include "reconcile/views.h"
#include "store/object_store.h"

namespace bco {

// The object of another namespace that looks after this object's device: the one that was first to,
// as its finalizer shows; of several, the first by namespace. nullptr: this one may. Thread-safe.
[[nodiscard]] store::Shared<api::BalenaDevice> rivalOf(const api::BalenaDevice& object,
                                                       const FleetView& fleet,
                                                       const store::ObjectStore& store,
                                                       const FleetViews& views);

}  // namespace bco
