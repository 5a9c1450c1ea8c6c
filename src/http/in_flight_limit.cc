#include "http/in_flight_limit.h"

#include <algorithm>
#include <limits>

namespace bco::http {

void InFlightLimit::limitTo(const std::shared_ptr<const std::size_t>& limit) {
  std::lock_guard lock(mutex_);
  std::erase_if(limits_, [](const auto& each) { return each.expired(); });
  limits_.push_back(limit);
}

std::size_t InFlightLimit::limit() const {
  std::lock_guard lock(mutex_);
  return smallest();
}

std::size_t InFlightLimit::smallest() const {
  std::size_t least = std::numeric_limits<std::size_t>::max();
  for (const auto& held : limits_) {
    if (const auto limit = held.lock()) least = std::min(least, *limit);
  }
  return least;
}

bool InFlightLimit::enter(const void* who, const Wake& wake) {
  std::lock_guard lock(mutex_);
  if (inFlight_ < smallest()) {
    ++inFlight_;
    return true;
  }
  const auto known = std::ranges::find(waiting_, who, [](const auto& each) { return each.first; });
  if (known == waiting_.end()) {
    waiting_.emplace_back(who, wake);
  } else {
    known->second = wake;  // it may be another one's address by now
  }
  return false;
}

void InFlightLimit::leave() {
  {
    std::lock_guard lock(mutex_);
    --inFlight_;
  }
  passOn();
}

void InFlightLimit::passOn() {
  for (;;) {
    Wake wake;
    {
      std::lock_guard lock(mutex_);
      if (waiting_.empty() || inFlight_ >= smallest()) return;
      wake = std::move(waiting_.front().second);
      waiting_.pop_front();
    }
    if (wake()) return;
  }
}

}  // namespace bco::http
