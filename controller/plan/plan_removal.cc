#include "plan/planner.h"

namespace bco {
namespace {

void deleteVariables(Plan& plan, const DesiredDevice& desired,
                     const ObservedDevice::InBalena& device, const ObservedLevel& level) {
  const std::string path = desired.registryPath + "/devices/" + api::registrationId(desired.uuid);
  const auto clientPath = level.publicVariables.find(balena::kClientPath);
  // Variables that point elsewhere belong to somebody else's registration.
  if (clientPath == level.publicVariables.end() || clientPath->second != path) return;
  plan.stages.push_back({DeleteVariables{level.parent, {device.id, desired.fleetId, path}}});
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

}  // namespace bco
