// Hold points: the n-th request of a kind stops before or after its effect, until it is let go. For
// tests that kill a client at an exact place.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http_server.h"

namespace bco::sandbox {

struct HoldPoint {
  std::uint64_t id = 0;
  std::string kind;  // as in FaultRule
  bool afterEffect = false;
  std::uint64_t number = 1;  // which of the matching requests from now on
  std::uint64_t seen = 0;
  std::string request;            // "POST /v7/…" of the one that is held
  std::function<void()> proceed;  // set while one is held
};

// The world's mutex is to be held.
class Holds {
 public:
  std::uint64_t add(HoldPoint point);

  // Keeps `proceed` if a point stops this request here.
  [[nodiscard]] bool stop(std::string_view kind, bool afterEffect, const server::Request& request,
                          const std::function<void()>& proceed);

  // Takes the point away and returns how the held request goes on: empty when it held none.
  // nullopt: no such point. Not calling it drops the request, its connection stays open.
  [[nodiscard]] std::optional<std::function<void()>> take(std::uint64_t id);

  [[nodiscard]] const std::vector<HoldPoint>& points() const { return points_; }

 private:
  std::vector<HoldPoint> points_;
  std::uint64_t lastId_ = 0;
};

}  // namespace bco::sandbox
