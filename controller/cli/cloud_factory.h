// The clients of the real clouds, over HTTP.
#pragma once

#include "core/clock.h"
#include "core/random.h"
#include "http/upstream_directory.h"
#include "reconcile/clients.h"

namespace bco::cli {

struct HttpOptions {
  Duration attemptDeadline = std::chrono::seconds(15);
  Duration callDeadline = std::chrono::seconds(40);
};

// `gate` is asked before every write. What is made is listed in `directory`. All that is given by
// reference must outlive the factory and all it makes.
[[nodiscard]] std::unique_ptr<CloudFactory> makeHttpCloudFactory(const HttpOptions& options,
                                                                 http::WriteGate gate,
                                                                 http::AttemptObserver& observer,
                                                                 http::UpstreamDirectory& directory,
                                                                 Clock& clock, Random& random);

}  // namespace bco::cli
