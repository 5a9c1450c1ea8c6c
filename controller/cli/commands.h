// The commands. Each returns the exit code.
#pragma once

#include <stop_token>

#include "cli/options.h"

namespace bco::cli {

// `stop` ends every command early; sync without --once ends no other way.
[[nodiscard]] int runSync(const SyncOptions& options, const std::stop_token& stop);
[[nodiscard]] int runServe(const ServeOptions& options, const std::stop_token& stop);
[[nodiscard]] int runPlan(const PlanOptions& options, const std::stop_token& stop);
[[nodiscard]] int runDevice(const DeviceOptions& options, const std::stop_token& stop);
[[nodiscard]] int runHandover(const HandoverCommandOptions& options, const std::stop_token& stop);
[[nodiscard]] int runController(const ControllerOptions& options, const std::stop_token& stop);
[[nodiscard]] int runHealthCheck(const HealthCheckOptions& options);
[[nodiscard]] int runVersion();

}  // namespace bco::cli
