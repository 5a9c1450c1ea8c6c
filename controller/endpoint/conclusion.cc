#include "endpoint/conclusion.h"

#include <algorithm>
#include <array>

#include "reconcile/requests.h"

namespace bco::endpoint {
namespace {

// What a pass that found the world changed says before it comes again, at once the first time.
constexpr std::array<std::string_view, 4> kComesAgain = {"AlreadyExists", "Conflict", "NotFound",
                                                         "TakenOver"};
constexpr std::array<std::string_view, 3> kUnknown = {"DeviceNotFound", "WrongFleet",
                                                      "MovedToAnotherFleet"};
// What passes by itself, but not within the time a caller waits.
constexpr std::array<std::string_view, 4> kPassesLater = {"ServiceNotInstalled", "KeyTooYoung",
                                                          "CredentialSlotsFull", "ClockSkew"};
constexpr std::array<std::string_view, 6> kForAPerson = {
    "NotOurs", "KeyMismatch", "AdoptionDisabled", "MarkUnreadable", "DuplicateObject", "Suspended"};

template <std::size_t N>
bool isOneOf(std::string_view reason, const std::array<std::string_view, N>& names) {
  return std::ranges::find(names, reason) != names.end();
}

// What stands in the way, by the reason of condition Ready.
std::optional<Answer> byReason(const api::DeviceStatus& status, std::string_view reason) {
  using std::chrono::seconds;
  if (status.phase == api::Phase::kPending && isOneOf(reason, kComesAgain)) return std::nullopt;
  if (isOneOf(reason, kUnknown)) return Answer{Outcome::kUnknownDevice};
  if (reason == "Throttled") return Answer{Outcome::kThrottled, {}, seconds(5)};
  if (isOneOf(reason, kPassesLater)) {
    return Answer{Outcome::kNotYet, "not yet: " + std::string(reason), seconds(60)};
  }
  if (isOneOf(reason, kForAPerson)) {
    return Answer{Outcome::kRefused, "refused: " + std::string(reason)};
  }
  return Answer{Outcome::kUnavailable, {}, seconds(5)};
}

}  // namespace

std::optional<Answer> conclude(Verb verb, const api::BalenaDevice& device) {
  if (!isHandled(device)) return std::nullopt;
  const api::DeviceStatus& status = device.status;
  const api::Condition* ready = findCondition(status.conditions, "Ready");
  if (device.spec.state != stateOf(verb)) {
    return Answer{Outcome::kRefused, "somebody has asked for the opposite meanwhile"};
  }
  if (verb == Verb::kRemove && status.phase == api::Phase::kAbsent) {
    return Answer{Outcome::kDeleted};
  }
  // A ready device stays so when a pass could not look at it; then the condition says why.
  const bool isLookedAt = status.failureCount == 0 && ready != nullptr && ready->reason == "Synced";
  if (verb == Verb::kProvision && status.phase == api::Phase::kReady && isLookedAt) {
    const api::Condition* valid = findCondition(status.conditions, "CredentialValid");
    const bool delivered = valid != nullptr && valid->reason == api::kDelivered;
    return Answer{delivered ? Outcome::kCreated : Outcome::kAlreadyProvisioned};
  }
  return byReason(status, ready == nullptr ? std::string_view() : ready->reason.view());
}

}  // namespace bco::endpoint
