// The fixed names of what requests ask for: the labels of counters, faults and hold points.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sandbox/clearblade_cloud.h"
#include "server/http_server.h"

namespace bco::sandbox {

// A request as far as it is understood before anything is done.
struct Kind {
  // "balena.device.get", "balena.variable.create", "clearblade.device.patch", "bridge.publish"; the
  // whole list is in docs/sandbox.md.
  std::string name;
  std::optional<ClearBladeCall> clearBlade;  // else it is balena's
};

[[nodiscard]] Kind classify(const server::Request& request);

// "balena", "clearblade" or "bridge".
[[nodiscard]] std::string_view sideOf(std::string_view kind);

}  // namespace bco::sandbox
