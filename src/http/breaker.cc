#include "http/breaker.h"

#include <algorithm>
#include <utility>

namespace bco::http {

Result<Breaker::Call> Breaker::allow() {
  std::lock_guard lock(mutex_);
  const SteadyPoint now = clock_.steadyNow();
  if (state_ == State::kOpen && now >= openUntil_) state_ = State::kHalfOpen;
  if (state_ == State::kClosed) return Call::kUsual;
  if (state_ == State::kHalfOpen && !probing_) {
    probing_ = true;
    return Call::kProbe;
  }
  Error error{ErrorCode::kUnavailable,
              "it failed repeatedly and is not called for a while; last: " + lastFailure_};
  error.retryAfter = std::max(openUntil_ - now, Duration(std::chrono::seconds(1)));
  return fail(std::move(error));
}

void Breaker::answered() {
  std::lock_guard lock(mutex_);
  state_ = State::kClosed;
  probing_ = false;
  failures_ = 0;
}

void Breaker::failed(std::string why) {
  std::lock_guard lock(mutex_);
  lastFailure_ = std::move(why);
  ++failures_;
  if (state_ == State::kClosed && failures_ < options_.failures) return;
  state_ = State::kOpen;
  probing_ = false;
  openUntil_ = clock_.steadyNow() + options_.openFor;
}

void Breaker::notMade(Call call) {
  std::lock_guard lock(mutex_);
  if (call == Call::kProbe) probing_ = false;
}

Breaker::State Breaker::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

bool isOutage(const Result<Response>& result) {
  if (!result) return traitsOf(result.error().code).cause == Cause::kOutage;
  const int status = result->status;
  return (status >= 502 && status <= 504) || (status >= 520 && status <= 527);
}

}  // namespace bco::http
