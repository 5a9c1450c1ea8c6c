#include "cli/health.h"

#include "cli/listen.h"

namespace bco::cli {
namespace {

server::Reply answer(const std::string& trouble) {
  server::Reply reply;
  reply.status = trouble.empty() ? 200 : 503;
  reply.headers = {{"Content-Type", "text/plain; charset=utf-8"}};
  reply.body = (trouble.empty() ? "ok" : trouble) + "\n";
  return reply;
}

}  // namespace

Result<std::unique_ptr<server::HttpServer>> serveHealth(const std::string& address, Check live,
                                                        Check ready, telemetry::Logger& log) {
  return serveAt(
      "--health-addr", address, "health",
      [live = std::move(live), ready = std::move(ready)](const server::Request& request,
                                                         const server::Responder& respond) {
        const std::string path = request.target.substr(0, request.target.find('?'));
        if (request.method != "GET" && request.method != "HEAD") {
          return respond({.status = 405, .headers = {{"Allow", "GET, HEAD"}}});
        }
        if (path == "/livez" || path == "/healthz") return respond(answer(live()));
        if (path == "/readyz") return respond(answer(ready()));
        respond({.status = 404, .body = "not here; try /livez or /readyz\n"});
      },
      log);
}

}  // namespace bco::cli
