#include "sandbox/timers.h"

#include <algorithm>

namespace bco::sandbox {

TimePoint systemNow() {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

Timers::Timers(std::mutex& world, ClockMode mode, TimePoint start)
    : world_(world), mode_(mode), manualNow_(start) {
  if (mode_ == ClockMode::kReal) {
    offset_ = start - systemNow();
    thread_ = std::jthread([this] { run(); });
  }
}

Timers::~Timers() { stop(); }

void Timers::stop() {
  {
    const std::lock_guard lock(world_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

TimePoint Timers::now() const {
  return mode_ == ClockMode::kManual ? manualNow_ : systemNow() + offset_;
}

TimerId Timers::at(TimePoint due, std::function<void()> callback) {
  const TimerId timer{due, ++lastNumber_};
  const auto position = queue_.emplace(timer, std::move(callback)).first;
  if (mode_ == ClockMode::kReal && position == queue_.begin()) changed_.notify_all();
  return timer;
}

bool Timers::cancel(const TimerId& timer) { return queue_.erase(timer) > 0; }

bool Timers::runFirst(TimePoint until) {
  if (queue_.empty() || queue_.begin()->first.first > until) return false;
  auto first = queue_.extract(queue_.begin());
  manualNow_ = std::max(manualNow_, first.key().first);
  first.mapped()();
  return true;
}

void Timers::advance(Duration duration) {
  TimePoint target;
  {
    const std::lock_guard lock(world_);
    if (mode_ == ClockMode::kReal) {
      offset_ += duration;
      changed_.notify_all();
      return;
    }
    target = manualNow_ + duration;
  }
  while (true) {
    const std::lock_guard lock(world_);
    if (!stopping_ && runFirst(target)) continue;
    manualNow_ = std::max(manualNow_, target);
    return;
  }
}

void Timers::run() {
  std::unique_lock lock(world_);
  while (!stopping_) {
    if (runFirst(now())) {
      // Lets requests in: a burst of callbacks must not keep them waiting.
      lock.unlock();
      lock.lock();
    } else if (queue_.empty()) {
      changed_.wait(lock);
    } else {
      const TimePoint due = queue_.begin()->first.first;
      changed_.wait_for(lock, due - now());
    }
  }
}

}  // namespace bco::sandbox
