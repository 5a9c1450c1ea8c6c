// What Prometheus scrapes.
#pragma once

#include <memory>
#include <string>

#include "core/result.h"
#include "metrics/metrics.h"
#include "server/http_server.h"
#include "telemetry/log.h"

namespace bco::cli {

// Serves /metrics at "HOST:PORT" and logs where. An empty address: nothing is served, and nullptr
// returned. kInvalid: no such address; kUnavailable: it can't be bound. `metrics` must outlive it.
[[nodiscard]] Result<std::unique_ptr<server::HttpServer>> serveMetrics(
    const std::string& address, const metrics::Metrics& metrics, telemetry::Logger& log);

}  // namespace bco::cli
