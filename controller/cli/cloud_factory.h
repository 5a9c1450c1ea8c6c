// The clients of the real clouds, over HTTP.
#pragma once

#include "core/clock.h"
#include "core/random.h"
#include "reconcile/clients.h"

namespace bco::cli {

struct HttpOptions {
  Duration attemptDeadline = std::chrono::seconds(15);
  Duration callDeadline = std::chrono::seconds(40);
};

[[nodiscard]] std::unique_ptr<CloudFactory> makeHttpCloudFactory(const HttpOptions& options,
                                                                 Clock& clock, Random& random);

}  // namespace bco::cli
