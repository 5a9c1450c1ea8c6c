// How a command ends.
#pragma once

#include <stop_token>
#include <thread>

#include "core/clock.h"
#include "reconcile/clients.h"

namespace bco::cli {

// From `stop` on, what is in flight has `grace` to end; then the clouds are no longer waited for.
// Until the returned thread is stopped, which it is when it is destroyed.
[[nodiscard]] std::jthread limitShutdown(CloudFactory& factory, Clock& clock, std::stop_token stop,
                                         Duration grace);

}  // namespace bco::cli
