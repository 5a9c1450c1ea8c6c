#include "cli/listen.h"

#include <utility>

#include "cli/listen_address.h"

namespace bco::cli {

Result<std::unique_ptr<server::HttpServer>> serveAt(const std::string& flag,
                                                    const std::string& address,
                                                    const std::string& what,
                                                    server::Handler handler,
                                                    telemetry::Logger& log) {
  const std::string said = flag + " " + address;
  const auto parsed = parseListenAddress(address);
  if (!parsed) {
    return fail(ErrorCode::kInvalid, said + ": expected HOST:PORT, such as 0.0.0.0:8081");
  }
  server::Options options;
  options.address = parsed->host;
  options.port = parsed->port;
  // Scrapes and probes: few, and without bodies.
  options.maxHeadBytes = 8 * 1024;
  options.maxBodyBytes = 1024;
  options.maxConnections = 64;
  auto server = server::HttpServer::start(options, std::move(handler));
  if (!server) return fail(withContext(std::move(server.error()), said));
  const std::string host = parsed->host.empty() ? "any" : parsed->host;
  log.info("serving " + what, {{"address", host}, {"port", (*server)->port()}});
  return server;
}

}  // namespace bco::cli
