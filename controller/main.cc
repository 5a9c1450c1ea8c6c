// balena-clearblade-operator: keeps devices on balenaCloud registered in ClearBlade IoT Core.
#include <signal.h>
#include <sys/prctl.h>

#include <atomic>
#include <iostream>
#include <thread>

#include "cli/commands.h"
#include "core/memory.h"
#include "http/runtime.h"

namespace {

using namespace bco::cli;

// Turns SIGINT and SIGTERM into a stop. They must be blocked in every thread, so that only this
// one, which waits for them, gets them: to be made before any other thread.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }

  // Until the returned thread is destroyed, which both must outlive.
  [[nodiscard]] std::jthread forwardTo(std::stop_source& stop) const {
    return std::jthread([this, &stop](const std::stop_token& ended) {
      constexpr timespec kLook{0, 100'000'000};
      while (!ended.stop_requested()) {
        if (sigtimedwait(&signals_, nullptr, &kLook) > 0) stop.request_stop();
      }
    });
  }

 private:
  sigset_t signals_;
};

struct Run {
  std::stop_token stop;
  int operator()(const SyncOptions& options) const { return runSync(options, stop); }
  int operator()(const ServeOptions& options) const { return runServe(options, stop); }
  int operator()(const PlanOptions& options) const { return runPlan(options, stop); }
  int operator()(const DeviceOptions& options) const { return runDevice(options, stop); }
  int operator()(const HandoverCommandOptions& options) const { return runHandover(options, stop); }
  int operator()(const ControllerOptions& options) const { return runController(options, stop); }
  int operator()(const HealthCheckOptions& options) const { return runHealthCheck(options); }
  int operator()(const VersionOptions&) const { return runVersion(); }
};

}  // namespace

int main(int argc, char** argv) {
  bco::returnLargeBlocksAtOnce();
  StopSignals signals;
  bco::http::initializeHttp();
  // Private keys pass through memory: no core dumps.
  prctl(PR_SET_DUMPABLE, 0);
  const auto options = parseOptions(argc, argv);
  if (const auto* exit = std::get_if<ParseExit>(&options)) return exit->code;
  std::stop_source stop;
  const std::jthread forwarding = signals.forwardTo(stop);
  return std::visit(Run{stop.get_token()}, std::get<Options>(options));
}
