#include "reconcile/fleet_status.h"

#include <algorithm>

#include "reconcile/standing.h"

namespace bco {
namespace {

constexpr std::size_t kFailingShown = 5;

}  // namespace

bool setProblem(api::FleetStatus& status, const Error& error, std::int64_t generation,
                TimePoint now) {
  const bool needsPerson = !traitsOf(error.code).transient;
  const std::string_view reason = traitsOf(error.code).reason;
  const api::Condition* before = findCondition(status.conditions, "Ready");
  const bool isSame = before != nullptr && !before->status && before->reason == reason &&
                      (!needsPerson || before->message == error.message);
  ++status.failureCount;
  status.lastFailureTime = now;
  status.observedGeneration = generation;
  setStanding(status.conditions, standingOf(error), reason, error.message, generation, now);
  return !isSame;
}

bool setTokenExpiry(api::FleetStatus& status, const api::BalenaFleet& fleet,
                    std::optional<TimePoint> expiry, TimePoint now) {
  const bool was = findCondition(status.conditions, kTokenExpiresSoon) != nullptr;
  const bool is = expiry && *expiry - now < kTokenNotice;
  std::string message;
  if (is) {
    message = "balena's token ends at " +
              formatRfc3339(std::chrono::floor<std::chrono::seconds>(*expiry)) +
              ": put a new one into Secret " + fleet.meta.key.space + "/" + fleet.spec.token.name;
  }
  setAbnormal(status.conditions, is,
              {std::string(kTokenExpiresSoon), true, std::string(kTokenExpiresSoon), message,
               fleet.meta.generation, now});
  return is && !was;
}

api::RenewalStatus countRenewal(const Context& context, const api::BalenaFleet& fleet) {
  api::RenewalStatus renewal;
  const auto renewAfter = api::effectiveKeys(fleet.spec, {}).renewAfter;
  if (!renewAfter || *renewAfter > context.clock.now()) return renewal;
  for (const auto& device : context.store.devicesOfFleet(fleet.meta.key)) {
    const auto& key = device->status.key;
    if (!key || !key->issuedAt || device->spec.keys.renewAfter) continue;
    ++renewal.requested;
    if (*key->issuedAt >= *renewAfter) ++renewal.done;
  }
  return renewal;
}

void countDevices(const Context& context, const api::ObjectKey& fleet, api::FleetStatus& status) {
  // Also those that no object names, which only a sweep sees.
  const int stale = status.devices.stale;
  status.devices = context.tally.countsOf(fleet);
  status.devices.stale = stale;
  status.failing.clear();
  if (status.devices.failed + status.devices.conflict == 0) return;
  for (const auto& device : context.store.devicesOfFleet(fleet)) {
    const bool failing = device->status.phase == api::Phase::kFailed ||
                         device->status.phase == api::Phase::kConflict;
    const api::Condition* ready = findCondition(device->status.conditions, "Ready");
    if (!failing || ready == nullptr) continue;
    // The same ones each time, in whatever order they come.
    status.failing.push_back({device->spec.uuid, ready->reason, ready->message});
    std::ranges::sort(status.failing, {}, &api::FailingDevice::uuid);
    if (status.failing.size() > kFailingShown) status.failing.pop_back();
  }
}

}  // namespace bco
