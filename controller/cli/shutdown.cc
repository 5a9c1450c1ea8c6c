#include "cli/shutdown.h"

#include <mutex>
#include <utility>

namespace bco::cli {

void waitForStop(Clock& clock, const std::stop_token& stop) {
  std::mutex mutex;
  Condition never;
  std::unique_lock lock(mutex);
  waitUntil(clock, lock, never, kForever, stop, [] { return false; });
}

std::jthread limitShutdown(Clock& clock, std::stop_token stop, std::vector<Deadline> deadlines) {
  return std::jthread([&clock, stop = std::move(stop),
                       deadlines = std::move(deadlines)](const std::stop_token& ended) {
    std::stop_source either;
    const auto forward = [&either] { either.request_stop(); };
    const std::stop_callback whenStopped(stop, forward);
    const std::stop_callback whenEnded(ended, forward);
    waitForStop(clock, either.get_token());
    const SteadyPoint stopped = clock.steadyNow();
    for (const Deadline& deadline : deadlines) {
      if (ended.stop_requested()) return;
      if (!sleepFor(clock, stopped + deadline.after - clock.steadyNow(), ended)) return;
      deadline.act();
    }
  });
}

std::jthread limitShutdown(CloudFactory& factory, Clock& clock, std::stop_token stop,
                           Duration grace) {
  return limitShutdown(clock, std::move(stop), {{grace, [&factory] { factory.close(); }}});
}

}  // namespace bco::cli
