// The operator's processes: which run, which lead, and what befalls them.
#pragma once

#include <array>
#include <memory>

#include "tests/sim/operator.h"

namespace bco::sim {

class Replicas {
 public:
  explicit Replicas(Parts& parts) : parts_(parts) {}

  void start();
  // Nothing befalls them any more, and the clocks are right.
  void settle();

 private:
  struct Slot {
    std::unique_ptr<Operator> process;
    Duration skew{0};
    // Elected: when it last renewed the lease for sure; while nothing is wrong it always just did.
    std::optional<Duration> cutOffAt;
    bool leads = false;
  };
  [[nodiscard]] bool isElected() const {
    return parts_.scenario.leadership == Leadership::kElected;
  }
  [[nodiscard]] bool mayWrite(std::size_t slot, int life) const;
  void begin(std::size_t slot);
  void end(std::size_t slot);
  // Once the passes under way have ended.
  void endGently(std::size_t slot, std::function<void()> then);
  void crash();
  void freeze();
  void freezeNow(std::size_t slot);
  void cutOff();
  void changeClock();
  void plan(Duration mean, void (Replicas::*happening)());
  void takeOver(std::size_t from, Duration after);
  [[nodiscard]] std::size_t anySlot();

  Parts& parts_;
  std::array<Slot, 2> slots_;
  int lives_ = 0;
  bool settled_ = false;
};

}  // namespace bco::sim
