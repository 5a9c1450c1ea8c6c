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
                 const std::function<void()>& proceed) {
  for (HoldPoint& point : points_) {
    if (point.proceed || point.afterEffect != afterEffect || !matchesKind(point.kind, kind)) {
      continue;
    }
    if (++point.seen != point.number) continue;
    point.request = request.method + ' ' + request.target;
    point.proceed = proceed;
    return true;
  }
  return false;
}

std::optional<std::function<void()>> Holds::take(std::uint64_t id) {
  const auto found = std::ranges::find(points_, id, &HoldPoint::id);
  if (found == points_.end()) return std::nullopt;
  auto proceed = std::move(found->proceed);
  points_.erase(found);
  return proceed;
}

}  // namespace bco::sandbox
