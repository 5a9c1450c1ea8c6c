// The pieces of parse.h: how each spec, and what several of them hold, is read. For the .cc files
// here alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/device.h"
#include "api/fleet.h"
#include "api/reader.h"
#include "api/registry.h"

namespace bco::api {

[[nodiscard]] RegistrySpec readRegistrySpec(MappingReader spec);
[[nodiscard]] FleetSpec readFleetSpec(MappingReader spec, Problems& problems);
[[nodiscard]] DeviceSpec readDeviceSpec(MappingReader spec);

// keys of a fleet. `isLoopback`: of clouds on this machine, for trying and testing, whose keys may
// live for minutes.
[[nodiscard]] KeyPolicy readKeyPolicy(MappingReader keys, bool isLoopback, Problems& problems);

// An object's name.
[[nodiscard]] std::string readName(MappingReader& reader, std::string_view key);
// Without a default the name is required.
[[nodiscard]] SecretKeyRef readSecretRef(MappingReader ref, const std::string& defaultName,
                                         std::string defaultKey);
[[nodiscard]] std::optional<SecretKeyRef> readCaRef(MappingReader& spec);

inline constexpr std::pair<std::string_view, Adoption> kAdoptions[] = {
    {"IfKeyMatches", Adoption::kIfKeyMatches},
    {"Always", Adoption::kAlways},
    {"Never", Adoption::kNever}};
inline constexpr std::pair<std::string_view, DeletionPolicy> kDeletionPolicies[] = {
    {"Retain", DeletionPolicy::kRetain}, {"Delete", DeletionPolicy::kDelete}};

}  // namespace bco::api
