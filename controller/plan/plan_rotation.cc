// The next generation takes over in time: the newest key is replaced while it still works, and the
// one before goes on until its own expiry.
#include <algorithm>

#include "plan/planner.h"
#include "plan/rotation.h"

namespace bco {
namespace {

bool endsSooner(const std::optional<TimePoint>& one, const std::optional<TimePoint>& other) {
  return one && (!other || *one < *other);
}

// The device gets key `generation` in time: nothing says that it must be at once.
Plan comeBackAt(const Planner& p, TimePoint at) {
  Plan plan = p.inSync();
  plan.next = std::min(*plan.next, std::max(at, p.now));
  return plan;
}

}  // namespace

Plan planRotation(const Planner& p, const clearblade::Credential& credential) {
  const MarkedKey& newest = *p.mark.newest();
  // Whether it is due, and how long the successor would live, is for two clocks that agree to say.
  if (isSkewed(p.observed.clockSkew)) return p.inSync();
  if (auto offline = planForOffline(p, newest, credential)) return std::move(*offline);
  const RotationTime rotation =
      rotationOf({newest.generation, newest.issuedAt, credential.expiresAt}, p.desired, p.now);
  if (rotation.at > p.now) return comeBackAt(p, rotation.at);
  const NewKey key = p.nextKey();
  Plan plan = p.act(Reason::kRotated, "key " + std::to_string(key.generation) + " replaces key " +
                                          std::to_string(newest.generation));
  if (!p.addKey(plan, key)) return p.slotsFull();
  p.writeVariables(plan, key.generation, /*readBack=*/true);
  plan.isFleetRenewal = rotation.isFleetRenewal;
  return plan;
}

Plan planSuccession(const Planner& p, const MarkedKey& stored) {
  constexpr auto kWhy = "the stored key is an older generation";
  const clearblade::Credential* credential = p.credentialOf(stored.shortFingerprint);
  const bool works = credential != nullptr && !p.isExpired(credential->expiresAt);
  if (!works) return planDelivery(p, Reason::kKeyOutdated, kWhy);
  if (!isSkewed(p.observed.clockSkew)) {
    if (auto offline = planForOffline(p, stored, *credential)) return std::move(*offline);
  }
  const TimePoint at = mayRestartAt(credential->expiresAt, p.desired, p.now);
  if (at > p.now) return comeBackAt(p, at);
  const clearblade::Credential* newest = p.credentialOf(p.mark.newest()->shortFingerprint);
  if (newest != nullptr && mayHaveExpired(newest->expiresAt, p.now, p.observed.clockSkew)) {
    return p.waitForClocks("the key that is to be stored may have expired");
  }
  // Nothing rotates while the clocks differ: what ends sooner could not be replaced in time.
  if (newest != nullptr && isSkewed(p.observed.clockSkew) &&
      endsSooner(newest->expiresAt, credential->expiresAt)) {
    return p.waitForClocks("the stored key works for longer than the newest");
  }
  return planDelivery(p, Reason::kKeyOutdated, kWhy);
}

}  // namespace bco
