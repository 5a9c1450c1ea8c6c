#include "plan/sweep.h"

#include "plan/key_schedule.h"

namespace bco {

SweepFinding judge(const DesiredDevice& desired, const ListedDevice* row,
                   const ListedRegistration* registration, TimePoint now, Duration clockSkew) {
  SweepFinding finding;
  if (!desired.present) {
    finding.inSync = registration == nullptr && (row == nullptr || !row->namesOurPath);
    return finding;
  }
  if (row == nullptr || registration == nullptr || !row->isComplete || !registration->isOurs ||
      registration->fleetId != desired.fleetId || !registration->newest) {
    return finding;
  }
  const auto& expiresAt = registration->newest->expiresAt;
  finding.inSync =
      !isExpired(expiresAt, now, clockSkew) && !mayHaveExpired(expiresAt, now, clockSkew);
  finding.needsVerification = registration->needsVerification;
  finding.key = registration->newest;
  return finding;
}

}  // namespace bco
