#include <algorithm>

#include "plan/planner.h"
#include "plan/rotation.h"

namespace bco {
namespace {

// The key that a plan registers; nullptr when it registers none.
const NewKey* issuedKey(const Plan& plan) {
  for (const Step& step : plan.steps) {
    if (const auto* create = std::get_if<CreateRegistration>(&step)) return &create->key;
    const auto* patch = std::get_if<PatchRegistration>(&step);
    if (patch != nullptr && patch->add) return &*patch->add;
  }
  return nullptr;
}

// Some credential is given an expiry, be it of a new key or another one than it had.
bool setsExpiry(const Plan& plan) {
  const auto names = [](const Step& step) {
    const auto* patch = std::get_if<PatchRegistration>(&step);
    return patch != nullptr && patch->keep.has_value();
  };
  return issuedKey(plan) != nullptr || std::ranges::any_of(plan.steps, names);
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
  if (isSkewed(observed.clockSkew) && setsExpiry(plan)) return planner.waitForClocks(plan.message);
  if (const NewKey* key = issuedKey(plan); key != nullptr && plan.next) {
    const ListedKey issued{key->generation, key->issuedAt, key->expiresAt};
    plan.next = std::min(*plan.next, std::max(usualRotation(issued, desired.keys, desired.uuid),
                                              key->issuedAt + planner.times.generationInterval));
  }
  return plan;
}

}  // namespace bco
