#include "reconcile/discovery.h"

#include <unordered_set>

#include "reconcile/desire.h"
#include "reconcile/discovered.h"

namespace bco {
namespace {

// Whether this fleet has a registration for the device, as far as listing and passes since know.
bool hasRegistration(const FleetView& view, const RegistryListing& listing,
                     const std::string& uuid) {
  const Hint hint = view.registry->hints->of(uuid);
  const ListedRegistration* listed = listing.find(uuid);
  return listed == nullptr ? hint == Hint::kPresent : isOf(view, *listed) && hint != Hint::kAbsent;
}

// Somebody has said in a discovered object that the device is to be left alone. What he said would
// be lost with the object, and the device be provisioned when it is selected again.
bool holdsBack(const api::BalenaDevice& object) {
  return object.spec.suspend || object.spec.state == api::DesiredState::kAbsent;
}

}  // namespace

RefusedWrites Discovery::discover(const SweepSnapshots& snapshots, const std::stop_token& stop) {
  RefusedWrites refused;
  const api::BalenaFleet& fleet = *snapshots.view->object;
  const api::ObjectKey& fleetKey = fleet.meta.key;
  const bool all = fleet.spec.devices == api::DeviceSource::kAll;
  const auto viewBefore = context_.views.get(fleetKey);
  const auto labelsBefore = viewBefore ? (*viewBefore)->object->meta.labels : api::TextMap{};
  // UUIDs alone: there may be ten thousand.
  std::unordered_set<std::string> discovered;
  std::unordered_set<std::string> declared;
  for (const auto& object : context_.store.devicesOfFleet(fleetKey)) {
    if (object->meta.isDiscovered()) {
      if (all && !stop.stop_requested() && !refused.isHopeless()) {
        refused.note(keepLabels(*object, fleet, labelsBefore));
      }
      discovered.insert(object->spec.uuid);
    } else {
      declared.insert(object->spec.uuid);
    }
  }
  refused.goOn();
  if (all) {
    for (const ListedDevice& row : snapshots.balena.devices) {
      if (stop.stop_requested()) return refused;
      const auto existing = discovered.find(row.uuid);
      const bool wanted = row.isSelected && !declared.contains(row.uuid);
      if (existing != discovered.end()) {
        if (wanted) discovered.erase(existing);
        continue;
      }
      if (wanted && !refused.isHopeless()) refused.note(create(fleet, row.uuid));
    }
  }
  refused.goOn();
  for (const std::string& uuid : discovered) {
    // One whose device has left balena stays while its registration does, to show that it is stale.
    const bool isDeclared = declared.contains(uuid);
    const bool isAbsent = all && snapshots.balena.find(uuid) == nullptr && !isDeclared;
    if (isAbsent && hasRegistration(*snapshots.view, *snapshots.registry, uuid)) continue;
    for (const auto& object : context_.store.devicesByUuid(uuid)) {
      if (!object->meta.isDiscovered() || object->fleetKey() != fleetKey) continue;
      if (holdsBack(*object) && !isDeclared) continue;
      if (stop.stop_requested() || refused.isHopeless()) return refused;
      refused.note(release(*object));
    }
  }
  // What other fleets of ours have discovered and this one now lists has moved here. Fleets in
  // another cloud know nothing of that, and other namespaces see to theirs.
  for (const ListedDevice& row : snapshots.balena.devices) {
    for (const auto& object : inNamespace(fleetKey.space, context_.store.devicesByUuid(row.uuid))) {
      if (!object->meta.isDiscovered() || object->fleetKey() == fleetKey) continue;
      const auto other = context_.store.fleets().get(object->fleetKey());
      const bool isInOtherCloud = other != nullptr && other->spec.apiUrl != fleet.spec.apiUrl;
      // Of two BalenaFleets for one fleet of balena's neither takes the other's objects away.
      const bool isInSameFleet = other != nullptr && other->spec.fleet == fleet.spec.fleet;
      if (isInOtherCloud || isInSameFleet) continue;
      if (stop.stop_requested() || refused.isHopeless()) return refused;
      refused.note(release(*object));
    }
  }
  return refused;
}

Status Discovery::keepLabels(const api::BalenaDevice& object, const api::BalenaFleet& fleet,
                             const api::TextMap& labelsBefore) {
  const auto changes = labelChanges(object.meta.labels, fleet, labelsBefore);
  if (changes.empty()) return {};
  return context_.store.devices().setLabels(object.meta.key, object.meta.uid, changes);
}

Status Discovery::create(const api::BalenaFleet& fleet, const std::string& uuid) {
  api::BalenaDevice device = discoveredDevice(fleet, uuid);
  const api::ObjectKey key = device.meta.key;
  Status created = context_.store.devices().create(std::move(device));
  if (created || created.error().code != ErrorCode::kAlreadyExists) return created;
  const auto existing = context_.store.devices().get(key);
  if (existing == nullptr) {
    created.error().message +=
        "; but it is not among the objects that this process looks after: give it its fleet's "
        "labels";
  } else if (existing->spec.uuid == uuid && existing->fleetKey() == fleet.meta.key) {
    return {};  // told of meanwhile
  } else {
    created.error().message += ", and declares another device or fleet: give it another name";
  }
  return created;
}

Status Discovery::release(const api::BalenaDevice& object) {
  Status released = context_.store.devices().release(object.meta.key, object.meta.uid);
  if (released || released.error().code == ErrorCode::kNotFound) {
    context_.tally.remove(object.meta.key);
  }
  return released;
}

bool Discovery::releaseAll(const api::ObjectKey& fleet, const std::stop_token& stop) {
  RefusedWrites refused;
  bool isOver = true;
  for (const auto& object : context_.store.devicesOfFleet(fleet)) {
    if (!object->meta.isDiscovered() || holdsBack(*object)) continue;
    if (stop.stop_requested() || refused.isHopeless()) break;
    const Status released = release(*object);
    refused.note(released);
    isOver &= released || released.error().code == ErrorCode::kNotFound;
  }
  if (const auto error = refused.error()) {
    context_.log.error("devices of a fleet that has gone can't be let go; trying again",
                       {{"fleet", toString(fleet)}, {"error", error->message}});
  }
  return isOver;
}

}  // namespace bco
