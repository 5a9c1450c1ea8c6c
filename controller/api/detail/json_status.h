// What the API server's JSON says where an object stands.
#pragma once

#include <string_view>

#include "api/detail/json_fields.h"
#include "api/device.h"
#include "api/fleet.h"
#include "api/registry.h"

namespace bco::api {

// Reads the field `key` of a status, if it is one we know.
void readStatus(std::string_view key, ondemand::value value, DeviceStatus& status);
void readStatus(std::string_view key, ondemand::value value, FleetStatus& status);
void readStatus(std::string_view key, ondemand::value value, RegistryStatus& status);

}  // namespace bco::api
