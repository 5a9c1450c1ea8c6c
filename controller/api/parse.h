// From a document's tree to an object of ours, strictly: what api.yaml's reference lists and
// nothing else. Both modes accept the same documents.
#pragma once

#include <map>
#include <string>
#include <variant>

#include "api/device.h"
#include "api/fleet.h"
#include "api/reader.h"
#include "api/registry.h"
#include "core/secret.h"
#include "yaml/document.h"

namespace bco::api {

struct Secret {
  ObjectKey key;
  std::map<std::string, SecretBytes> values;
};

using AnyObject = std::variant<ClearBladeRegistry, BalenaFleet, BalenaDevice, Secret>;

// Both report to `problems` all that is wrong; what they read is of use only if nothing was.
//
// nullopt when not even the kind is known.
[[nodiscard]] std::optional<AnyObject> parseObject(const yaml::Node& document, Problems& problems);
// The spec alone, of an object whose metadata was read already.
void parseSpec(const yaml::Node& node, RegistrySpec& spec, Problems& problems);
void parseSpec(const yaml::Node& node, FleetSpec& spec, Problems& problems);
void parseSpec(const yaml::Node& node, DeviceSpec& spec, Problems& problems);

}  // namespace bco::api
