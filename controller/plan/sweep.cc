#include "plan/sweep.h"

#include "plan/key_schedule.h"

namespace bco {
namespace {

bool holds(const balena::FleetDevice& row, std::string_view name, const std::string& value) {
  const auto found = row.publicVariables.find(name);
  return found != row.publicVariables.end() && found->second == value;
}

bool isAbsent(const DesiredDevice& desired, const balena::FleetDevice* row,
              const clearblade::Registration* registration) {
  const std::string path = desired.registryPath + "/devices/" + api::registrationId(desired.uuid);
  return registration == nullptr && (row == nullptr || !holds(*row, balena::kClientPath, path));
}

}  // namespace

SweepFinding judge(const DesiredDevice& desired, const balena::FleetDevice* row,
                   const clearblade::Registration* registration, TimePoint now,
                   Duration clockSkew) {
  SweepFinding finding;
  if (!desired.present) {
    finding.inSync = isAbsent(desired, row, registration);
    return finding;
  }
  if (row == nullptr || registration == nullptr || !row->hasPrivateKey) return finding;
  const std::string id = api::registrationId(desired.uuid);
  if (!holds(*row, balena::kClientPath, desired.registryPath + "/devices/" + id) ||
      !holds(*row, balena::kDataTopicRoot, "/devices/" + id) ||
      !holds(*row, balena::kProjectId, desired.project)) {
    return finding;
  }
  const ReadMark read = readMark(registration->metadata);
  const MarkedKey* newest = read.mark.newest();
  if (read.state != MarkState::kValid || read.mark.owner != desired.ownerId ||
      read.mark.fleetId != desired.fleetId || newest == nullptr) {
    return finding;
  }
  for (const clearblade::Credential& credential : registration->credentials) {
    const auto key = crypto::PublicKey::fromPem(credential.publicKey);
    if (!key || shortFingerprint(*key) != newest->shortFingerprint) continue;
    finding.inSync = !isExpired(credential.expiresAt, now, clockSkew) &&
                     !mayHaveExpired(credential.expiresAt, now, clockSkew);
    finding.needsVerification = read.mark.needsVerification;
    finding.key = *newest;
    finding.expiresAt = credential.expiresAt;
    return finding;
  }
  return finding;
}

}  // namespace bco
