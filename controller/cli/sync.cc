#include <unistd.h>

#include <iostream>
#include <thread>

#include "cli/commands.h"
#include "cli/directory_lock.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/version.h"

namespace bco::cli {
namespace {

constexpr Duration kLook = std::chrono::milliseconds(50);
constexpr Duration kDraw = std::chrono::milliseconds(200);
constexpr std::size_t kShown = 20;

// Draws the live line over itself until destroyed.
class LiveLine {
 public:
  explicit LiveLine(bool shown) : shown_(shown) {}
  ~LiveLine() {
    if (shown_) std::cerr << "\r\x1b[K" << std::flush;
  }
  void draw(const std::string& text) const {
    if (shown_) std::cerr << '\r' << text << "\x1b[K" << std::flush;
  }

 private:
  const bool shown_;
};

// Waits until everything has settled or can't; false when `stop` or `deadline` came first.
bool waitUntilSettled(Session& session, SteadyPoint deadline, const std::stop_token& stop) {
  while (true) {
    if (session.engine().isQuiet(kLook) && !anyMaySettle(session.store())) return true;
    if (session.clock().steadyNow() >= deadline) return false;
    if (!sleepFor(session.clock(), kLook, stop)) return false;
  }
}

// Why its stale registrations are still there; empty where they are meant to be.
std::string keptBecause(const api::BalenaFleet& fleet) {
  if (const auto* halted = findCondition(fleet.status.conditions, "RemovalHalted")) {
    return "; " + std::string(halted->message);
  }
  if (fleet.spec.stale.policy != api::StalePolicy::kDelete) return "";
  return "; sync --once removes none: how long they have been away is known to a sync that stays";
}

void printSome(const std::vector<DeviceNote>& devices) {
  for (std::size_t i = 0; i < devices.size() && i < kShown; ++i) {
    std::cout << devices[i].uuid << "  " << devices[i].phase << "  " << devices[i].reason << ": "
              << devices[i].message << '\n';
  }
  if (devices.size() > kShown) std::cout << "and " << devices.size() - kShown << " more\n";
}

// `cutOff`: why not everything was waited for; empty when it was.
int summarise(Session& session, const std::string& cutOff) {
  const auto counts = session.tally().counts();
  const auto unsettled = unsettledDevices(session.store());
  std::cout << counts.ready << " of " << counts.total << " devices in sync";
  if (counts.suspended > 0) std::cout << ", " << counts.suspended << " suspended";
  std::cout << '\n';
  bool fleetsFine = true;
  for (const auto& fleet : session.store().fleets().list()) {
    const api::Condition* ready = findCondition(fleet->status.conditions, "Ready");
    if (ready != nullptr && ready->status) {
      if (fleet->status.devices.stale > 0) {
        std::cout << "fleet " << toString(fleet->meta.key) << ": " << fleet->status.devices.stale
                  << " stale registrations, whose devices have left the fleet"
                  << keptBecause(*fleet) << '\n';
      }
      continue;
    }
    fleetsFine = false;
    std::cout << "fleet " << toString(fleet->meta.key) << ": "
              << (ready == nullptr ? "not looked at yet" : ready->reason + ": " + ready->message)
              << '\n';
  }
  printSome(noticedDevices(session.store()));
  printSome(unsettled);
  if (!cutOff.empty()) std::cout << cutOff << '\n';
  return fleetsFine && unsettled.empty() && cutOff.empty() ? kExitDone : kExitNotConverged;
}

// What is looked after, and how often.
void tellStart(Session& session) {
  session.log().info(
      "started", {{"version", versionText()},
                  {"declared devices", std::to_string(session.store().devices().list().size())}});
  for (const auto& fleet : session.store().fleets().list()) {
    session.log().info(
        "looking after a fleet",
        {{"fleet", toString(fleet->meta.key)},
         {"slug", fleet->spec.fleet},
         {"devices", fleet->spec.devices == api::DeviceSource::kAll ? "All" : "Declared"},
         {"every", formatDuration(fleet->spec.syncInterval)}});
  }
}

}  // namespace

int runSync(const SyncOptions& options, const std::stop_token& stop,
            const std::atomic<unsigned>& reloads) {
  const bool live = ::isatty(STDERR_FILENO) == 1 && options.common.logLevel.empty();
  auto lock = DirectoryLock::acquire(options.common.files);
  if (!lock) {
    std::cerr << lock.error().message << '\n';
    return kExitBadInput;
  }
  auto session = Session::open(options.common, live ? "warn" : "info", options.metrics);
  if (session == nullptr) return kExitBadInput;
  if (options.verify) session->verifyAll();
  const auto metrics = session->serveMetrics();
  if (!metrics) {
    std::cerr << metrics.error().message << '\n';
    return kExitBadInput;
  }

  if (!options.endpoint.address.empty())
    return session->runWithEndpoint(options.endpoint, stop, reloads);
  std::stop_source done;
  std::stop_callback forward(stop, [&done] { done.request_stop(); });
  const std::jthread limit = session->limitShutdown(done.get_token(), options.common.shutdownGrace);
  std::jthread engine([&] { session->engine().run(done.get_token()); });
  std::jthread painter([&] {
    const LiveLine line(live);
    const SteadyPoint start = session->clock().steadyNow();
    const int readyAtStart = session->tally().counts().ready;
    while (sleepFor(session->clock(), kDraw, done.get_token())) {
      line.draw(progressLine(session->tally().counts(), readyAtStart,
                             session->clock().steadyNow() - start));
    }
  });
  if (!options.once) {
    tellStart(*session);
    session->followFiles(done.get_token(), reloads);
    session->log().info("stopping");
    return kExitDone;
  }
  const bool settled =
      waitUntilSettled(*session, session->clock().steadyNow() + options.timeout, done.get_token());
  done.request_stop();
  painter.join();
  engine.join();
  if (stop.stop_requested()) return summarise(*session, "stopped before all was in sync");
  return summarise(*session, settled ? "" : "gave up after " + formatDuration(options.timeout));
}

}  // namespace bco::cli
