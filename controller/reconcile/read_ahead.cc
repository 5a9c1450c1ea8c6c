#include "reconcile/read_ahead.h"

#include <exception>
#include <utility>

namespace bco {

class ReadAhead::Reading {
 public:
  Reading(std::shared_ptr<clearblade::RegistryApi> registry, std::string id, Lane lane)
      : registry_(std::move(registry)), id_(std::move(id)), lane_(lane) {}

 private:
  friend class ReadAhead;
  enum class State { kAsked, kBegun, kDone, kTaken };

  // Whoever waits for the answer must get one.
  [[nodiscard]] Result<Registration> read() const {
    try {
      return registry_->getRegistration(id_, {.lane = lane_});
    } catch (const std::exception& error) {
      return fail(ErrorCode::kInternal, error.what());
    }
  }

  const std::shared_ptr<clearblade::RegistryApi> registry_;
  const std::string id_;
  const Lane lane_;
  State state_ = State::kAsked;
  std::optional<Result<Registration>> result_;  // while kDone
  Condition isDone_;
};

std::shared_ptr<ReadAhead::Reading> ReadAhead::ask(
    std::shared_ptr<clearblade::RegistryApi> registry, std::string id, Lane lane) {
  auto reading = std::make_shared<Reading>(std::move(registry), std::move(id), lane);
  {
    const std::lock_guard lock(mutex_);
    // Those that nobody came for are forgotten here where nobody serves.
    while (!asked_.empty() && asked_.front().expired()) asked_.pop_front();
    asked_.push_back(reading);
  }
  clock_.wakeOne(isAsked_);
  return reading;
}

std::optional<Result<ReadAhead::Registration>> ReadAhead::take(
    const std::shared_ptr<Reading>& reading) {
  std::unique_lock lock(mutex_);
  if (reading->state_ == Reading::State::kBegun) {
    waitUntil(clock_, lock, reading->isDone_, kForever, {},
              [&] { return reading->state_ == Reading::State::kDone; });
  }
  reading->state_ = Reading::State::kTaken;
  return std::exchange(reading->result_, std::nullopt);
}

std::shared_ptr<ReadAhead::Reading> ReadAhead::next(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (waitUntil(clock_, lock, isAsked_, kForever, stop, [&] { return !asked_.empty(); })) {
    if (stop.stop_requested()) return nullptr;
    auto reading = asked_.front().lock();
    asked_.pop_front();
    if (reading == nullptr || reading->state_ != Reading::State::kAsked) continue;
    reading->state_ = Reading::State::kBegun;
    return reading;
  }
  return nullptr;
}

void ReadAhead::serve(const std::stop_token& stop) {
  while (const auto reading = next(stop)) {
    auto result = reading->read();
    {
      const std::lock_guard lock(mutex_);
      reading->result_ = std::move(result);
      reading->state_ = Reading::State::kDone;
    }
    clock_.wakeOne(reading->isDone_);
  }
}

}  // namespace bco
