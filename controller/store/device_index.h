// Finds devices by UUID and by fleet.
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/device.h"

namespace bco::store {

// Keys of objects, which the reader looks up and checks: the index may be ahead of or behind the
// objects. Its owner guards it.
class DeviceIndex {
 public:
  void add(const api::BalenaDevice& device) {
    byUuid_[device.spec.uuid].insert(device.meta.key);
    byFleet_[device.fleetKey()].insert(device.meta.key);
  }

  void remove(const api::BalenaDevice& device) {
    erase(byUuid_, device.spec.uuid, device.meta.key);
    erase(byFleet_, device.fleetKey(), device.meta.key);
  }

  // In order of namespace and name.
  [[nodiscard]] std::vector<api::ObjectKey> withUuid(const std::string& uuid) const {
    return find(byUuid_, uuid);
  }
  [[nodiscard]] std::vector<api::ObjectKey> ofFleet(const api::ObjectKey& fleet) const {
    return find(byFleet_, fleet);
  }

 private:
  template <class Map, class Key>
  static void erase(Map& map, const Key& key, const api::ObjectKey& device) {
    const auto found = map.find(key);
    if (found == map.end()) return;
    found->second.erase(device);
    if (found->second.empty()) map.erase(found);
  }
  template <class Map, class Key>
  [[nodiscard]] static std::vector<api::ObjectKey> find(const Map& map, const Key& key) {
    const auto found = map.find(key);
    if (found == map.end()) return {};
    return {found->second.begin(), found->second.end()};
  }

  std::unordered_map<std::string, std::set<api::ObjectKey>> byUuid_;
  std::map<api::ObjectKey, std::set<api::ObjectKey>> byFleet_;
};

}  // namespace bco::store
