#include "http/token_bucket.h"

#include <algorithm>
#include <cmath>

namespace bco::http {

namespace {
constexpr Duration kFirstStop = std::chrono::seconds(1);
constexpr Duration kLongestStop = std::chrono::minutes(1);
// A longer Retry-After is a mistake that would stop the program for good.
constexpr Duration kLongestObeyed = std::chrono::hours(1);
// Of a budget of next to nothing: as good as never, and far from what a time point can't hold.
constexpr Duration kNever = std::chrono::hours(24 * 3650);
}  // namespace

TokenBucket::TokenBucket(BucketOptions options, Clock& clock)
    : clock_(clock),
      options_(options),
      tokens_(options.burst),
      refilled_(clock.steadyNow()),
      nextStop_(kFirstStop) {}

void TokenBucket::limitTo(const std::shared_ptr<const BucketOptions>& limit) {
  std::lock_guard lock(mutex_);
  if (limits_.empty()) tokens_ = limit->burst;
  limits_.push_back(limit);
}

void TokenBucket::chooseLimit() {
  std::erase_if(limits_, [](const auto& limit) { return limit.expired(); });
  std::optional<BucketOptions> least;
  for (const auto& held : limits_) {
    const auto limit = held.lock();
    if (limit == nullptr) continue;
    if (!least) least = *limit;
    least->perSecond = std::min(least->perSecond, limit->perSecond);
    least->burst = std::min(least->burst, limit->burst);
  }
  if (least) options_ = *least;
}

BucketOptions TokenBucket::limit() {
  std::lock_guard lock(mutex_);
  chooseLimit();
  return options_;
}

Status TokenBucket::take(std::size_t count, Duration longestWait, const std::stop_token& stop,
                         Lane lane) {
  std::unique_lock lock(mutex_);
  SteadyPoint now = clock_.steadyNow();
  const SteadyPoint latest = now + longestWait;
  chooseLimit();
  refill(now);
  SteadyPoint ready = now + timeFor(static_cast<double>(count) + reserve(count, lane) - tokens_);
  // What the bucket can never hold at once would wait for ever where that takes too long: it goes
  // when the bucket is full, and who comes later waits for both.
  if (ready > latest && static_cast<double>(count) > options_.burst) {
    ready = now + timeFor(options_.burst - tokens_);
  }
  // Promised now, so that whoever comes later waits behind.
  tokens_ -= static_cast<double>(count);
  for (;;) {
    ready = std::max(ready, stoppedUntil_);
    if (ready > latest) {
      tokens_ += static_cast<double>(count);
      const bool isTheirs = ready == stoppedUntil_;
      (isTheirs ? refusedByCloud_ : refusedByBudget_) += count;
      return throttled(isTheirs ? "the cloud asks for a pause (429) of "
                                : "our budget of calls (callBudget) is used up for ",
                       ready - now);
    }
    now = clock_.steadyNow();
    if (now >= ready) return {};
    if (stop.stop_requested()) {
      tokens_ += static_cast<double>(count);
      return fail(ErrorCode::kUnavailable, "closed while waiting for its turn");
    }
    clock_.wait(lock, never_, ready, stop);
  }
}

double TokenBucket::reserve(std::size_t count, Lane lane) const {
  if (lane == Lane::kRevocation) return -options_.burst;
  if (lane == Lane::kFresh) return 0;
  // A full bucket serves everybody.
  return std::clamp(options_.burst - static_cast<double>(count), 0.0, options_.burst / 4);
}

Duration TokenBucket::timeFor(double missing) const {
  if (missing <= 0) return Duration::zero();
  const double wait = std::ceil(missing / options_.perSecond * 1000);
  if (!(wait < static_cast<double>(kNever.count()))) return kNever;
  return Duration(static_cast<Duration::rep>(wait));
}

Duration TokenBucket::stopFor(std::optional<Duration> retryAfter) {
  std::lock_guard lock(mutex_);
  const Duration stop = std::min(retryAfter.value_or(nextStop_), kLongestObeyed);
  if (!retryAfter) nextStop_ = std::min(nextStop_ * 2, kLongestStop);
  stoppedUntil_ = std::max(stoppedUntil_, clock_.steadyNow() + stop);
  return stop;
}

void TokenBucket::succeeded() {
  std::lock_guard lock(mutex_);
  nextStop_ = kFirstStop;
}

void TokenBucket::refill(SteadyPoint now) {
  tokens_ = tokensAt(now);
  refilled_ = now;
}

double TokenBucket::tokensAt(SteadyPoint now) const {
  const std::chrono::duration<double> elapsed = now - refilled_;
  return std::min(options_.burst, tokens_ + elapsed.count() * options_.perSecond);
}

TokenBucket::Usage TokenBucket::usage() const {
  std::lock_guard lock(mutex_);
  const SteadyPoint now = clock_.steadyNow();
  const bool isStopped = now < stoppedUntil_;
  const double available = isStopped ? 0 : std::max(0.0, tokensAt(now));
  return {available, options_, isStopped, refusedByBudget_, refusedByCloud_};
}

Status TokenBucket::throttled(std::string_view why, Duration wait) {
  Error error{ErrorCode::kThrottled, std::string(why) + formatDuration(wait)};
  error.retryAfter = wait;
  return fail(std::move(error));
}

}  // namespace bco::http
