// A BalenaDevice in a fifth of its memory, for what is held by the ten thousand.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "api/device.h"
#include "store/text_pool.h"

namespace bco::store {

// All of a device's fields in one block: numbers in as few bytes as they need, digits of UUIDs and
// fingerprints two a byte, names that devices have in common by their number in a pool, which must
// be the same one throughout. Never changes; copies share the block.
class PackedDevice {
 public:
  PackedDevice() = default;  // none: not to be unpacked
  PackedDevice(const api::BalenaDevice& device, TextPool& pool);

  // Equal to what was packed, but that a label or annotation comes in order of its name.
  [[nodiscard]] std::shared_ptr<const api::BalenaDevice> unpack(const TextPool& pool) const;
  // Whether it is a device of this fleet, without unpacking it.
  [[nodiscard]] bool isOf(const api::ObjectKey& fleet, const TextPool& pool) const;
  // Its name, likewise.
  [[nodiscard]] api::ObjectKey key(const TextPool& pool) const;
  [[nodiscard]] std::size_t size() const;  // in bytes

 private:
  // The length of what follows, in four bytes, and that.
  std::shared_ptr<const std::uint8_t[]> block_;
};

}  // namespace bco::store
