#include "plan/plan.h"

#include "core/text.h"
#include "plan/key_schedule.h"
#include "plan/planner.h"

namespace bco {
namespace {

Plan refuse(Reason reason, std::string message) {
  return {Verdict::kRefuse, reason, std::move(message), {}, std::nullopt};
}

Plan wait(Reason reason, std::string message, std::optional<TimePoint> next = std::nullopt) {
  return {Verdict::kWait, reason, std::move(message), {}, next};
}

// What stands in the way whatever the keys say.
std::optional<Plan> obstacle(const DesiredDevice& desired, const ObservedDevice& observed) {
  if (desired.duplicate) {
    return refuse(Reason::kDuplicateObject,
                  "several BalenaDevice objects declare this device: keep one of them");
  }
  if (desired.suspended) return wait(Reason::kSuspended, "suspended; nothing is read or written");
  if (observed.device && observed.device->fleetId != desired.fleetId) {
    if (desired.managedFleets.contains(observed.device->fleetId)) {
      return refuse(Reason::kMovedToAnotherFleet,
                    "the device is in another fleet that is managed here, which takes over");
    }
    return refuse(
        Reason::kWrongFleet,
        desired.present
            ? "balena has this device in another fleet: correct fleetRef, or move the device"
            : "balena has this device in another fleet, which is not managed here: nothing is "
              "removed until the device is back. To let a deleted object go and keep the "
              "registration, annotate it with " +
                  std::string(api::kReleaseAnnotation) + "=true");
  }
  return std::nullopt;
}

// Registrations that are not ours to touch.
std::optional<Plan> foreign(const DesiredDevice& desired, const ObservedDevice& observed) {
  if (!observed.registration) return std::nullopt;
  if (observed.mark.state == MarkState::kBroken) {
    return refuse(Reason::kMarkUnreadable,
                  "the registration's bco-* metadata is incomplete or was edited: restore it, or "
                  "remove all bco-* keys to have the registration adopted");
  }
  if (observed.mark.state == MarkState::kValid && observed.mark.mark.owner != desired.ownerId) {
    return refuse(Reason::kNotOurs, "the registration belongs to owner \"" +
                                        printable(observed.mark.mark.owner) + "\", not to \"" +
                                        desired.ownerId + "\"; it is left alone");
  }
  return std::nullopt;
}

}  // namespace

std::string_view nameOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kInSync:
      return "InSync";
    case Verdict::kAct:
      return "Act";
    case Verdict::kWait:
      return "Wait";
    case Verdict::kRefuse:
      return "Refuse";
  }
  return "";
}

Plan plan(const DesiredDevice& desired, const ObservedDevice& observed, TimePoint now) {
  if (auto found = obstacle(desired, observed)) return std::move(*found);
  if (auto found = foreign(desired, observed)) return std::move(*found);
  if (!desired.present) return planRemoval(desired, observed, now);
  if (!observed.device) {
    return wait(Reason::kDeviceNotFound, "balena has no such device, or the token can't see it");
  }
  if (!observed.device->target) {
    return wait(Reason::kServiceNotInstalled,
                "service " + desired.service.value_or("") +
                    " is not installed on the device yet: it has not been assigned a release "
                    "with that service");
  }
  return planPresent(desired, observed, now);
}

}  // namespace bco
