// Any bytes at all are either an object or an error, and what is written of an object is read back
// as the same.
#include <cstdint>
#include <cstdlib>

#include "api/json_decode.h"
#include "api/json_encode.h"

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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  expect(isObjectOrError(decodeFleet(json)));
  expect(isObjectOrError(decodeRegistry(json)));
  expect(isObjectOrError(decodeSecret(json)));
  expect(isObjectOrError(decodeMeta(json)));
  const auto device = decodeDevice(json);
  expect(isObjectOrError(device));
  if (!device) return 0;

  const std::string manifest = encodeDevice(*device, nullptr);
  const std::string status = applyStatus(*device, device->status, true).members;
  const auto again = decodeDevice(servedOf(manifest, status));
  expect(again.has_value());
  expect(encodeDevice(*again, nullptr) == manifest);
  expect(applyStatus(*again, again->status, true).members == status);
  return 0;
}
