// A device without a registration gets one: a new incarnation and its key 0.
#include <algorithm>

#include "plan/planner.h"

namespace bco {

Plan planProvisioning(const Planner& p) {
  Plan plan = p.act(Reason::kNotRegistered, "registering the device");
  Mark mark = p.ownMark();
  mark.needsVerification = p.target.hasKey || p.desired.returning;
  plan.steps.push_back(CreateRegistration{api::registrationId(p.desired.uuid), mark,
                                          NewKey{0, p.stamp, p.stamp + p.desired.keys.lifetime}});
  p.writeVariables(plan, 0);
  // A late write of an earlier life of the device may still land on what is there.
  if (p.target.hasKey) plan.next = std::min(p.verifyAt(), p.now + p.times.lateWriteHorizon);
  return plan;
}

}  // namespace bco
