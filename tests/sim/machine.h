// One process: its threads, each a fiber that runs until it waits, and its clock, behind which
// every wait is. A process can be frozen, as a virtual machine is, and killed between any two
// calls.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/clock.h"
#include "tests/sim/scheduler.h"
#include "tests/support/fiber.h"

namespace bco::sim {

inline constexpr TimePoint kEpoch{std::chrono::hours(24 * 365 * 56)};

// Thrown through a killed process's code. Not a std::exception: nobody takes it for an error.
struct Killed {};

class Machine;

class Thread {
 public:
  Thread(Machine& owner, std::function<void()> body);

  // Requests sent since this was last set to zero.
  int requests = 0;
  // One of them has failed.
  bool isDisturbed = false;
  // What it sends is for passes that other threads make.
  bool readsAhead = false;

 private:
  friend class Machine;
  Machine& owner_;
  std::uint64_t turn_ = 0;  // counts how often it went on
  const Condition* waitsFor_ = nullptr;
  test::Fiber fiber_;
};

class Machine final : public Clock {
 public:
  Machine(Scheduler& scheduler, Dice& dice) : scheduler_(scheduler), dice_(dice) {}
  ~Machine() override { kill(); }

  // ── Clock
  [[nodiscard]] TimePoint now() const override { return kEpoch + scheduler_.now() + skew_; }
  // Stands still while the process is frozen.
  [[nodiscard]] SteadyPoint steadyNow() const override {
    return SteadyPoint(std::chrono::hours(1) + scheduler_.now() - frozenInAll_);
  }
  void wait(std::unique_lock<std::mutex>& lock, Condition& condition, SteadyPoint deadline,
            const std::stop_token& stop) override;
  void wakeAll(Condition& condition) override;
  void wakeOne(Condition& condition) override;

  // ── what happens to it
  void setSkew(Duration skew) { skew_ = skew; }
  void freeze(Duration duration);
  [[nodiscard]] bool isFrozen() const { return scheduler_.now() < frozenUntil_; }
  // Every thread ends where it stands. From outside.
  void kill();
  // After a stop was requested: every wait ends.
  void wakeEverybody();
  [[nodiscard]] bool hasEnded() const;

  // ── threads
  void spawn(std::function<void()> body);
  // The one that runs now.
  [[nodiscard]] Thread& current() { return *current_; }
  // Of the current thread. Until a time since the world began.
  void sleepUntil(Duration time);

  static void resume(const std::shared_ptr<Thread>& thread, std::uint64_t turn);

 private:
  friend class Thread;
  void wake(const std::shared_ptr<Thread>& thread);
  void pause();

  Scheduler& scheduler_;
  Dice& dice_;
  Duration skew_{0};
  Duration frozenUntil_{0};
  Duration frozenInAll_{0};
  bool killed_ = false;
  std::vector<std::shared_ptr<Thread>> threads_;
  std::shared_ptr<Thread> current_;
};

}  // namespace bco::sim
