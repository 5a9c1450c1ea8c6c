// How a command ends.
#pragma once

#include <functional>
#include <stop_token>
#include <thread>
#include <vector>

#include "core/clock.h"
#include "reconcile/clients.h"

namespace bco::cli {

// Something to be done so long after a stop if the command has not ended by then.
struct Deadline {
  Duration after;
  std::function<void()> act;  // thread-safe
};

// Blocks.
void waitForStop(Clock& clock, const std::stop_token& stop);

// From `stop` on, what is under way has time to end; then each of `deadlines`, the earliest first,
// is acted on. Until the returned thread is stopped, which it is when it is destroyed.
[[nodiscard]] std::jthread limitShutdown(Clock& clock, std::stop_token stop,
                                         std::vector<Deadline> deadlines);

// After `grace` the clouds are no longer waited for.
[[nodiscard]] std::jthread limitShutdown(CloudFactory& factory, Clock& clock, std::stop_token stop,
                                         Duration grace);

}  // namespace bco::cli
