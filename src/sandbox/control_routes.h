// How the control API's routes are declared; see control_*.cc for them.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "sandbox/clearblade_query.h"

namespace bco::sandbox {

class Sandbox;

struct ControlCall {
  std::vector<std::string>
      parts;  // what the pattern's '*' stood for, decoded; a last one may hold '/'
  Query query;
  const nlohmann::json& body;  // null when there was none
};

// Called with the world's mutex held. What it returns is the reply's body; an error's code decides
// the status: 404, 409, 400.
using ControlHandler = std::function<Result<nlohmann::json>(Sandbox&, const ControlCall&)>;

struct ControlRoute {
  std::string method;
  std::string pattern;  // "devices/*/variables/*"; "fleets/**": '**' takes the rest
  ControlHandler handler;
};

// Each file's routes.
[[nodiscard]] std::vector<ControlRoute> trafficRoutes();
[[nodiscard]] std::vector<ControlRoute> balenaRoutes();
[[nodiscard]] std::vector<ControlRoute> clearBladeRoutes();
[[nodiscard]] std::vector<ControlRoute> deviceRoutes();

// Reading bodies. kInvalid.
[[nodiscard]] Result<Duration> durationOf(const nlohmann::json& value);
[[nodiscard]] Result<std::string> textOf(const nlohmann::json& body, const char* key);

}  // namespace bco::sandbox
