#include "endpoint/answer.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace bco::endpoint {
namespace {

struct Row {
  Outcome outcome;
  std::string_view name;
  int status;
  // Of google.rpc.Code, as the function's replies had them; 0: the reply is plain text. The Relay
  // knows one of them: 6, and only at the top level.
  int code;
  std::string_view words;
};

// clang-format off
constexpr std::array<Row, kOutcomes> kTable = {{
    {Outcome::kCreated, "created", 201, 0, "device created"},
    {Outcome::kAlreadyProvisioned, "already_provisioned", 409, 6, "the device is provisioned: its variables are in balenaCloud"},
    {Outcome::kDeleted, "deleted", 200, 0, "device deleted"},
    {Outcome::kDescribed, "described", 200, 0, ""},
    {Outcome::kBadRequest, "bad_request", 400, 3, "bad request"},
    {Outcome::kUnknownDevice, "unknown_device", 400, 3, "no device of this UUID may be provisioned here"},
    {Outcome::kWrongService, "wrong_service", 400, 3, "balena_service is not the service that gets the keys of this device's fleet"},
    {Outcome::kUnauthenticated, "unauthenticated", 401, 16, "a bearer token is needed"},
    {Outcome::kMethodNotAllowed, "method_not_allowed", 405, 12, "POST provisions a device, DELETE removes it"},
    {Outcome::kLimited, "limited", 429, 8, "too many requests"},
    {Outcome::kRefused, "refused", 409, 9, "refused"},
    {Outcome::kThrottled, "throttled", 429, 8, "a cloud takes no more requests just now"},
    {Outcome::kUnavailable, "unavailable", 503, 14, "not available just now"},
    {Outcome::kNotYet, "not_yet", 503, 14, "the device can't have a key yet"},
    {Outcome::kStopping, "stopping", 503, 14, "shutting down"},
    {Outcome::kDeadline, "deadline", 504, 4, "it takes longer than usual and goes on: ask again"},
}};
// clang-format on

constexpr bool isInOrder() {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (kTable[i].outcome != static_cast<Outcome>(i)) return false;
  }
  return true;
}
static_assert(isInOrder());

struct RefusalRow {
  int status;
  int code;
  std::string_view words;
};

// clang-format off
constexpr RefusalRow kMalformed{400, 3, "no HTTP request that can be understood in one way alone"};
constexpr std::array<RefusalRow, 3> kRefusals = {{
    {408, 4, "the request took too long to come"},
    {413, 3, "the body is too long"},
    {431, 3, "the head is too long"},
}};
// clang-format on

// What others have written may be no UTF-8.
void setJson(server::Reply& reply, int code, std::string_view message) {
  reply.headers.emplace_back("Content-Type", "application/json");
  reply.body = nlohmann::json{{"code", code}, {"message", message}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
}

const Row& rowOf(Outcome outcome) { return kTable[static_cast<std::size_t>(outcome)]; }

}  // namespace

std::string_view nameOf(Outcome outcome) { return rowOf(outcome).name; }
int statusOf(Outcome outcome) { return rowOf(outcome).status; }

server::Reply toReply(const Answer& answer) {
  const Row& row = rowOf(answer.outcome);
  server::Reply reply;
  reply.status = row.status;
  const std::string words = answer.message.empty() ? std::string(row.words) : answer.message;
  if (row.code == 0) {
    reply.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
    reply.body = words;
  } else {
    setJson(reply, row.code, words);
  }
  if (answer.retryAfter) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*answer.retryAfter).count();
    reply.headers.emplace_back("Retry-After", std::to_string(std::max<std::int64_t>(seconds, 1)));
  }
  if (answer.outcome == Outcome::kUnauthenticated) {
    reply.headers.emplace_back("WWW-Authenticate", "Bearer");
  }
  return reply;
}

server::Reply toRefusal(int status) {
  const auto found = std::ranges::find(kRefusals, status, &RefusalRow::status);
  const RefusalRow& row = found == kRefusals.end() ? kMalformed : *found;
  server::Reply reply;
  reply.status = row.status;
  setJson(reply, row.code, row.words);
  return reply;
}

}  // namespace bco::endpoint
