// Registrations that somebody else has made, or another fleet of ours, come into this fleet's care.
#include "plan/planner.h"

namespace bco {
namespace {

Mark adoptedMark(const Planner& p) {
  Mark mark = p.ownMark();
  mark.incarnation = adoptedIncarnation(p.desired.uuid, p.observed.registration->numId);
  return mark;
}

}  // namespace

Plan planAdoption(const Planner& p) {
  if (p.desired.adoption == api::Adoption::kNever) {
    return {Verdict::kRefuse, Reason::kAdoptionDisabled,
            "a registration without our mark exists, and adoption is Never"};
  }
  const auto& fingerprint = p.target.keyFingerprint;
  const clearblade::Credential* stored = fingerprint ? p.credentialOf(*fingerprint) : nullptr;
  if (stored != nullptr && !p.isExpired(stored->expiresAt)) {
    Plan plan = p.act(Reason::kAdopted, "adopting the registration; its key stays");
    Mark mark = adoptedMark(p);
    mark.keys.push_back({fingerprint->substr(0, kShortFingerprint), 0,
                         adoptedIssueTime(p.now, p.desired.keys, p.desired.uuid)});
    p.patchMark(plan, mark);
    p.writeVariables(plan, std::nullopt);
    if (p.desired.keys.revokeBefore) plan.next = p.now;  // which may be due for its key at once
    return plan;
  }
  if (p.desired.adoption != api::Adoption::kAlways) {
    return {Verdict::kRefuse, Reason::kKeyMismatch,
            std::string("a registration without our mark exists, and ") +
                (!p.target.hasKey    ? "no key is stored on the device"
                 : stored == nullptr ? "the key stored on the device is not one of its credentials"
                                     : "the key stored on the device has expired") +
                "; adoption: Always takes it over with a new key"};
  }
  Plan plan = p.act(Reason::kAdopted, "taking the registration over with a new key");
  if (!p.addKey(plan, adoptedMark(p), NewKey{0, p.stamp, p.stamp + p.desired.keys.lifetime})) {
    return p.slotsFull();
  }
  p.writeVariables(plan, 0);
  return plan;
}

// Metadata alone, as in adoption. Its variables follow in the next pass, by what is then observed.
Plan planTakeOver(const Planner& p) {
  Plan plan = p.act(Reason::kTakenOver, "taking the registration over from another fleet of ours");
  Mark mark = p.mark;
  mark.fleetId = p.desired.fleetId;
  p.patchMark(plan, mark);
  plan.next = p.now;
  return plan;
}

}  // namespace bco
