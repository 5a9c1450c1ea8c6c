#include "store/packed_device.h"

#include <cstring>

#include "store/packing.h"

namespace bco::store {
namespace {

using Size = std::uint32_t;

// ── what there may be any number of

void pack(Packer& packer, const api::TextMap& texts) {
  packer.count(texts.size());
  for (const auto& [name, value] : texts) {
    packer.common(name);
    packer.text(value);
  }
}

void pack(Unpacker& packer, api::TextMap& texts) {
  for (std::size_t left = packer.count(); left > 0; --left) {
    std::string name;
    packer.common(name);
    packer.text(texts[name]);
  }
}

void pack(Packer& packer, const std::vector<api::CommonText>& names) {
  packer.count(names.size());
  for (const auto& name : names) packer.common(name);
}

void pack(Unpacker& packer, std::vector<api::CommonText>& names) {
  names.resize(packer.count());
  for (auto& name : names) packer.common(name);
}

template <class Archive, class Condition>
void packCondition(Archive& archive, Condition& condition) {
  auto& [type, status, reason, message, observedGeneration, lastTransition] = condition;
  archive.common(type);
  archive.value(status);
  archive.common(reason);
  archive.text(message);
  archive.value(observedGeneration);
  archive.value(lastTransition);
}

void pack(Packer& packer, const api::Conditions& conditions) {
  packer.count(conditions.size());
  for (const auto& condition : conditions) packCondition(packer, condition);
}

void pack(Unpacker& packer, api::Conditions& conditions) {
  conditions.resize(packer.count());
  for (auto& condition : conditions) packCondition(packer, condition);
}

// ── a key, if there is one

template <class Archive, class Key>
void packKey(Archive& archive, Key& key) {
  auto& [fingerprint, generation, issuedAt, expiresAt, rotateAt, verifiedAt] = key;
  archive.path(fingerprint);
  archive.value(generation);
  archive.value(issuedAt);
  archive.value(expiresAt);
  archive.value(rotateAt);
  archive.value(verifiedAt);
}

void pack(Packer& packer, const std::optional<api::KeyStatus>& key) {
  packer.count(key ? 1 : 0);
  if (key) packKey(packer, *key);
}

void pack(Unpacker& packer, std::optional<api::KeyStatus>& key) {
  key.reset();
  if (packer.count() > 0) packKey(packer, key.emplace());
}

// ── all of a device, both ways. The bindings name every field: who adds one is told here.

template <class Archive, class Device>
void packDevice(Archive& archive, Device& device) {
  auto& [meta, spec, status] = device;
  auto& [key, labels, annotations, finalizers, objectUid, generation, version, deletedAt] = meta;
  auto& [space, name] = key;
  auto& [uuid, fleet, state, keys, adoption, deletionPolicy, suspend] = spec;
  auto& [lifetime, rotateBefore, renewAfter, revokeBefore] = keys;
  auto& [observedGeneration, phase, deviceName, registration, keyStatus, lastSeen, absentSince,
         failureCount, lastFailureTime, lastHandledReconcileAt, conditions] = status;
  // These come first, to be read alone.
  archive.common(space);
  archive.common(fleet);
  archive.text(name);
  pack(archive, labels);
  pack(archive, annotations);
  pack(archive, finalizers);
  archive.uid(objectUid);
  archive.value(generation);
  archive.value(version);
  archive.value(deletedAt);
  archive.text(uuid);
  archive.value(state);
  archive.value(lifetime);
  archive.value(rotateBefore);
  archive.value(renewAfter);
  archive.value(revokeBefore);
  archive.value(adoption);
  archive.value(deletionPolicy);
  archive.value(suspend);
  archive.value(observedGeneration);
  archive.value(phase);
  archive.text(deviceName);
  archive.path(registration);
  pack(archive, keyStatus);
  archive.value(lastSeen);
  archive.value(absentSince);
  archive.value(failureCount);
  archive.value(lastFailureTime);
  archive.text(lastHandledReconcileAt);
  pack(archive, conditions);
}

Size sizeOf(const std::uint8_t* block) {
  Size size = 0;
  std::memcpy(&size, block, sizeof size);
  return size;
}

std::string_view bytesOf(const std::uint8_t* block) {
  return {reinterpret_cast<const char*>(block) + sizeof(Size), sizeOf(block)};
}

}  // namespace

PackedDevice::PackedDevice(const api::BalenaDevice& device, TextPool& pool) {
  Packer packer(pool);
  packDevice(packer, device);
  const std::string_view bytes = packer.bytes();
  const auto size = static_cast<Size>(bytes.size());
  const auto block = std::make_shared_for_overwrite<std::uint8_t[]>(sizeof size + bytes.size());
  std::memcpy(block.get(), &size, sizeof size);
  std::memcpy(block.get() + sizeof size, bytes.data(), bytes.size());
  block_ = block;
}

std::shared_ptr<const api::BalenaDevice> PackedDevice::unpack(const TextPool& pool) const {
  const auto device = std::make_shared<api::BalenaDevice>();
  Unpacker unpacker(bytesOf(block_.get()), pool);
  packDevice(unpacker, *device);
  return device;
}

bool PackedDevice::isOf(const api::ObjectKey& fleet, const TextPool& pool) const {
  Unpacker unpacker(bytesOf(block_.get()), pool);
  std::string_view text;
  unpacker.common(text);
  if (text != fleet.space) return false;
  unpacker.common(text);
  return text == fleet.name;
}

api::ObjectKey PackedDevice::key(const TextPool& pool) const {
  Unpacker unpacker(bytesOf(block_.get()), pool);
  api::ObjectKey key;
  std::string_view fleet;
  unpacker.common(key.space);
  unpacker.common(fleet);
  unpacker.text(key.name);
  return key;
}

std::size_t PackedDevice::size() const { return sizeof(Size) + sizeOf(block_.get()); }

}  // namespace bco::store
