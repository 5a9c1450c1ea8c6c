// A budget of calls: so many a second, some of them at once.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/lane.h"
#include "core/result.h"

namespace bco::http {

struct BucketOptions {
  double perSecond = 10;
  double burst = 10;
};

// Thread-safe, and first come, first served in each lane:
//
//   sweep       leaves a quarter of the burst to the others, whom it does not keep waiting so
//   fresh       waits for those who came before
//   revocation  goes ahead of all who wait, up to a burst in advance; they wait longer then
//
// Shared by all who draw from one budget: a token at
// balena, a project's class of calls at ClearBlade.
class TokenBucket {
 public:
  TokenBucket(BucketOptions options, Clock& clock);
  // As slow as the slowest of what limitTo() was given, while anybody holds it.
  explicit TokenBucket(Clock& clock) : TokenBucket({}, clock) {}

  // Nothing is given out faster than `limit` says, for as long as others hold it.
  void limitTo(const std::shared_ptr<const BucketOptions>& limit);

  // The limit that counts now.
  [[nodiscard]] BucketOptions limit();

  // Takes `count` calls from the budget, and waits for them at most `longestWait`. kThrottled with
  // retryAfter when they would take longer, kUnavailable after a stop; then nothing is taken. More
  // than the burst is given at the latest when the whole burst is there.
  [[nodiscard]] Status take(std::size_t count, Duration longestWait,
                            const std::stop_token& stop = {}, Lane lane = Lane::kFresh);

  // The other side answered 429: nobody gets anything for `retryAfter` (at most an hour), or if it
  // did not say, for 1 s, doubling up to a minute until a call succeeds. Returns how long.
  Duration stopFor(std::optional<Duration> retryAfter);
  // A call succeeded.
  void succeeded();

  // How it stands now.
  struct Usage {
    double available = 0;  // calls that could be made at once; 0 while stopped
    BucketOptions limit;
    bool isStopped = false;  // by a 429
    // Calls that were not given, since the start.
    std::uint64_t refusedByBudget = 0;
    std::uint64_t refusedByCloud = 0;
  };
  [[nodiscard]] Usage usage() const;

 private:
  void chooseLimit();
  void refill(SteadyPoint now);
  // What of the burst is not this lane's to use; below zero: what it has beyond.
  [[nodiscard]] double reserve(std::size_t count, Lane lane) const;
  // Until so many calls more have come in.
  [[nodiscard]] Duration timeFor(double missing) const;
  // As a refill now would have it.
  [[nodiscard]] double tokensAt(SteadyPoint now) const;
  [[nodiscard]] static Status throttled(std::string_view why, Duration wait);

  Clock& clock_;
  mutable std::mutex mutex_;  // guards all below
  BucketOptions options_;
  std::vector<std::weak_ptr<const BucketOptions>> limits_;
  double tokens_;  // below zero: promised to those who wait
  SteadyPoint refilled_;
  SteadyPoint stoppedUntil_ = SteadyPoint::min();
  Duration nextStop_;
  std::uint64_t refusedByBudget_ = 0;
  std::uint64_t refusedByCloud_ = 0;
  Condition never_;
};

}  // namespace bco::http
