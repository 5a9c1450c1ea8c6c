#include "cli/metrics_server.h"

#include "cli/listen.h"

namespace bco::cli {

Result<std::unique_ptr<server::HttpServer>> serveMetrics(const std::string& address,
                                                         const metrics::Metrics& metrics,
                                                         telemetry::Logger& log) {
  if (address.empty()) return std::unique_ptr<server::HttpServer>();
  return serveAt(
      "--metrics-addr", address, "metrics",
      [&metrics](const server::Request& request, const server::Responder& respond) {
        if (request.method != "GET" && request.method != "HEAD") {
          return respond({.status = 405, .headers = {{"Allow", "GET, HEAD"}}});
        }
        if (request.target.substr(0, request.target.find('?')) != "/metrics") {
          return respond({.status = 404, .body = "not here; try /metrics\n"});
        }
        respond({.headers = {{"Content-Type", std::string(telemetry::kMetricsContentType)}},
                 .body = metrics.scrape()});
      },
      log);
}

}  // namespace bco::cli
