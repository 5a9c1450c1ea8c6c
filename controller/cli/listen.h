// Servers of ours, where flags say that they listen.
#pragma once

#include <memory>
#include <string>

#include "core/result.h"
#include "server/http_server.h"
#include "telemetry/log.h"

namespace bco::cli {

// Starts one at `address`, as parseListenAddress() has it, and logs that it serves `what`, and at
// which port. Errors name `flag`; kInvalid: it is no address; kUnavailable: it can't be bound.
[[nodiscard]] Result<std::unique_ptr<server::HttpServer>> serveAt(const std::string& flag,
                                                                  const std::string& address,
                                                                  const std::string& what,
                                                                  server::Handler handler,
                                                                  telemetry::Logger& log);

}  // namespace bco::cli
