// The clients of the real clouds, over HTTP.
#pragma once

#include "core/clock.h"
#include "core/random.h"
#include "http/upstream.h"
#include "reconcile/clients.h"

namespace bco::cli {

struct HttpOptions {
  Duration attemptDeadline = std::chrono::seconds(15);
  Duration callDeadline = std::chrono::seconds(40);
};

// What is told of every attempt by default: nothing.
class NoObserver final : public http::AttemptObserver {
 public:
  void onAttempt(std::string_view, std::string_view, Duration, bool) override {}
};

// `gate` is asked before every write. `observer`, `clock` and `random` must outlive the factory and
// all it makes.
[[nodiscard]] std::unique_ptr<CloudFactory> makeHttpCloudFactory(const HttpOptions& options,
                                                                 http::WriteGate gate,
                                                                 http::AttemptObserver& observer,
                                                                 Clock& clock, Random& random);

}  // namespace bco::cli
