// How the control API's routes are declared; see control_*.cc for them.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
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

// The most devices that are added at once.
inline constexpr std::uint64_t kMostDevices = 200'000;

// Reading bodies. kInvalid.
// A whole number from 0 to `most`.
[[nodiscard]] Result<std::uint64_t> countOf(const nlohmann::json& value,
                                            std::uint64_t most = UINT64_MAX);
// The same of body's `key`, or `otherwise` where there is none.
[[nodiscard]] Result<std::uint64_t> countOf(const nlohmann::json& body, const char* key,
                                            std::uint64_t otherwise);
// That an object has no other keys than these.
[[nodiscard]] Status onlyKeys(const nlohmann::json& body,
                              std::initializer_list<std::string_view> known);
[[nodiscard]] Result<Duration> durationOf(const nlohmann::json& value);
[[nodiscard]] Result<std::string> textOf(const nlohmann::json& body, const char* key);

}  // namespace bco::sandbox
