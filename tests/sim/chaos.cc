#include "tests/sim/chaos.h"

namespace bco::sim {
namespace {

constexpr Duration kCallDeadline = std::chrono::seconds(40);

}  // namespace

void Chaos::end() {
  rate_ = 0;
  downUntil_ = {};
}

Fate Chaos::fateOf(Upstream upstream, const std::string& name, Duration now) {
  using Kind = Fate::Kind;
  Fate fate;
  const bool slow = rate_ > 0 && dice_.chance(0.02);
  const Duration longest = slow ? kAttemptDeadline - Duration(500) : Duration(250);
  fate.effectAfter = Duration(5) + dice_.upTo(longest);
  fate.answerAfter = fate.effectAfter + Duration(5) + dice_.upTo(Duration(100));
  if (!isDelayDone() && name.starts_with(delayed_.first)) {
    const auto [of, by] = std::exchange(delayed_, {});
    return {Kind::kLate, by, kAttemptDeadline};
  }
  const bool isDown = now < downUntil_[index(upstream)];
  if (!isDown && !happens()) return fate;
  fate.kind = dice_.oneOf({Kind::kRefused, Kind::kRefused, Kind::kThrottled, Kind::kAnswerLost,
                           Kind::kAnswerLost, Kind::kLate, Kind::kLost});
  if (isDown && fate.kind != Kind::kLost) fate.kind = Kind::kRefused;
  switch (fate.kind) {
    case Kind::kAnswerLost:
      fate.answerAfter = dice_.between(fate.effectAfter, kAttemptDeadline);
      break;
    case Kind::kLate:
      fate.answerAfter = dice_.between(Duration(100), kAttemptDeadline);
      fate.effectAfter =
          dice_.between(fate.answerAfter, dice_.chance(0.5) ? kLatest : Duration(60000));
      break;
    case Kind::kLost:
      fate.answerAfter = kCallDeadline;
      break;
    default:
      break;
  }
  return fate;
}

}  // namespace bco::sim
