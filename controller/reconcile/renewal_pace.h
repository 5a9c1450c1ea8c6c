// The pace of a fleet's renewal: how many of its devices may be in one at once.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <string>

#include "api/object.h"
#include "core/time.h"

namespace bco {

// How long a device counts as being renewed: its supervisor has fetched the new key by then, and
// restarted the container.
inline constexpr Duration kRenewalTime = std::chrono::minutes(1);

// Gives out starts in the order in which they are asked for. Forgets them with the process: what
// was under way then ends within kRenewalTime. Thread-safe.
class RenewalPace {
 public:
  // When this device may start, `now` at the earliest; what was given to it before stays its own
  // for kRenewalTime.
  [[nodiscard]] TimePoint startOf(const api::ObjectKey& fleet, const std::string& uuid,
                                  int maxConcurrent, TimePoint now);

 private:
  struct Start {
    TimePoint at;
    std::string uuid;
  };
  std::mutex mutex_;                                    // guards starts_
  std::map<api::ObjectKey, std::deque<Start>> starts_;  // in order of time
};

}  // namespace bco
