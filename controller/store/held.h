// How a cache holds an object: as it is, or packed where there are thousands.
#pragma once

#include <utility>

#include "store/object_list.h"
#include "store/packed_device.h"

namespace bco::store {

template <class Object>
class Held {
 public:
  Held() = default;
  Held(Shared<Object> object, TextPool&) : object_(std::move(object)) {}
  [[nodiscard]] Shared<Object> get(const TextPool&) const { return object_; }
  [[nodiscard]] api::ObjectKey key(const TextPool&) const { return object_->meta.key; }

 private:
  Shared<Object> object_;
};

template <>
class Held<api::BalenaDevice> : public PackedDevice {
 public:
  Held() = default;
  Held(const Shared<api::BalenaDevice>& device, TextPool& pool) : PackedDevice(*device, pool) {}
  [[nodiscard]] Shared<api::BalenaDevice> get(const TextPool& pool) const { return unpack(pool); }
};

}  // namespace bco::store
