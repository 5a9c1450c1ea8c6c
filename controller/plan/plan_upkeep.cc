// A registration of ours: what is stored is compared with what is registered, and put right.
#include <algorithm>

#include "plan/planner.h"

namespace bco {
namespace {

// The stored key is right. What an earlier writer has sent may still land for a while; when that
// is over, nobody need look at the key for the mark's sake again.
void concludeVerification(const Planner& p, Plan& plan) {
  const TimePoint issuedAt = p.mark.newest()->issuedAt;
  for (const Duration check : {p.times.firstCheck, p.times.lateWriteHorizon}) {
    if (p.now >= issuedAt + check) continue;
    plan.next = std::min(*plan.next, issuedAt + check);
    return;
  }
  plan.verdict = Verdict::kAct;
  plan.reason = Reason::kVerified;
  plan.message = "the stored key is the registered one";
  Mark mark = p.mark;
  mark.needsVerification = false;
  p.patchMark(plan, mark);
}

void repairVariables(const Planner& p, Plan& plan) {
  p.writeVariables(plan, std::nullopt);
  if (plan.verdict != Verdict::kInSync || plan.steps.empty()) return;
  plan.verdict = Verdict::kAct;
  plan.reason = Reason::kVariablesDrifted;
  plan.message = "variables differ from what they must be";
}

}  // namespace

Plan planUpkeep(const Planner& p) {
  if (auto revocation = planRevocation(p)) return std::move(*revocation);
  if (!p.target.hasKey) return planDelivery(p, Reason::kKeyMissing, "the device has no key");
  const MarkedKey* stored = p.stored();
  if (stored == nullptr) {
    return planDelivery(p, Reason::kKeyUnknown,
                        "the stored key is none of ours: replacing it, never registering it");
  }
  const clearblade::Credential* credential = p.credentialOf(stored->shortFingerprint);
  if (stored->generation != p.mark.newest()->generation) {
    Plan plan = planSuccession(p, *stored);
    if (plan.verdict == Verdict::kInSync) repairVariables(p, plan);
    return plan;
  }
  if (credential == nullptr) {
    return planDelivery(p, Reason::kCredentialMissing, "the stored key is not registered any more");
  }
  if (p.isExpired(credential->expiresAt)) {
    return planNextGeneration(p, Reason::kKeyExpired, "the stored key has expired");
  }
  if (mayHaveExpired(credential->expiresAt, p.now, p.observed.clockSkew)) {
    return p.waitForClocks("the stored key may have expired");
  }
  Plan plan = planRotation(p, *credential);
  if (plan.verdict != Verdict::kInSync) return plan;
  if (p.mark.needsVerification) concludeVerification(p, plan);
  repairVariables(p, plan);
  return plan;
}

Plan planDelivery(const Planner& p, Reason reason, std::string message) {
  const MarkedKey* newest = p.mark.newest();
  if (!p.observed.newestIsDerivable) return planNextGeneration(p, reason, std::move(message));
  const clearblade::Credential* credential = p.credentialOf(newest->shortFingerprint);
  const std::optional<TimePoint> expiry =
      credential == nullptr ? newest->issuedAt + p.desired.keys.lifetime : credential->expiresAt;
  if (p.isExpired(expiry)) {
    return planNextGeneration(p, Reason::kKeyExpired, "the newest key has expired");
  }
  // What is due anyway comes with the patch of the credentials; and it spares the device, back
  // after a long time, a key that would have to be replaced at once, or would end before anybody
  // looks.
  if (p.isAboutToRotate() && (credential == nullptr || !isSkewed(p.observed.clockSkew))) {
    Plan next = planNextGeneration(p, reason, message);
    if (next.verdict == Verdict::kAct || credential == nullptr) return next;
  }
  Plan plan = p.act(reason, std::move(message));
  if (credential == nullptr) {
    if (!p.addKey(plan, NewKey{newest->generation, newest->issuedAt, *expiry})) {
      return p.slotsFull();
    }
  }
  p.writeVariables(plan, newest->generation);
  return plan;
}

Plan planNextGeneration(const Planner& p, Reason reason, std::string message) {
  const MarkedKey* newest = p.mark.newest();
  if (p.isYoung(*newest)) {
    return {Verdict::kWait,
            Reason::kKeyTooYoung,
            message +
                "; the newest key, issued less than an hour ago, can't be delivered: a new "
                "generation follows when the hour is over",
            {},
            newest->issuedAt + p.times.generationInterval};
  }
  Plan plan = p.act(reason, std::move(message));
  const NewKey key = p.nextKey();
  if (!p.addKey(plan, key)) return p.slotsFull();
  p.writeVariables(plan, key.generation);
  return plan;
}

}  // namespace bco
