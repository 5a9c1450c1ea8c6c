#include "sandbox/holds.h"

#include <algorithm>

#include "sandbox/faults.h"

namespace bco::sandbox {

std::uint64_t Holds::add(HoldPoint point) {
  point.id = ++lastId_;
  points_.push_back(std::move(point));
  return lastId_;
}

bool Holds::stop(std::string_view kind, bool afterEffect, const server::Request& request,
                 const HeldRequest& held) {
  HoldPoint* chosen = nullptr;
  for (HoldPoint& point : points_) {
    if (point.held || point.afterEffect != afterEffect || !matchesKind(point.kind, kind)) {
      continue;
    }
    // Every point counts every request, also one that another point stops.
    if (++point.seen == point.number && chosen == nullptr) chosen = &point;
  }
  if (chosen == nullptr) return false;
  chosen->request = request.method + ' ' + request.target;
  chosen->held = held;
  return true;
}

std::optional<HeldRequest> Holds::take(std::uint64_t id) {
  const auto found = std::ranges::find(points_, id, &HoldPoint::id);
  if (found == points_.end()) return std::nullopt;
  auto held = std::move(found->held);
  points_.erase(found);
  return held;
}

}  // namespace bco::sandbox
