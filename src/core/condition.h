// What threads wait for; see Clock, behind which all waiting is.
#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>

#include "core/time.h"

namespace bco {

// A std::condition_variable_any, by whose names it goes, as far as a std::mutex and a stop need
// one. That one wakes a thread while it holds the lock which this thread needs first: on a busy
// machine each wake-up costs two more switches between threads, and our calls wait all the time.
class Condition {
 public:
  void notify_one() {
    pass();
    condition_.notify_one();
  }
  void notify_all() {
    pass();
    condition_.notify_all();
  }

  // Releases `lock` and waits until notified, `deadline`, a stop, or for no reason at all; `lock`
  // is held again on return.
  template <class Deadline>
  void wait_until(std::unique_lock<std::mutex>& lock, const std::stop_token& stop,
                  const Deadline& deadline) {
    waitWith(lock, stop,
             [&](std::unique_lock<std::mutex>& door) { condition_.wait_until(door, deadline); });
  }
  void wait_for(std::unique_lock<std::mutex>& lock, Duration duration) {
    waitWith(lock, {},
             [&](std::unique_lock<std::mutex>& door) { condition_.wait_for(door, duration); });
  }
  void wait(std::unique_lock<std::mutex>& lock) {
    waitWith(lock, {}, [&](std::unique_lock<std::mutex>& door) { condition_.wait(door); });
  }

 private:
  // Whoever found nothing to be ready is waiting by now.
  void pass() { const std::lock_guard door(door_); }

  template <class Wait>
  void waitWith(std::unique_lock<std::mutex>& lock, const std::stop_token& stop, const Wait& wait) {
    const std::stop_callback wake(stop, [this] { notify_all(); });
    std::unique_lock door(door_);
    if (stop.stop_requested()) return;
    lock.unlock();
    wait(door);
    door.unlock();
    lock.lock();
  }

  std::mutex door_;  // from before a waiter's lock is released until he waits
  std::condition_variable condition_;
};

}  // namespace bco
