#include "cli/shutdown.h"

#include <mutex>

namespace bco::cli {

std::jthread limitShutdown(CloudFactory& factory, Clock& clock, std::stop_token stop,
                           Duration grace) {
  return std::jthread(
      [&factory, &clock, stop = std::move(stop), grace](const std::stop_token& ended) {
        std::stop_source either;
        const auto forward = [&either] { either.request_stop(); };
        const std::stop_callback whenStopped(stop, forward);
        const std::stop_callback whenEnded(ended, forward);
        std::mutex mutex;
        Condition never;
        std::unique_lock lock(mutex);
        waitUntil(clock, lock, never, kForever, either.get_token(), [] { return false; });
        lock.unlock();
        if (!ended.stop_requested() && sleepFor(clock, grace, ended)) factory.close();
      });
}

}  // namespace bco::cli
