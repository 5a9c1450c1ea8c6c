#include "tests/sim/scheduler.h"

#include <algorithm>

#include "tests/sim/machine.h"

namespace bco::sim {

void Scheduler::push(Event event) {
  events_.push_back(std::move(event));
  std::push_heap(events_.begin(), events_.end(), &isLater);
}

void Scheduler::at(Duration time, Job job) {
  push({std::max(time, now_), dice_.next(), std::move(job), nullptr, 0});
}

void Scheduler::resumeAt(Duration time, std::shared_ptr<Thread> thread, std::uint64_t turn) {
  push({std::max(time, now_), dice_.next(), {}, std::move(thread), turn});
}

void Scheduler::runUntil(Duration end) {
  while (!halted_ && !events_.empty() && events_.front().time <= end) {
    std::pop_heap(events_.begin(), events_.end(), &isLater);
    const Event event = std::move(events_.back());
    events_.pop_back();
    now_ = event.time;
    if (event.thread != nullptr) {
      Machine::resume(event.thread, event.turn);
    } else {
      event.job();
    }
  }
  if (!halted_) now_ = std::max(now_, end);
}

}  // namespace bco::sim
