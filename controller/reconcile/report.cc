#include "reconcile/report.h"

#include <algorithm>

#include "plan/rotation.h"
#include "reconcile/requests.h"
#include "reconcile/standing.h"

namespace bco {
namespace {

using api::Phase;

Phase endOf(const Pass& pass, const DesiredDevice& desired, Phase before) {
  if (pass.error) {
    const bool nothingKnownToBeWrong = !pass.observed && before == Phase::kReady;
    const Cause cause = traitsOf(pass.error->code).cause;
    if (nothingKnownToBeWrong) return Phase::kReady;
    return cause == Cause::kOutdated || cause == Cause::kTurn ? Phase::kPending : Phase::kFailed;
  }
  switch (pass.plan.verdict) {
    case Verdict::kInSync:
      return desired.present ? Phase::kReady : Phase::kAbsent;
    case Verdict::kAct:
      if (pass.observeOnly || pass.plan.reason == Reason::kTakenOver) return Phase::kPending;
      return desired.present ? Phase::kReady : Phase::kAbsent;
    case Verdict::kWait:
      if (before == Phase::kStale && pass.plan.reason == Reason::kDeviceNotFound) return before;
      return pass.plan.reason == Reason::kSuspended ? Phase::kSuspended : Phase::kWaiting;
    case Verdict::kRefuse:
      return isConflict(pass.plan.reason) ? Phase::kConflict : Phase::kFailed;
  }
  return before;
}

// What is under way, or waited for, is a removal where the device is not to be there.
Phase phaseOf(const Pass& pass, const DesiredDevice& desired, Phase before) {
  const Phase phase = endOf(pass, desired, before);
  const bool isUnderWay = phase == Phase::kPending || phase == Phase::kWaiting;
  const bool isRemoval = !desired.present && !pass.observeOnly;
  return isUnderWay && isRemoval ? Phase::kDeprovisioning : phase;
}

// Whether a device that is left alone was as it is to be when it was last looked at, and is so by
// what is known: keys expire whoever looks.
bool wasReached(const api::DeviceStatus& before, bool present, TimePoint now) {
  if (present && before.key && before.key->expiresAt && *before.key->expiresAt <= now) return false;
  const api::Condition* ready = findCondition(before.conditions, "Ready");
  const api::Condition* provisioned = findCondition(before.conditions, "Provisioned");
  return ready != nullptr && ready->status && provisioned != nullptr &&
         provisioned->status == present;
}

void setConditions(api::DeviceStatus& status, Standing standing, std::string_view reason,
                   const std::string& message, TimePoint now) {
  setStanding(status.conditions, standing, reason, message, status.observedGeneration, now);
  setAbnormal(
      status.conditions, status.phase == Phase::kConflict,
      {"OwnershipConflict", true, std::string(reason), message, status.observedGeneration, now});
}

void setNotices(api::DeviceStatus& status, const std::vector<Notice>& notices, TimePoint now) {
  for (const NoticeType& each : kNoticeTypes) {
    const auto notice = std::ranges::find(notices, each.type, &Notice::type);
    const bool is = notice != notices.end();
    setAbnormal(status.conditions, is,
                {std::string(each.type), is, is ? std::string(notice->reason) : "",
                 is ? notice->message : "", status.observedGeneration, now});
  }
}

// There only while it is false: a fleet's conditions say that its clouds are in reach.
void setUpstream(api::DeviceStatus& status, const Pass& pass, TimePoint now) {
  if (pass.error && traitsOf(pass.error->code).cause == Cause::kOutage) {
    setCondition(status.conditions, {"UpstreamAvailable", false, std::string(reasonOf(*pass.error)),
                                     pass.error->message, status.observedGeneration, now});
  } else {
    std::erase_if(status.conditions, [](const auto& c) { return c.type == "UpstreamAvailable"; });
  }
}

// ClearBlade refuses to remove what is bound; until the next look nobody knows that it still is.
void setBound(api::DeviceStatus& status, const Pass& pass, TimePoint now) {
  const bool bound = pass.error && pass.error->reason == clearblade::kBoundToGateway;
  setAbnormal(
      status.conditions, bound,
      api::Condition{std::string(clearblade::kBoundToGateway), true, "BoundInRegistry",
                     "the registration is bound to a gateway and can't be removed: unbind it "
                     "in ClearBlade",
                     status.observedGeneration, now});
}

// Whether the device has its registration and variables: what was last known for sure.
void setProvisioned(api::DeviceStatus& status, const DesiredDevice& desired, const Pass& pass,
                    TimePoint now) {
  api::Condition condition{"Provisioned", true, "Provisioned", "", status.observedGeneration, now};
  if (!desired.present && pass.observed) {
    condition.status = false;
    condition.reason = pass.error ? api::kDeprovisioning : api::kDeprovisioned;
  } else if (status.phase != Phase::kReady || pass.error) {
    return;
  }
  setCondition(status.conditions, condition);
}

bool provesCredentialInvalid(Reason reason) {
  switch (reason) {
    case Reason::kNotRegistered:
    case Reason::kKeyMissing:
    case Reason::kKeyUnknown:
    case Reason::kKeyExpired:
    case Reason::kKeyMismatch:
    case Reason::kCredentialMissing:
      return true;
    default:
      return false;
  }
}

// Whether the stored key is a registered credential: what was last known for sure.
void setCredentialValid(api::DeviceStatus& status, const DesiredDevice& desired, const Pass& pass,
                        TimePoint now) {
  api::Condition condition{"CredentialValid",         true, api::kRegistered, "",
                           status.observedGeneration, now};
  if (!desired.present) {
    return setAbnormal(status.conditions, false, condition);
  }
  if (status.phase != Phase::kReady || pass.error) {
    if (!pass.observed || !provesCredentialInvalid(pass.plan.reason)) return;
    condition.status = false;
    condition.reason = nameOf(pass.plan.reason);
    condition.message = pass.plan.message;
  } else if (pass.delivered) {
    condition.reason = api::kDelivered;
  }
  setCondition(status.conditions, condition);
}

// The stored key of an observation that is in sync.
std::optional<api::KeyStatus> observedKey(const ObservedDevice& observed) {
  if (!observed.registration || !observed.device || !observed.device->target) return std::nullopt;
  const auto& fingerprint = observed.device->target->keyFingerprint;
  if (!fingerprint) return std::nullopt;
  api::KeyStatus key;
  key.fingerprint = "sha256:" + *fingerprint;
  if (const MarkedKey* marked = observed.mark.mark.find(*fingerprint)) {
    key.generation = marked->generation;
    key.issuedAt = marked->issuedAt;
  }
  for (std::size_t i = 0; i < observed.credentialFingerprints.size(); ++i) {
    if (observed.credentialFingerprints[i] == *fingerprint) {
      key.expiresAt = observed.registration->credentials[i].expiresAt;
    }
  }
  return key;
}

api::DeviceStatus begin(const api::BalenaDevice& object) {
  api::DeviceStatus status = object.status;
  status.observedGeneration = object.meta.generation;
  status.lastHandledReconcileAt = reconcileRequest(object.meta);
  return status;
}

std::string registrationPath(const DesiredDevice& desired) {
  return desired.registryPath + "/devices/" + api::registrationId(desired.uuid);
}

std::string plannedSteps(const Plan& plan) {
  std::string text = "would";
  for (const Step& step : plan.steps) {
    text += (text == "would" ? " " : ", then ") + describe(step);
  }
  return text;
}

}  // namespace

Standing standingOf(api::Phase phase, const Pass& pass, bool wasReached) {
  switch (phase) {
    case Phase::kReady:
    case Phase::kAbsent:
      return Standing::kCurrent;
    case Phase::kSuspended:
      return wasReached ? Standing::kCurrent : Standing::kFailed;
    case Phase::kPending:
      return pass.observeOnly && !pass.error ? Standing::kFailed : Standing::kInProgress;
    case Phase::kWaiting:
    case Phase::kDeprovisioning:
      return Standing::kInProgress;
    case Phase::kFailed:
    case Phase::kConflict:
      return pass.error ? standingOf(*pass.error) : Standing::kFailed;
    case Phase::kStale:
      return Standing::kFailed;
  }
  return Standing::kInProgress;
}

bool isConflict(Reason reason) {
  switch (reason) {
    case Reason::kNotOurs:
    case Reason::kKeyMismatch:
    case Reason::kAdoptionDisabled:
    case Reason::kMarkUnreadable:
    case Reason::kDuplicateObject:
      return true;
    default:
      return false;
  }
}

std::string messageOf(const Pass& pass) {
  if (pass.error) return pass.error->message;
  const bool isWithheld = pass.observeOnly && pass.plan.verdict == Verdict::kAct;
  return isWithheld ? plannedSteps(pass.plan) : pass.plan.message;
}

api::DeviceStatus report(const api::BalenaDevice& object, const DesiredDevice& desired,
                         const Pass& pass, TimePoint now) {
  api::DeviceStatus status = begin(object);
  status.phase = phaseOf(pass, desired, object.status.phase);
  if (pass.error && pass.error->code == ErrorCode::kThrottled) {
    // Waiting for one's turn is no failure.
  } else if (pass.error) {
    ++status.failureCount;
    status.lastFailureTime = now;
  } else {
    status.failureCount = 0;
  }
  if (pass.observed) {
    if (pass.observed->device) {
      status.deviceName = pass.observed->device->name;
      // Whatever comes of the pass: its time begins anew when it leaves again.
      if (pass.observed->device->fleetId == desired.fleetId) status.absentSince.reset();
    }
    if (pass.notices) setNotices(status, *pass.notices, now);
    setBound(status, pass, now);
  }
  if (status.phase == Phase::kReady && !pass.error) {
    status.registration = registrationPath(desired);
    if (auto key = pass.delivered ? pass.delivered : observedKey(*pass.observed)) {
      key->verifiedAt = now;
      if (key->issuedAt) {
        key->rotateAt =
            rotationOf({key->generation, *key->issuedAt, key->expiresAt}, desired, now).shown(now);
      }
      status.key = std::move(key);
    }
    status.absentSince.reset();
  }
  if (status.phase == Phase::kAbsent) {
    status.registration.clear();
    status.key.reset();
    setNotices(status, {}, now);
  }
  const Standing standing =
      standingOf(status.phase, pass, wasReached(object.status, desired.present, now));
  if (pass.error) {
    setConditions(status, standing, reasonOf(*pass.error), pass.error->message, now);
  } else if (pass.observeOnly && pass.plan.verdict == Verdict::kAct) {
    setConditions(status, standing, nameOf(pass.plan.reason), messageOf(pass), now);
  } else if (status.phase == Phase::kReady) {
    setConditions(status, standing, nameOf(Reason::kSynced), "", now);
  } else if (status.phase == Phase::kAbsent) {
    setConditions(status, standing, nameOf(Reason::kDeprovisioned), "", now);
  } else {
    setConditions(status, standing, nameOf(pass.plan.reason), pass.plan.message, now);
  }
  setUpstream(status, pass, now);
  setProvisioned(status, desired, pass, now);
  setCredentialValid(status, desired, pass, now);
  // A device that publishes is seen all the time: that alone is not worth a write.
  const bool isRegistered = pass.observed && pass.observed->registration;
  if (isRegistered && !(status == object.status)) {
    status.lastSeen = pass.observed->registration->lastSeen;
  }
  return status;
}

api::DeviceStatus reportInSync(const api::BalenaDevice& object, const DesiredDevice& desired,
                               const ListedKey& key, const std::string& deviceName, TimePoint now) {
  api::DeviceStatus status = begin(object);
  status.phase = Phase::kReady;
  status.failureCount = 0;
  status.deviceName = deviceName;
  status.registration = registrationPath(desired);
  status.absentSince.reset();
  api::KeyStatus keyStatus = status.key.value_or(api::KeyStatus{});
  if (keyStatus.generation != key.generation || keyStatus.issuedAt != key.issuedAt) keyStatus = {};
  keyStatus.generation = key.generation;
  keyStatus.issuedAt = key.issuedAt;
  keyStatus.expiresAt = key.expiresAt;
  keyStatus.rotateAt = rotationOf(key, desired, now).shown(now);
  status.key = keyStatus;
  setConditions(status, Standing::kCurrent, nameOf(Reason::kSynced), "", now);
  setProvisioned(status, desired, {}, now);
  setCredentialValid(status, desired, {}, now);
  return status;
}

bool hasBeenLookedAt(const api::DeviceStatus& status) {
  const api::Condition* ready = findCondition(status.conditions, "Ready");
  return ready != nullptr && ready->reason != kFleetNotReady;
}

api::DeviceStatus reportFleetProblem(const api::BalenaDevice& object, const Error& error,
                                     TimePoint now) {
  if (object.status.phase != Phase::kPending || hasBeenLookedAt(object.status)) {
    return object.status;
  }
  api::DeviceStatus status = begin(object);
  setConditions(status, Standing::kInProgress, kFleetNotReady, error.message, now);
  return status;
}

api::DeviceStatus reportStale(const api::BalenaDevice& object,
                              const std::optional<TimePoint>& absentSince, TimePoint now) {
  api::DeviceStatus status = object.status;
  status.observedGeneration = object.meta.generation;
  status.phase = Phase::kStale;
  if (absentSince) status.absentSince = absentSince;
  setConditions(status, standingOf(status.phase, {}, false), "Stale",
                "the device is no longer in balena's fleet: what becomes of its registration, the "
                "fleet's stale.policy says",
                now);
  return status;
}

api::DeviceStatus reportStaleRemoved(const api::BalenaDevice& object, const DesiredDevice& desired,
                                     const Pass& pass, TimePoint now) {
  api::DeviceStatus status = report(object, desired, pass, now);
  status.phase = Phase::kStale;
  setConditions(status, standingOf(status.phase, pass, false), nameOf(pass.plan.reason),
                pass.plan.message, now);
  return status;
}

}  // namespace bco
