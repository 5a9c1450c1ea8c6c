// The objects of one kind, found by name.
#pragma once

#include <algorithm>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "store/device_index.h"
#include "store/held.h"

namespace bco::store {

// Each with a Note of its owner's, who guards the table.
template <class Object, class Note>
class ObjectTable {
 public:
  struct Entry {
    Held<Object> held;
    Note note;
  };
  // By hashes of names, because names are a part of what is packed.
  using Entries = std::unordered_multimap<DeviceIndex::Handle, Entry>;

  // Where an object is; its `object` is nullptr if there is none.
  struct Place {
    Shared<Object> object;
    typename Entries::iterator at;
    [[nodiscard]] Note& note() const { return at->second.note; }
  };

  [[nodiscard]] Place find(const api::ObjectKey& key) {
    auto [first, last] = entries_.equal_range(hashOf(key));
    for (; first != last; ++first) {
      auto object = first->second.held.get(*pool_);
      if (object->meta.key == key) return {std::move(object), first};
    }
    return {nullptr, entries_.end()};
  }
  [[nodiscard]] Shared<Object> get(const api::ObjectKey& key) const {
    const auto [first, last] = entries_.equal_range(hashOf(key));
    for (auto each = first; each != last; ++each) {
      auto object = each->second.held.get(*pool_);
      if (object->meta.key == key) return object;
    }
    return nullptr;
  }

  // `place`: what find() said of its name just now; afterwards, where the object is.
  void put(Place& place, const Shared<Object>& object) {
    if (place.object == nullptr) {
      place.at = entries_.emplace(hashOf(object->meta.key), Entry{});
    }
    place.at->second.held = Held<Object>(object, *pool_);
    place.object = object;
  }
  void erase(const Place& place) { entries_.erase(place.at); }
  // Takes out those whose note `isGone` says so of, and returns them.
  template <class IsGone>
  [[nodiscard]] std::vector<Shared<Object>> eraseIf(IsGone isGone) {
    std::vector<Shared<Object>> gone;
    for (auto each = entries_.begin(); each != entries_.end();) {
      if (isGone(each->second.note)) {
        gone.push_back(each->second.held.get(*pool_));
        each = entries_.erase(each);
      } else {
        ++each;
      }
    }
    return gone;
  }

  // In order of namespace and name.
  [[nodiscard]] ObjectList<Object> list() const {
    std::vector<std::pair<api::ObjectKey, const Held<Object>*>> byName;
    byName.reserve(entries_.size());
    for (const auto& [handle, entry] : entries_) {
      byName.emplace_back(entry.held.key(*pool_), &entry.held);
    }
    std::ranges::sort(byName);
    std::vector<Held<Object>> all;
    all.reserve(byName.size());
    for (const auto& [key, held] : byName) all.push_back(*held);
    return listOf(std::move(all));
  }
  // Those behind the handles that `wanted`, asked as they are held, accepts; in order of these.
  template <class Wanted>
  [[nodiscard]] ObjectList<Object> pick(const std::vector<DeviceIndex::Handle>& handles,
                                        Wanted wanted) const {
    std::vector<Held<Object>> found;
    found.reserve(handles.size());
    for (const auto handle : handles) {
      const auto [first, last] = entries_.equal_range(handle);
      for (auto each = first; each != last; ++each) {
        if (wanted(each->second.held, *pool_)) found.push_back(each->second.held);
      }
    }
    return listOf(std::move(found));
  }

 private:
  [[nodiscard]] ObjectList<Object> listOf(std::vector<Held<Object>> held) const {
    const std::size_t size = held.size();
    return {size,
            [held = std::move(held), pool = pool_](std::size_t at) { return held[at].get(*pool); }};
  }

  const std::shared_ptr<TextPool> pool_ = std::make_shared<TextPool>();  // outlived by lists
  Entries entries_;
};

// What both stores' devices are looked up by, in a collection that can pick().
template <class Devices>
[[nodiscard]] std::vector<Shared<api::BalenaDevice>> pickByUuid(
    const Devices& devices, const std::vector<DeviceIndex::Handle>& handles,
    const std::string& uuid) {
  const auto any = [](const Held<api::BalenaDevice>&, const TextPool&) { return true; };
  std::vector<Shared<api::BalenaDevice>> found;
  for (auto device : devices.pick(handles, any)) {
    if (device->spec.uuid == uuid) found.push_back(std::move(device));
  }
  std::ranges::sort(found, {}, [](const auto& each) { return each->meta.key; });
  return found;
}
template <class Devices>
[[nodiscard]] ObjectList<api::BalenaDevice> pickOfFleet(
    const Devices& devices, const std::vector<DeviceIndex::Handle>& handles,
    const api::ObjectKey& fleet) {
  return devices.pick(handles, [&](const Held<api::BalenaDevice>& each, const TextPool& pool) {
    return each.isOf(fleet, pool);
  });
}

}  // namespace bco::store
