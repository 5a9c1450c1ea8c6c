// balena-clearblade-operator: keeps devices on balenaCloud registered in ClearBlade IoT Core.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <iostream>
#include <thread>

#include "cli/commands.h"
#include "core/memory.h"
#include "http/runtime.h"

namespace {

using namespace bco::cli;

// Turns SIGINT and SIGTERM into a stop, and SIGHUP into a request to read everything again; on a
// terminal, which hangs up, that is a stop like the others. They must be blocked in every thread,
// so that only this one, which waits for them, gets them: to be made before any other thread.
class Signals {
 public:
  Signals() {
    sigemptyset(&signals_);
    for (const int each : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals_, each);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }

  [[nodiscard]] std::stop_token stop() const { return stop_.get_token(); }
  [[nodiscard]] const std::atomic<unsigned>& reloads() const { return reloads_; }

  void listen(bool mayReload) {
    thread_ = std::jthread([this, mayReload](const std::stop_token& ended) {
      constexpr timespec kLook{0, 100'000'000};
      // timeout(1), among others, sends its signal twice.
      constexpr auto kSecondThought = std::chrono::seconds(1);
      std::chrono::steady_clock::time_point stopped;
      while (!ended.stop_requested()) {
        const int signal = sigtimedwait(&signals_, nullptr, &kLook);
        const auto now = std::chrono::steady_clock::now();
        if (signal <= 0) continue;
        if (signal == SIGHUP && mayReload) {
          ++reloads_;
        } else if (stop_.request_stop()) {
          stopped = now;
        } else if (now - stopped > kSecondThought) {
          _exit(128 + signal);  // asked for again: what is under way is left as it is
        }
      }
    });
  }

 private:
  sigset_t signals_;
  std::stop_source stop_;
  std::atomic<unsigned> reloads_ = 0;
  std::jthread thread_;
};

// Whatever is opened next must not become one of the three by accident.
void openStandardStreams() {
  int descriptor = 0;
  do {
    descriptor = ::open("/dev/null", O_RDWR);
  } while (descriptor >= 0 && descriptor <= STDERR_FILENO);
  if (descriptor >= 0) ::close(descriptor);
}

// A result that nobody got is no success.
int withOutputWritten(int code) {
  std::cout.flush();
  if (std::cout) return code;
  std::cerr << "the output could not be written: " << std::strerror(errno) << '\n';
  return code == kExitDone ? kExitNotConverged : code;
}

struct Run {
  std::stop_token stop;
  const std::atomic<unsigned>& reloads;
  int operator()(const SyncOptions& options) const { return runSync(options, stop, reloads); }
  int operator()(const ServeOptions& options) const { return runServe(options, stop, reloads); }
  int operator()(const PlanOptions& options) const { return runPlan(options, stop); }
  int operator()(const DeviceOptions& options) const { return runDevice(options, stop); }
  int operator()(const HandoverCommandOptions& options) const { return runHandover(options, stop); }
  int operator()(const ControllerOptions& options) const { return runController(options, stop); }
  int operator()(const HealthCheckOptions& options) const { return runHealthCheck(options); }
  int operator()(const VersionOptions&) const { return runVersion(); }
};

}  // namespace

int main(int argc, char** argv) {
  openStandardStreams();
  bco::returnLargeBlocksAtOnce();
  Signals signals;
  bco::http::initializeHttp();
  // Private keys pass through memory: no core dumps.
  prctl(PR_SET_DUMPABLE, 0);
  const auto options = parseOptions(argc, argv);
  if (const auto* exit = std::get_if<ParseExit>(&options)) return withOutputWritten(exit->code);
  const Options& chosen = std::get<Options>(options);
  const auto* sync = std::get_if<SyncOptions>(&chosen);
  const bool isService =
      std::holds_alternative<ServeOptions>(chosen) || (sync != nullptr && !sync->once);
  signals.listen(isService && ::isatty(STDIN_FILENO) == 0);
  return withOutputWritten(std::visit(Run{signals.stop(), signals.reloads()}, chosen));
}
