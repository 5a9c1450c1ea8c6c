#include <iostream>
#include <thread>

#include "cli/commands.h"
#include "cli/directory_lock.h"
#include "cli/session.h"

namespace bco::cli {

int runServe(const ServeOptions& options, const std::stop_token& stop,
             const std::atomic<unsigned>& reloads) {
  auto lock = DirectoryLock::acquire(options.common.files);
  if (!lock) {
    std::cerr << lock.error().message << '\n';
    return kExitBadInput;
  }
  auto session = Session::open(options.common, "info", options.metrics, false);
  if (session == nullptr) return kExitBadInput;
  const auto metrics = session->serveMetrics();
  if (!metrics) {
    std::cerr << metrics.error().message << '\n';
    return kExitBadInput;
  }
  return session->runWithEndpoint(options.endpoint, stop, reloads);
}

}  // namespace bco::cli
