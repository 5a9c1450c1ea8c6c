// Maintenance windows: when a rotation, which restarts a container, may come.
#pragma once

#include <bitset>
#include <memory>
#include <optional>
#include <vector>

#include "core/time_zone.h"

namespace bco {

// One of keys.windows, with its time zone at hand. Opens at the same local time on each of its
// days; its length is real time, whatever the clocks do meanwhile.
struct Window {
  std::bitset<7> days;  // from Sunday on, as weekday::c_encoding() counts
  Duration start{0};    // after midnight
  Duration duration{0};
  std::shared_ptr<const TimeZone> zone;
};

struct Opening {
  TimePoint opens;
  TimePoint closes;
};

// The opening that `from` lies in, else the next one. nullopt: there are no windows, which means
// that any time will do. Pure.
[[nodiscard]] std::optional<Opening> nextOpening(const std::vector<Window>& windows,
                                                 TimePoint from);

}  // namespace bco
