#include "reconcile/rivals.h"

namespace bco {
namespace {

// A device is in one fleet of one cloud: objects that refer to others have nothing to do.
bool isSameFleet(const FleetView& one, const FleetView& other) {
  return one.fleetId == other.fleetId && one.object->spec.apiUrl == other.object->spec.apiUrl;
}

}  // namespace

store::Shared<api::BalenaDevice> rivalOf(const api::BalenaDevice& object, const FleetView& fleet,
                                         const store::ObjectStore& store, const FleetViews& views) {
  const std::string& space = object.meta.key.space;
  // In order of namespace.
  for (const auto& other : store.devicesByUuid(object.spec.uuid)) {
    if (other->meta.key.space == space || !other->meta.hasFinalizer()) continue;
    if (object.meta.hasFinalizer() && space < other->meta.key.space) continue;
    const auto view = views.get(other->fleetKey());
    if (view && isSameFleet(fleet, **view)) return other;
  }
  return nullptr;
}

}  // namespace bco
