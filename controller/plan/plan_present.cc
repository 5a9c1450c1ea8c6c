#include "plan/planner.h"

namespace bco {
namespace {

// A step gives a key that is new, or one that is not, its expiry.
bool setsExpiry(const Plan& plan) {
  for (const auto& stage : plan.stages) {
    for (const Step& step : stage) {
      const auto* patch = std::get_if<PatchRegistration>(&step);
      if (std::holds_alternative<CreateRegistration>(step)) return true;
      if (patch != nullptr && patch->keep) return true;
    }
  }
  return false;
}

Plan planByTable(const Planner& planner) {
  if (!planner.observed.registration) return planProvisioning(planner);
  if (planner.observed.mark.state == MarkState::kAbsent) return planAdoption(planner);
  if (planner.mark.fleetId != planner.desired.fleetId) return planTakeOver(planner);
  return planUpkeep(planner);
}

}  // namespace

Plan planPresent(const DesiredDevice& desired, const ObservedDevice& observed, TimePoint now) {
  const Planner planner(desired, observed, now);
  Plan plan = planByTable(planner);
  return isSkewed(observed.clockSkew) && setsExpiry(plan) ? planner.waitForClocks(plan.message)
                                                          : plan;
}

}  // namespace bco
