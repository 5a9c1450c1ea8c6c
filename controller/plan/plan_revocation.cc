// Keys issued before keys.revokeBefore are cut, at once and for everybody, before the device has
// the next one: whoever holds a leaked key must not keep it for as long as the device is away.
#include <algorithm>

#include "plan/planner.h"

namespace bco {
namespace {

// Nothing older is listed, and nothing registered that is not listed.
bool isClean(const Planner& p, TimePoint revokeBefore) {
  return p.mark.newest()->issuedAt >= revokeBefore &&
         std::ranges::all_of(p.observed.credentialFingerprints, [&](const std::string& each) {
           const MarkedKey* key = p.mark.find(each);
           return key != nullptr && key->issuedAt >= revokeBefore;
         });
}

}  // namespace

std::optional<Plan> planRevocation(const Planner& p) {
  const auto& revokeBefore = p.desired.keys.revokeBefore;
  if (!revokeBefore || *revokeBefore > p.now || isClean(p, *revokeBefore)) return std::nullopt;
  Plan plan =
      p.act(Reason::kRevoked, "cutting what was registered before " + formatRfc3339(*revokeBefore));
  // What a late request may undo is looked at again.
  plan.next = std::min(*plan.next, p.now + p.times.firstCheck);
  Mark mark = p.mark;
  mark.needsVerification = true;

  const MarkedKey newest = *p.mark.newest();
  const clearblade::Credential* credential = p.credentialOf(newest.shortFingerprint);
  const bool isStored = p.stored() != nullptr && p.stored()->generation == newest.generation;
  const TimePoint expiresAt = credential != nullptr && credential->expiresAt
                                  ? *credential->expiresAt
                                  : newest.issuedAt + p.desired.keys.lifetime;
  const bool isOfUse = newest.issuedAt >= *revokeBefore && !p.isExpired(expiresAt) &&
                       (p.observed.newestIsDerivable || (credential != nullptr && isStored));
  if (!isOfUse) {
    const NewKey key = p.nextKey();
    p.patchCredentials(plan, std::move(mark), {}, key);
    p.writeVariables(plan, key.generation);
  } else {
    // Cut before, and something came back since.
    if (credential != nullptr) {
      p.patchCredentials(plan, std::move(mark), {{*credential}, {newest}}, std::nullopt);
    } else {
      p.patchCredentials(plan, std::move(mark), {},
                         NewKey{newest.generation, newest.issuedAt, expiresAt});
    }
    p.writeVariables(plan, isStored ? std::nullopt : std::optional(newest.generation));
  }
  std::get<PatchRegistration>(plan.steps.front()).revokes = true;
  return plan;
}

}  // namespace bco
