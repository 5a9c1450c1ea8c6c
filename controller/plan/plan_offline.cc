// A device that is away gets no new key: what it holds is made to last instead.
#include <algorithm>

#include "plan/planner.h"

namespace bco {
namespace {

// A key that the device may hold, with its credential.
struct HeldKey {
  const MarkedKey* key;
  const clearblade::Credential* credential;
};

// The stored one; and, unless the device was in contact long enough after it was issued to have
// fetched it, those before. Its delivery came with its issue, or soon after.
std::vector<HeldKey> heldKeys(const Planner& p, const MarkedKey& stored) {
  const auto& lastContact = p.observed.device->lastConnectivityEvent;
  const bool hasFetched =
      lastContact && *lastContact >= stored.issuedAt + p.times.generationInterval;
  std::vector<HeldKey> held;
  for (const MarkedKey& key : p.mark.keys) {
    if (key.generation > stored.generation) continue;
    if (hasFetched && key.generation != stored.generation) continue;
    const clearblade::Credential* credential = p.credentialOf(key.shortFingerprint);
    if (credential != nullptr && credential->expiresAt && !p.isExpired(credential->expiresAt)) {
      held.push_back({&key, credential});
    }
  }
  return held;
}

// It is extended once, to this.
TimePoint lastEnd(const Planner& p, const HeldKey& held) {
  const TimePoint end = held.key->issuedAt + p.desired.keys.lifetime + p.desired.keys.offlineGrace;
  return std::max(end, *held.credential->expiresAt);
}

// Not earlier than necessary: most come back before.
TimePoint nearEnd(const Planner& p, const HeldKey& held) {
  return *held.credential->expiresAt - p.desired.keys.rotateBefore / 2;
}

}  // namespace

std::optional<Plan> planForOffline(const Planner& p, const MarkedKey& stored,
                                   const clearblade::Credential& credential) {
  if (p.observed.device->isOnline) return std::nullopt;
  const std::vector<HeldKey> held = heldKeys(p, stored);
  TimePoint next = p.verifyAt();
  bool isNear = false;
  for (const HeldKey& each : held) {
    if (lastEnd(p, each) <= *each.credential->expiresAt) continue;
    isNear |= nearEnd(p, each) <= p.now;
    next = std::min(next, std::max(nearEnd(p, each), p.now));
  }
  if (!isNear) {
    // Its time is up: if it fetches the next key in what is left, it stays connected.
    const HeldKey last{&stored, &credential};
    const bool isOver = credential.expiresAt && nearEnd(p, last) <= p.now;
    if (isOver) return std::nullopt;
    Plan plan = p.inSync();
    plan.next = std::min(*plan.next, next);
    return plan;
  }
  Plan plan = p.act(Reason::kExtendedOffline,
                    "the device is offline: the key it holds is extended, and rotated when it is "
                    "back");
  // A patch of the credentials must not undo a rotation that another writer has under way: it adds
  // the same key.
  const bool rotates = p.isAboutToRotate();
  auto kept = rotates ? makeRoom(p.observed, p.target.keyFingerprint.value_or(""), p.now, p.times)
                      : keepUnexpired(p.observed, p.now, p.times);
  if (!kept) return p.slotsFull();
  for (clearblade::Credential& each : kept->credentials) {
    for (const HeldKey& extended : held) {
      const bool isIt = each.publicKey == extended.credential->publicKey;
      if (isIt && nearEnd(p, extended) <= p.now) each.expiresAt = lastEnd(p, extended);
    }
  }
  p.patchCredentials(plan, p.mark, std::move(*kept),
                     rotates ? std::optional(p.nextKey()) : std::nullopt);
  return plan;
}

}  // namespace bco
