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

// How a held request ends: it goes on, or is left without an answer and, if it was held before it,
// without an effect.
enum class HoldEnd { kRelease, kDrop };
using HeldRequest = std::function<void(HoldEnd)>;

struct HoldPoint {
  std::uint64_t id = 0;
  std::string kind;  // as in FaultRule
  bool afterEffect = false;
  std::uint64_t number = 1;  // which of the matching requests from now on
  std::uint64_t seen = 0;
  std::string request;  // "POST /v7/…" of the one that is held
  HeldRequest held;     // set while one is held
};

// The world's mutex is to be held.
class Holds {
 public:
  std::uint64_t add(HoldPoint point);

  // Keeps `held` if a point stops this request here.
  [[nodiscard]] bool stop(std::string_view kind, bool afterEffect, const server::Request& request,
                          const HeldRequest& held);

  // Takes the point away and returns the request it held, empty when it held none, for the caller
  // to end it. nullopt: no such point.
  [[nodiscard]] std::optional<HeldRequest> take(std::uint64_t id);

  [[nodiscard]] const std::vector<HoldPoint>& points() const { return points_; }

 private:
  std::vector<HoldPoint> points_;
  std::uint64_t lastId_ = 0;
};

}  // namespace bco::sandbox
