// The commands. Each returns the exit code.
#pragma once

#include <atomic>
#include <stop_token>

#include "cli/options.h"

namespace bco::cli {

// `stop` ends every command early; sync without --once ends no other way.
// `reloads` counts the requests to read files and secrets again.
[[nodiscard]] int runSync(const SyncOptions& options, const std::stop_token& stop,
                          const std::atomic<unsigned>& reloads);
[[nodiscard]] int runServe(const ServeOptions& options, const std::stop_token& stop,
                           const std::atomic<unsigned>& reloads);
[[nodiscard]] int runPlan(const PlanOptions& options, const std::stop_token& stop);
[[nodiscard]] int runDevice(const DeviceOptions& options, const std::stop_token& stop);
[[nodiscard]] int runHandover(const HandoverCommandOptions& options, const std::stop_token& stop);
[[nodiscard]] int runController(const ControllerOptions& options, const std::stop_token& stop);
[[nodiscard]] int runHealthCheck(const HealthCheckOptions& options);
[[nodiscard]] int runVersion();

}  // namespace bco::cli
