// Whether a write of ours may still take effect.
#pragma once

#include <atomic>

#include "core/clock.h"
#include "http/upstream.h"

namespace bco::cli {

// Thread-safe. Tells `next`, if any, what it is told.
class LateWrites final : public http::AttemptObserver {
 public:
  // Both must outlive it.
  explicit LateWrites(const Clock& clock, http::AttemptObserver* next = nullptr)
      : clock_(clock), next_(next) {}

  void onAttempt(std::string_view kind, std::string_view outcome, Duration duration,
                 bool mayLand) override {
    if (next_ != nullptr) next_->onAttempt(kind, outcome, duration, mayLand);
    if (mayLand) last_.store(clock_.steadyNow().time_since_epoch().count());
  }

  // The outcome of a write in the last `period` is unknown.
  [[nodiscard]] bool within(Duration period) const {
    const SteadyPoint::rep last = last_.load();
    return last != kNever && clock_.steadyNow() - SteadyPoint(SteadyPoint::duration(last)) < period;
  }

 private:
  static constexpr SteadyPoint::rep kNever = SteadyPoint::min().time_since_epoch().count();
  const Clock& clock_;
  http::AttemptObserver* const next_;
  std::atomic<SteadyPoint::rep> last_{kNever};
};

}  // namespace bco::cli
