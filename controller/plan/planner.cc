#include "plan/planner.h"

#include <algorithm>

#include "plan/rotation.h"

namespace bco {
namespace {

// To look whether the clocks agree again.
constexpr Duration kClockInterval = std::chrono::minutes(5);

}  // namespace

Planner::Planner(const DesiredDevice& desiredDevice, const ObservedDevice& observedDevice,
                 TimePoint at)
    : desired(desiredDevice),
      observed(observedDevice),
      target(*observedDevice.device->target),
      mark(observedDevice.mark.mark),
      now(at),
      stamp(std::chrono::floor<std::chrono::seconds>(at)),
      times(KeyTimes::of(desiredDevice.keys.lifetime)) {}

const MarkedKey* Planner::stored() const {
  return target.keyFingerprint ? mark.find(*target.keyFingerprint) : nullptr;
}

const clearblade::Credential* Planner::credentialOf(const std::string& fingerprint) const {
  for (std::size_t i = 0; i < observed.credentialFingerprints.size(); ++i) {
    if (!fingerprint.empty() && observed.credentialFingerprints[i].starts_with(fingerprint)) {
      return &observed.registration->credentials[i];
    }
  }
  return nullptr;
}

bool Planner::isExpired(const std::optional<TimePoint>& expiresAt) const {
  return bco::isExpired(expiresAt, now, observed.clockSkew, times.expiryMargin);
}

bool Planner::isYoung(const MarkedKey& key) const {
  return key.issuedAt > now - times.generationInterval;
}

bool Planner::isAboutToRotate() const {
  const MarkedKey& newest = *mark.newest();
  const clearblade::Credential* credential = credentialOf(newest.shortFingerprint);
  const ListedKey key{newest.generation, newest.issuedAt,
                      credential == nullptr ? std::nullopt : credential->expiresAt};
  const auto& renewAfter = desired.keys.renewAfter;
  const bool isToBeRenewed = renewAfter && newest.issuedAt < *renewAfter && *renewAfter <= now;
  return !isYoung(newest) && (isToBeRenewed || usualRotation(key, desired.keys, desired.uuid) <=
                                                   now + times.generationInterval);
}

NewKey Planner::nextKey() const {
  return {mark.newest()->generation + 1, stamp, stamp + desired.keys.lifetime};
}

TimePoint Planner::verifyAt() const {
  const TimePoint usual = now + spread(desired.keys.verifyInterval, desired.uuid);
  return desired.returning ? std::min(usual, now + times.lateWriteHorizon) : usual;
}

Mark Planner::ownMark() const {
  Mark own;
  own.owner = desired.ownerId;
  own.fleetId = desired.fleetId;
  return own;
}

Plan Planner::inSync() const {
  Plan plan{Verdict::kInSync, Reason::kSynced, "", {}, verifyAt()};
  const auto& revokeBefore = desired.keys.revokeBefore;
  if (revokeBefore && *revokeBefore > now) plan.next = std::min(*plan.next, *revokeBefore);
  return plan;
}

Plan Planner::act(Reason reason, std::string message) const {
  return {Verdict::kAct, reason, std::move(message), {}, verifyAt()};
}

Plan Planner::slotsFull() const {
  return {Verdict::kWait,
          Reason::kCredentialSlotsFull,
          "the registration holds three credentials, of which none may go yet: the stored one, "
          "and what was issued less than " +
              formatDuration(times.young) + " ago, as revocations do; then the oldest gives way",
          {},
          now + times.young};
}

Plan Planner::waitForClocks(const std::string& what) const {
  return {Verdict::kWait,
          Reason::kClockSkew,
          what + ", but this machine's clock and the cloud's are " +
              formatDuration(std::chrono::abs(observed.clockSkew)) +
              " apart: set the clock (NTP); until then no key is issued or judged expired",
          {},
          now + kClockInterval};
}

void Planner::patchMark(Plan& plan, const Mark& newMark) const {
  plan.steps.push_back(PatchRegistration{observed.registration->numId,
                                         withMark(observed.registration->metadata, newMark),
                                         newMark, std::nullopt, std::nullopt});
}

void Planner::patchCredentials(Plan& plan, Mark newMark, KeptCredentials kept,
                               std::optional<NewKey> key) const {
  newMark.keys = std::move(kept.keys);
  plan.steps.push_back(PatchRegistration{observed.registration->numId,
                                         observed.registration->metadata, std::move(newMark),
                                         std::move(kept.credentials), key});
}

bool Planner::addKey(Plan& plan, const Mark& newMark, const NewKey& key) const {
  auto kept = makeRoom(observed, target.keyFingerprint.value_or(""), now, times);
  if (!kept) return false;
  Mark next = newMark;
  // Until the variable is written too, the device holds a key that this leaves unregistered.
  const clearblade::Credential* held = credentialOf(target.keyFingerprint.value_or(""));
  next.needsVerification =
      target.hasKey && (held == nullptr || std::ranges::find(kept->credentials, held->publicKey,
                                                             &clearblade::Credential::publicKey) ==
                                               kept->credentials.end());
  const bool isSuccessor = mark.newest() != nullptr && key.generation > mark.newest()->generation;
  if (isSuccessor) {
    // What the cloud function or a person registered for ever ends with the first rotation.
    for (clearblade::Credential& each : kept->credentials) {
      if (!each.expiresAt) each.expiresAt = stamp + desired.keys.overlap;
    }
  }
  patchCredentials(plan, std::move(next), std::move(*kept), key);
  return true;
}

void Planner::writeVariables(Plan& plan, std::optional<std::uint32_t> generation,
                             bool readBack) const {
  const std::string id = api::registrationId(desired.uuid);
  WriteVariables write{target.parent, {}, readBack};
  const auto want = [&](std::string_view name, std::string value) {
    const auto found = target.publicVariables.find(name);
    const bool exists = found != target.publicVariables.end();
    if (exists && found->second == value) return;
    write.changes.push_back({std::string(name), std::move(value), exists});
  };
  want(balena::kClientPath, desired.registryPath + "/devices/" + id);
  want(balena::kDataTopicRoot, "/devices/" + id);
  want(balena::kProjectId, desired.project);
  if (generation) {
    write.changes.push_back({std::string(balena::kPrivateKey), *generation, target.hasKey});
  }
  if (!write.changes.empty()) plan.steps.push_back(std::move(write));
}

}  // namespace bco
