#include "endpoint/choice.h"

#include <algorithm>

#include "endpoint/conclusion.h"
#include "reconcile/discovered.h"
#include "reconcile/requests.h"

namespace bco::endpoint {
namespace {

// What of the fleet alone stands in the way.
std::optional<Answer> refusedBy(const api::BalenaFleet* fleet, const Ask& ask) {
  if (fleet == nullptr || fleet->meta.deletedAt) return Answer{Outcome::kUnknownDevice};
  if (!ask.service.empty() && ask.service != fleet->spec.service) {
    return Answer{Outcome::kWrongService};
  }
  if (fleet->spec.mode == api::Mode::kObserve) {
    return Answer{Outcome::kRefused, "the fleet is only observed"};
  }
  return std::nullopt;
}

bool isFresh(const api::BalenaDevice& device, TimePoint now) {
  const auto& key = device.status.key;
  return device.status.phase == api::Phase::kReady && device.status.failureCount == 0 &&
         isHandled(device) && key && key->verifiedAt && now - *key->verifiedAt < kFresh;
}

bool isDeclaredAbsent(const api::BalenaDevice& device) {
  return device.spec.state == api::DesiredState::kAbsent &&
         !device.meta.annotations.contains(api::kAbsentByAnnotation);
}

bool desiresAll(const api::FleetSpec& fleet) {
  return fleet.devices == api::DeviceSource::kAll && fleet.selector == api::Selector{};
}

}  // namespace

bool takesInAnybody(const api::FleetSpec& fleet) { return desiresAll(fleet) || fleet.enrol; }

DeviceObjects likeliest(DeviceObjects all) {
  std::vector<DeviceObjects> groups = byNamespace(std::move(all));
  const auto isNoneOfTheirs = [](const DeviceObjects& objects) {
    const auto answer = conclude(Verb::kProvision, governing(objects));
    return answer && answer->outcome == Outcome::kUnknownDevice;
  };
  if (groups.empty()) return {};
  const auto found = std::ranges::find_if_not(groups, isNoneOfTheirs);
  return found == groups.end() ? groups.front() : *found;
}

std::variant<Answer, LookItUp, ChangeObject> choose(const Request& request,
                                                    const DeviceObjects& objects,
                                                    const api::BalenaFleet* fleet, TimePoint now) {
  if (objects.empty()) return LookItUp{};
  if (auto refused = refusedBy(fleet, request.ask)) return *std::move(refused);
  const api::BalenaDevice& governs = governing(objects);
  if (governs.meta.deletedAt) {
    return Answer{Outcome::kUnavailable, "the device's object is being deleted",
                  std::chrono::seconds(5)};
  }
  const auto shared =
      *std::ranges::find_if(objects, [&](const auto& each) { return each.get() == &governs; });
  if (request.verb == Verb::kRemove) return ChangeObject{shared};
  if (isDeclaredAbsent(governs) && !request.trusted) {
    return Answer{Outcome::kRefused, "the device is declared Absent"};
  }
  const bool isPresent = governs.spec.state == api::DesiredState::kPresent;
  if (isPresent && isFresh(governs, now)) return Answer{Outcome::kAlreadyProvisioned};
  return ChangeObject{shared};
}

std::variant<Answer, MakeObject> chooseForNew(const Request& request,
                                              const api::BalenaFleet* fleet) {
  const bool isDesired = fleet != nullptr && takesInAnybody(fleet->spec);
  if (request.verb == Verb::kProvision && !isDesired && !request.declares) {
    return Answer{Outcome::kUnknownDevice};
  }
  if (auto refused = refusedBy(fleet, request.ask)) return *std::move(refused);
  api::BalenaDevice device = deviceOf(*fleet, request.ask.uuid);
  if (desiresAll(fleet->spec)) {
    device.meta.labels[api::kDiscoveredLabel] = "true";
  } else if (!request.declares) {
    device.meta.labels[api::kEnrolledLabel] = "true";
  }
  device.spec.state = stateOf(request.verb);
  if (request.verb == Verb::kRemove && !request.declares) {
    device.meta.annotations[api::kAbsentByAnnotation] = store::kByEndpoint;
  }
  return MakeObject{std::move(device)};
}

}  // namespace bco::endpoint
