// Virtual time, and the one place that says who goes next.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "tests/sim/dice.h"

namespace bco::sim {

class Thread;

// What happens at the same millisecond happens in an order that the dice decide. One OS thread.
class Scheduler {
 public:
  using Job = std::function<void()>;

  explicit Scheduler(Dice& dice) : dice_(dice) {}

  // Since the world began.
  [[nodiscard]] Duration now() const { return now_; }
  void at(Duration time, Job job);
  void after(Duration delay, Job job) { at(now_ + delay, std::move(job)); }
  // Lets `thread` go on at `time`, unless it has gone on before (thread.h).
  void resumeAt(Duration time, std::shared_ptr<Thread> thread, std::uint64_t turn);
  // Until `end`, or until somebody halts it.
  void runUntil(Duration end);
  void halt() { halted_ = true; }

 private:
  struct Event {
    Duration time;
    std::uint64_t order;
    Job job;
    std::shared_ptr<Thread> thread;
    std::uint64_t turn;
  };
  static bool isLater(const Event& a, const Event& b) {
    return a.time != b.time ? a.time > b.time : a.order > b.order;
  }
  void push(Event event);

  Dice& dice_;
  Duration now_{0};
  std::vector<Event> events_;  // a heap
  bool halted_ = false;
};

}  // namespace bco::sim
