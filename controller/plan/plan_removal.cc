#include "plan/planner.h"

namespace bco {
namespace {

void deleteVariables(Plan& plan, const DesiredDevice& desired,
                     const ObservedDevice::InBalena& device, const ObservedLevel& level) {
  const std::string path = desired.registryPath + "/devices/" + api::registrationId(desired.uuid);
  const auto clientPath = level.publicVariables.find(balena::kClientPath);
  // Variables that point elsewhere belong to somebody else's registration.
  if (clientPath == level.publicVariables.end() || clientPath->second != path) return;
  plan.stages.push_back({DeleteVariables{level.parent, {device.id, device.fleetId, path}}});
}

}  // namespace

Plan planRemoval(const DesiredDevice& desired, const ObservedDevice& observed) {
  Plan plan{Verdict::kAct, Reason::kDeprovisioning, "removing registration and variables", {}, {}};
  if (observed.registration) {
    if (observed.mark.state != MarkState::kValid) {
      return {Verdict::kRefuse,
              Reason::kNotOurs,
              "the registration carries no mark of ours; it is left alone",
              {},
              {}};
    }
    // Whose device it is, says balena: its fleet has the say though it has not taken over yet.
    if (!observed.device && observed.mark.mark.fleetId != desired.fleetId) {
      return {Verdict::kRefuse,
              Reason::kMovedToAnotherFleet,
              "the registration has been taken over by another fleet; it is left alone",
              {},
              {}};
    }
    plan.stages.push_back({DeleteRegistration{observed.registration->numId}});
  }
  if (observed.device) {
    if (observed.device->target)
      deleteVariables(plan, desired, *observed.device, *observed.device->target);
    for (const ObservedLevel& level : observed.device->others) {
      deleteVariables(plan, desired, *observed.device, level);
    }
  }
  if (plan.stages.empty()) {
    return {Verdict::kInSync, Reason::kDeprovisioned, "no registration, no variables", {}, {}};
  }
  return plan;
}

Plan planStaleRemoval(const DesiredDevice& desired, const ObservedDevice& observed,
                      const crypto::Incarnation& cleared, bool allFleetsKnown) {
  const auto keep = [](Verdict verdict, Reason reason, std::string message) {
    return Plan{verdict, reason, std::move(message), {}, {}};
  };
  if (observed.device && observed.device->fleetId == desired.fleetId) {
    return keep(Verdict::kRefuse, Reason::kSynced, "the device is in its fleet");
  }
  if (observed.device &&
      (!allFleetsKnown || desired.managedFleets.contains(observed.device->fleetId))) {
    return keep(Verdict::kRefuse, Reason::kMovedToAnotherFleet,
                "the device is, or may be, in another fleet that is managed here");
  }
  if (!observed.registration) {
    return keep(Verdict::kInSync, Reason::kStaleRemoved, "the registration has gone already");
  }
  if (observed.mark.state != MarkState::kValid || observed.mark.mark.owner != desired.ownerId) {
    return keep(Verdict::kRefuse, Reason::kNotOurs, "the registration is not ours");
  }
  if (observed.mark.mark.fleetId != desired.fleetId) {
    return keep(Verdict::kRefuse, Reason::kMovedToAnotherFleet,
                "the registration has been taken over by another fleet");
  }
  if (observed.mark.mark.incarnation != cleared) {
    return keep(Verdict::kRefuse, Reason::kTakenOver, "the registration was made anew meanwhile");
  }
  Plan plan = planRemoval(desired, observed);
  if (plan.verdict == Verdict::kAct) {
    plan.reason = Reason::kStaleRemoved;
    plan.message = "the device has left balena's fleet: its registration was removed";
  }
  return plan;
}

}  // namespace bco
