// Any bytes at all are either an object or an error, and what is written of an object is read back
// as the same.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "api/json_decode.h"
#include "api/json_encode.h"
#include "api/json_writer.h"

namespace {

using namespace bco::api;

void expect(bool held) {
  if (!held) std::abort();
}

template <class Object>
bool isObjectOrError(const bco::Result<Object>& object) {
  if (object) return true;
  return object.error().code == bco::ErrorCode::kInvalid && !object.error().message.empty();
}

// The new manifest of a device, with the metadata a server adds and with a status.
std::string servedOf(const std::string& manifest, const std::string& status) {
  constexpr std::string_view kStart = "\"metadata\":{";
  std::string json = manifest;
  json.insert(json.find(kStart) + kStart.size(), R"("uid":"u","resourceVersion":"1",)");
  json.insert(json.size() - 1, "," + status);
  return json;
}

// As it is written: to the second.
void cut(bco::TimePoint& time) {
  time = std::chrono::floor<std::chrono::seconds>(std::clamp(time, kFirstTime, kLastTime));
}
void cut(std::optional<bco::TimePoint>& time) {
  if (time) cut(*time);
}

BalenaDevice asWritten(BalenaDevice device) {
  DeviceStatus& status = device.status;
  for (auto* time : {&device.spec.keys.renewAfter, &device.spec.keys.revokeBefore, &status.lastSeen,
                     &status.absentSince, &status.lastFailureTime}) {
    cut(*time);
  }
  if (status.key) {
    KeyStatus& key = *status.key;
    for (auto* time : {&key.issuedAt, &key.expiresAt, &key.rotateAt, &key.verifiedAt}) cut(*time);
  }
  for (Condition& condition : status.conditions) {
    cut(condition.lastTransition);
    condition.observedGeneration = std::max<std::int64_t>(condition.observedGeneration, 0);
  }
  return device;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  expect(isObjectOrError(decodeFleet(json)));
  expect(isObjectOrError(decodeRegistry(json)));
  expect(isObjectOrError(decodeSecret(json)));
  expect(isObjectOrError(decodeMeta(json)));
  const auto decoded = decodeDevice(json);
  expect(isObjectOrError(decoded));
  if (!decoded) return 0;

  const BalenaDevice device = asWritten(*decoded);
  const auto again = decodeDevice(
      servedOf(encodeDevice(device, nullptr), applyStatus(device, device.status, true).members));
  expect(again.has_value());
  expect(again->spec == device.spec);
  expect(again->status == device.status);
  expect(again->meta.key == device.meta.key);
  expect(again->meta.labels == device.meta.labels);
  expect(again->meta.annotations == device.meta.annotations);
  return 0;
}
