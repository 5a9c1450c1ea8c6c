// Finds devices by UUID and by fleet.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "api/device.h"

namespace bco::store {

// A number for an object's name. Two names may share one: who looks up by it checks what he finds.
[[nodiscard]] inline std::uint64_t hashOf(const api::ObjectKey& key) {
  return std::hash<std::string>()(toString(key));
}

// Names of objects by their hashes, which the reader looks up and checks: the index may be ahead of
// or behind the objects. Its owner guards it.
class DeviceIndex {
 public:
  using Handle = std::uint64_t;  // by hashOf()

  void add(const api::BalenaDevice& device) {
    const Handle handle = hashOf(device.meta.key);
    byUuid_.emplace(hashOf(device.spec.uuid), handle);
    byFleet_[device.fleetKey()].insert(handle);
  }

  void remove(const api::BalenaDevice& device) {
    const Handle handle = hashOf(device.meta.key);
    const auto [first, last] = byUuid_.equal_range(hashOf(device.spec.uuid));
    const auto place = std::find_if(first, last, [&](const auto& e) { return e.second == handle; });
    if (place != last) byUuid_.erase(place);
    const auto fleet = byFleet_.find(device.fleetKey());
    if (fleet == byFleet_.end()) return;
    if (const auto found = fleet->second.find(handle); found != fleet->second.end()) {
      fleet->second.erase(found);
    }
    if (fleet->second.empty()) byFleet_.erase(fleet);
  }

  // Each once.
  [[nodiscard]] std::vector<Handle> withUuid(const std::string& uuid) const {
    std::vector<Handle> found;
    const auto [first, last] = byUuid_.equal_range(hashOf(uuid));
    for (auto each = first; each != last; ++each) found.push_back(each->second);
    return unique(std::move(found));
  }
  [[nodiscard]] std::vector<Handle> ofFleet(const api::ObjectKey& fleet) const {
    const auto found = byFleet_.find(fleet);
    if (found == byFleet_.end()) return {};
    return unique({found->second.begin(), found->second.end()});
  }

 private:
  static std::uint64_t hashOf(const std::string& uuid) { return std::hash<std::string>()(uuid); }
  static std::uint64_t hashOf(const api::ObjectKey& key) { return store::hashOf(key); }
  static std::vector<Handle> unique(std::vector<Handle> handles) {
    std::ranges::sort(handles);
    const auto rest = std::ranges::unique(handles);
    handles.erase(rest.begin(), rest.end());
    return handles;
  }

  std::unordered_multimap<std::uint64_t, Handle> byUuid_;              // by hash of the UUID
  std::map<api::ObjectKey, std::unordered_multiset<Handle>> byFleet_;  // none is empty
};

}  // namespace bco::store
