// What a device is told to run: its target state.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sandbox/balena_cloud.h"
#include "sandbox/balena_store.h"

namespace bco::sandbox {

// As of now, whatever readers see. nullopt: no such device.
[[nodiscard]] std::optional<TargetState> targetStateOf(const BalenaStore& store,
                                                       std::string_view uuid);
// The same in the form of /device/v3/<uuid>/state.
[[nodiscard]] std::string targetStateJson(const BalenaStore& store, std::string_view uuid);

}  // namespace bco::sandbox
