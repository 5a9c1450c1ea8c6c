#include "plan/sweep.h"

#include "plan/key_schedule.h"

namespace bco {

SweepFinding judge(const DesiredDevice& desired, const ListedDevice* row,
                   const ListedRegistration* registration, TimePoint now, Duration clockSkew) {
  SweepFinding finding;
  if (!desired.present) {
    const bool holdsNothing = row == nullptr || (!row->namesOurPath && !row->hasStrayKey);
    finding.inSync = registration == nullptr && holdsNothing;
    return finding;
  }
  const bool isOurs =
      registration != nullptr && registration->isOurs && registration->fleetId == desired.fleetId;
  const auto& revokeBefore = desired.keys.revokeBefore;
  finding.revocationIsDue = row != nullptr && isOurs && revokeBefore && *revokeBefore <= now &&
                            registration->oldestIssue < *revokeBefore;
  if (row == nullptr || !isOurs || !row->isComplete || !registration->newest) {
    return finding;
  }
  const auto& expiresAt = registration->newest->expiresAt;
  const Duration margin = KeyTimes::of(desired.keys.lifetime).expiryMargin;
  finding.inSync =
      !isExpired(expiresAt, now, clockSkew, margin) && !mayHaveExpired(expiresAt, now, clockSkew);
  finding.isBlocked = registration->isBlocked;
  finding.needsVerification = registration->needsVerification;
  finding.key = registration->newest;
  finding.rotation = rotationOf(*finding.key, desired, now);
  return finding;
}

}  // namespace bco
