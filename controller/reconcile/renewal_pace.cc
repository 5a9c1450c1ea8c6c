#include "reconcile/renewal_pace.h"

#include <algorithm>

namespace bco {

TimePoint RenewalPace::startOf(const api::ObjectKey& fleet, const std::string& uuid,
                               int maxConcurrent, TimePoint now) {
  std::lock_guard lock(mutex_);
  std::deque<Start>& starts = starts_[fleet];
  while (!starts.empty() && starts.front().at + kRenewalTime <= now) starts.pop_front();
  const auto own = std::ranges::find(starts, uuid, &Start::uuid);
  if (own != starts.end()) return std::max(own->at, now);
  const auto limit = static_cast<std::size_t>(std::max(maxConcurrent, 1));
  // Takes the place of the one that many before.
  const TimePoint at =
      starts.size() < limit ? now : std::max(starts[starts.size() - limit].at + kRenewalTime, now);
  starts.push_back({at, uuid});
  return at;
}

}  // namespace bco
