// What a caller is told.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/time.h"
#include "server/http_server.h"

namespace bco::endpoint {

// How a request ended. The rows of answer.cc's table: status, code and words of each.
enum class Outcome {
  kCreated,             // a pass delivered the device's key
  kAlreadyProvisioned,  // all was there: the caller should ask its supervisor for the variables
  kDeleted,
  kDescribed,        // the description was asked for
  kBadRequest,       // no or bad body
  kUnknownDevice,    // or of no fleet of ours, or not desired: one answer for all
  kWrongService,     // not the one whose container gets the fleet's keys
  kUnauthenticated,  // no token, or a wrong one
  kMethodNotAllowed,
  kLimited,      // the caller's own limit, or everybody's
  kRefused,      // a person decides: a conflict, a suspended or observed fleet, ...
  kThrottled,    // a cloud says so
  kUnavailable,  // a cloud or the API server is away, or we are not ready yet
  kNotYet,       // the device can't have a key yet: its release lacks the service, ...
  kStopping,
  kDeadline,  // the work goes on
};
inline constexpr std::size_t kOutcomes = 16;
[[nodiscard]] std::string_view nameOf(Outcome outcome);  // "created": log field and metric label
[[nodiscard]] int statusOf(Outcome outcome);

struct Answer {
  Outcome outcome = Outcome::kUnavailable;
  std::string message = {};  // for a person; empty: the outcome's own words
  std::optional<Duration> retryAfter = std::nullopt;
};

[[nodiscard]] server::Reply toReply(const Answer& answer);

// To what is no whole request: too large, too slow, or no HTTP.
[[nodiscard]] server::Reply toRefusal(int status);

}  // namespace bco::endpoint
