// Stops calling an upstream that does not answer.
#pragma once

#include <mutex>
#include <string>

#include "core/clock.h"
#include "core/result.h"
#include "http/transport.h"

namespace bco::http {

struct BreakerOptions {
  int failures = 5;         // in a row, after which it opens
  Duration openFor{10000};  // until one call is let through as a probe
};

// Thread-safe.
//
//   state     │ allow()                          │ failed               │ answered
//   ──────────┼──────────────────────────────────┼──────────────────────┼─────────
//   closed    │ yes                              │ open at the n-th     │ closed
//   open      │ no, after openFor: half-open     │ open                 │ closed
//   half-open │ one probe at a time              │ open again           │ closed
class Breaker {
 public:
  enum class State { kClosed, kOpen, kHalfOpen };
  enum class Call { kUsual, kProbe };

  Breaker(BreakerOptions options, Clock& clock) : options_(options), clock_(clock) {}

  // kUnavailable, with retryAfter and the last failure, when no call may be made. Whoever was
  // allowed reports once.
  [[nodiscard]] Result<Call> allow();
  void answered();
  void failed(std::string why);
  // The call was not made after all. If it was to be the probe, another may be.
  void notMade(Call call);

  [[nodiscard]] State state() const;

 private:
  const BreakerOptions options_;
  Clock& clock_;
  mutable std::mutex mutex_;  // guards all below
  State state_ = State::kClosed;
  bool probing_ = false;
  int failures_ = 0;
  std::string lastFailure_;
  SteadyPoint openUntil_;
};

// The other side, or the edge in front of it, is not there: no answer, or 502 to 504 and the 52x of
// a content delivery network. A 500 is an answer.
[[nodiscard]] bool isOutage(const Result<Response>& result);

}  // namespace bco::http
