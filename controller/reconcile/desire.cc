#include "reconcile/desire.h"

#include <algorithm>

namespace bco {

std::vector<DeviceObjects> byNamespace(DeviceObjects objects) {
  std::vector<DeviceObjects> groups;
  for (auto& object : objects) {
    if (groups.empty() || groups.back().front()->meta.key.space != object->meta.key.space) {
      groups.emplace_back();
    }
    groups.back().push_back(std::move(object));
  }
  return groups;
}

DeviceObjects inNamespace(const std::string& space, DeviceObjects objects) {
  std::erase_if(objects, [&](const auto& each) { return each->meta.key.space != space; });
  return objects;
}

const api::BalenaDevice& governing(const DeviceObjects& objects) {
  const auto find = [&](bool discovered) {
    return std::ranges::find_if(
        objects, [=](const auto& each) { return each->meta.isDiscovered() == discovered; });
  };
  const auto declared = find(false);
  const auto discovered = find(true);
  if (declared == objects.end()) return **discovered;
  // A fleet's listing is better known than what somebody wrote about another fleet.
  const bool isElsewhere = discovered != objects.end() &&
                           (*discovered)->status.phase != api::Phase::kStale &&
                           (*discovered)->fleetKey() != (*declared)->fleetKey();
  return isElsewhere ? **discovered : **declared;
}

DesiredDevice desire(const DeviceObjects& objects, const FleetView& fleet,
                     std::set<std::int64_t> managedFleets) {
  const api::BalenaDevice& object = governing(objects);
  const api::FleetSpec& fleetSpec = fleet.object->spec;
  DesiredDevice desired;
  desired.uuid = object.spec.uuid;
  desired.present = object.spec.state == api::DesiredState::kPresent && !object.meta.deletedAt;
  desired.suspended = object.spec.suspend || fleetSpec.suspend;
  desired.duplicate = std::ranges::count_if(
                          objects, [](const auto& each) { return !each->meta.isDiscovered(); }) > 1;
  const api::Condition* provisioned = findCondition(object.status.conditions, "Provisioned");
  desired.returning =
      desired.present && provisioned != nullptr &&
      (provisioned->reason == api::kDeprovisioned || provisioned->reason == api::kDeprovisioning);
  desired.fleetId = fleet.fleetId;
  desired.managedFleets = std::move(managedFleets);
  desired.service = fleetSpec.service;
  desired.project = fleet.registry->project;
  desired.registryPath = fleet.registry->path;
  desired.ownerId = fleet.registry->ownerId;
  desired.keys = api::effectiveKeys(fleetSpec, object.spec);
  desired.windows = fleet.windows;
  desired.renewsWithFleet = !object.spec.keys.renewAfter.has_value();
  if (const auto& key = object.status.key; key && key->rotateAt) {
    desired.promised = RotationPromise{key->generation, *key->rotateAt};
  }
  desired.adoption = object.spec.adoption.value_or(fleetSpec.adoption);
  return desired;
}

}  // namespace bco
