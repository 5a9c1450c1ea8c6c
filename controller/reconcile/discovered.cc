#include "reconcile/discovered.h"

namespace bco {

api::BalenaDevice deviceOf(const api::BalenaFleet& fleet, const std::string& uuid) {
  const api::ObjectKey& key = fleet.meta.key;
  api::BalenaDevice device;
  device.meta.key = {key.space, key.name + "-" + uuid};
  device.meta.labels = fleet.meta.labels;
  device.meta.labels[api::kFleetLabel] = key.name;
  device.spec.uuid = uuid;
  device.spec.fleet = key.name;
  return device;
}

api::BalenaDevice discoveredDevice(const api::BalenaFleet& fleet, const std::string& uuid) {
  api::BalenaDevice device = deviceOf(fleet, uuid);
  device.meta.labels[api::kDiscoveredLabel] = "true";
  return device;
}

store::LabelChanges labelChanges(const api::TextMap& labels, const api::BalenaFleet& fleet,
                                 const api::TextMap& before) {
  store::LabelChanges changes;
  const api::TextMap wanted = discoveredDevice(fleet, "").meta.labels;
  for (const auto& [name, value] : wanted) {
    const auto found = labels.find(name);
    if (found == labels.end() || found->second != value) {
      changes.emplace(std::string(name), value);
    }
  }
  for (const auto& [name, value] : before) {
    const auto found = labels.find(name);
    if (!wanted.contains(name) && found != labels.end() && found->second == value) {
      changes.emplace(std::string(name), std::nullopt);
    }
  }
  return changes;
}

}  // namespace bco
