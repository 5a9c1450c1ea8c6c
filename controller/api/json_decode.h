// From the API server's JSON to objects of ours.
//
// The server has checked an object by the schemas in crds/ and filled in their defaults. `spec`
// goes through the parser that files go through, so that both modes read the same; what it refuses
// is kInvalid with the field named, as is a field of the wrong type, or text that is no JSON. There
// may be more fields than we know, where the schemas are of a later version; null stands for
// absent.
//
// Objects are held by the ten thousand, so `metadata` is trimmed: of annotations, and of the labels
// of all but fleets, only those of our group are kept.
//
// All functions are thread-safe; `json` is read only, and copied.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "api/device.h"
#include "api/fleet.h"
#include "api/registry.h"
#include "core/result.h"
#include "core/secret.h"

namespace bco::api {

[[nodiscard]] Result<BalenaDevice> decodeDevice(std::string_view json);
[[nodiscard]] Result<BalenaFleet> decodeFleet(std::string_view json);
[[nodiscard]] Result<ClearBladeRegistry> decodeRegistry(std::string_view json);

// What is known of the object that has this metadata and whose spec can't have changed unless its
// generation has; nullptr: nothing.
template <class Object>
using Known = std::function<std::shared_ptr<const Object>(const ObjectMeta& meta)>;

// The same where most is known, as with the echo of our own writes. What is not newer than what is
// known is not read beyond its metadata: `known` itself is returned then. Of what is newer, the
// spec is read only if its generation is another.
template <class Object>
[[nodiscard]] Result<std::shared_ptr<const Object>> decodeChange(std::string_view json,
                                                                 const Known<Object>& known);

// The metadata alone, of an object of any kind: one that is deleted, or not to be decoded.
[[nodiscard]] Result<ObjectMeta> decodeMeta(std::string_view json);

struct SecretData {
  std::uint64_t resourceVersion = 0;
  std::map<std::string, SecretBytes, std::less<>> values;
};
// A core/v1 Secret. No copy of its values is left behind, but for `json` itself, and no error
// quotes one.
[[nodiscard]] Result<SecretData> decodeSecret(std::string_view json);

}  // namespace bco::api
