#include "plan/maintenance.h"

#include <algorithm>

namespace bco {
namespace {

using std::chrono::days;

// Of one window. What lasts a week or longer is always open, by the opening of some day before.
std::optional<Opening> nextOpeningOf(const Window& window, TimePoint from) {
  const auto today = std::chrono::floor<days>(window.zone->toLocal(from));
  const days length = std::min(std::chrono::ceil<days>(window.duration), days(7));
  for (auto day = today - length - days(1); day <= today + days(8); day += days(1)) {
    if (!window.days.test(std::chrono::weekday(day).c_encoding())) continue;
    const TimePoint opens = window.zone->toUtc(LocalTime(day) + window.start);
    if (opens + window.duration > from) return Opening{opens, opens + window.duration};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Opening> nextOpening(const std::vector<Window>& windows, TimePoint from) {
  std::optional<Opening> next;
  for (const Window& window : windows) {
    const auto opening = nextOpeningOf(window, from);
    if (opening && (!next || opening->opens < next->opens)) next = opening;
  }
  return next;
}

}  // namespace bco
