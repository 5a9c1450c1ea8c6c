// What goes wrong with calls.
#pragma once

#include <array>
#include <string>
#include <utility>

#include "tests/sim/dice.h"

namespace bco::sim {

enum class Upstream { kBalena, kClearBlade, kKubernetes };
inline constexpr std::size_t kUpstreams = 3;

// A request lands at most this long after it was sent; the rules of DESIGN §4 count with an hour
// from the first read, of which a pass may take five minutes.
inline constexpr Duration kLatest = std::chrono::minutes(50);

// Of one request.
inline constexpr Duration kAttemptDeadline = std::chrono::seconds(15);

struct Fate {
  enum class Kind {
    kFine,
    kRefused,     // an error, and nothing has happened
    kThrottled,   // likewise, with a time to come back
    kAnswerLost,  // it has happened; the caller does not learn of it
    kLate,        // it happens long after the caller has given up
    kLost,        // it never happens; the caller waits until his deadline
  };
  Kind kind = Kind::kFine;
  Duration effectAfter{0};
  Duration answerAfter{0};
};

class Chaos {
 public:
  explicit Chaos(Dice& dice) : dice_(dice) {}

  // Of so many calls one goes wrong. 0: none.
  void setRate(double rate) { rate_ = rate; }
  // Every call fails until then.
  void breakDown(Upstream upstream, Duration until) { downUntil_[index(upstream)] = until; }
  void end();

  // The next call whose name begins so is not answered, and takes effect so much later.
  void delayNext(std::string name, Duration by) { delayed_ = {std::move(name), by}; }
  [[nodiscard]] bool isDelayDone() const { return delayed_.first.empty(); }

  [[nodiscard]] Fate fateOf(Upstream upstream, const std::string& name, Duration now);
  [[nodiscard]] bool happens() { return rate_ > 0 && dice_.chance(rate_); }

 private:
  static std::size_t index(Upstream upstream) { return static_cast<std::size_t>(upstream); }

  Dice& dice_;
  double rate_ = 0;
  std::array<Duration, kUpstreams> downUntil_{};
  std::pair<std::string, Duration> delayed_;
};

}  // namespace bco::sim
