// What a kubelet asks: is the process alive, is it ready?
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/result.h"
#include "server/http_server.h"
#include "telemetry/log.h"

namespace bco::cli {

// Nothing, or why not.
using Check = std::function<std::string()>;

// Serves /livez (and /healthz) and /readyz at "HOST:PORT": 200 "ok", or 503 with the reason. The
// checks are called on the server's thread and must not block. kInvalid: no such address;
// kUnavailable: it can't be bound.
[[nodiscard]] Result<std::unique_ptr<server::HttpServer>> serveHealth(const std::string& address,
                                                                      Check live, Check ready,
                                                                      telemetry::Logger& log);

}  // namespace bco::cli
