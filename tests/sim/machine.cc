#include "tests/sim/machine.h"

#include <algorithm>

namespace bco::sim {

Thread::Thread(Machine& owner, std::function<void()> body)
    : owner_(owner), fiber_([this, run = std::move(body)] {
        try {
          if (!owner_.killed_) run();
        } catch (const Killed&) {  // as wanted
        }
      }) {}

void Machine::spawn(std::function<void()> body) {
  auto thread = std::make_shared<Thread>(*this, std::move(body));
  threads_.push_back(thread);
  scheduler_.resumeAt(scheduler_.now(), thread, 0);
}

void Machine::resume(const std::shared_ptr<Thread>& thread, std::uint64_t turn) {
  if (thread->fiber_.ended() || thread->turn_ != turn) return;
  Machine& machine = thread->owner_;
  if (machine.isFrozen()) {
    machine.scheduler_.resumeAt(machine.frozenUntil_, thread, turn);
    return;
  }
  ++thread->turn_;
  thread->waitsFor_ = nullptr;
  auto outer = std::exchange(machine.current_, thread);
  thread->fiber_.resume();
  machine.current_ = std::move(outer);
}

void Machine::pause() {
  current_->fiber_.pause();
  if (killed_) throw Killed{};
}

void Machine::wait(std::unique_lock<std::mutex>& lock, Condition& condition, SteadyPoint deadline,
                   const std::stop_token&) {
  lock.unlock();
  current_->waitsFor_ = &condition;
  if (deadline != kForever) {
    const Duration until = deadline.time_since_epoch() - std::chrono::hours(1) + frozenInAll_;
    scheduler_.resumeAt(until, current_, current_->turn_);
  }
  pause();
  lock.lock();
}

void Machine::sleepUntil(Duration time) {
  scheduler_.resumeAt(time, current_, current_->turn_);
  pause();
}

void Machine::wake(const std::shared_ptr<Thread>& thread) {
  thread->waitsFor_ = nullptr;
  scheduler_.resumeAt(scheduler_.now() + Duration(dice_.between(0, 3)), thread, thread->turn_);
}

void Machine::wakeAll(Condition& condition) {
  for (const auto& thread : threads_) {
    if (thread->waitsFor_ == &condition) wake(thread);
  }
}

void Machine::wakeOne(Condition& condition) {
  std::vector<std::shared_ptr<Thread>*> waiting;
  for (auto& thread : threads_) {
    if (thread->waitsFor_ == &condition) waiting.push_back(&thread);
  }
  if (!waiting.empty()) wake(*dice_.pick(waiting));
}

void Machine::wakeEverybody() {
  for (const auto& thread : threads_) {
    if (thread->waitsFor_ != nullptr) wake(thread);
  }
}

void Machine::freeze(Duration duration) {
  if (isFrozen()) return;
  frozenUntil_ = scheduler_.now() + duration;
  frozenInAll_ += duration;
}

void Machine::kill() {
  killed_ = true;
  frozenUntil_ = Duration(0);
  for (const auto& thread : threads_) resume(thread, thread->turn_);
  threads_.clear();
}

bool Machine::hasEnded() const {
  return std::ranges::all_of(threads_, [](const auto& each) { return each->fiber_.ended(); });
}

}  // namespace bco::sim
