#include "plan/notice.h"

namespace bco {
namespace {

// Where besides the target a key is that opens something: "the device and service main".
std::string copiesOf(const ObservedDevice& observed, TimePoint now) {
  std::string places;
  for (const ObservedLevel& level : observed.device->others) {
    const clearblade::Credential* credential = credentialAt(level, observed);
    if (credential == nullptr || (credential->expiresAt && *credential->expiresAt <= now)) continue;
    places += (places.empty() ? "" : " and ") + describe(level);
  }
  return places;
}

}  // namespace

std::optional<std::vector<Notice>> noticesOf(const DesiredDevice& desired,
                                             const ObservedDevice& observed, TimePoint now) {
  const bool isHere = observed.device && observed.device->fleetId == desired.fleetId;
  const bool isToGo = !desired.present && observed.registration;
  if (!isHere || isToGo || observed.registrationPresumedAbsent) return std::nullopt;
  std::vector<Notice> result;
  if (observed.registration && observed.registration->blocked) {
    result.push_back({api::kBlocked, "BlockedInRegistry",
                      "somebody has blocked the registration; unblock it in ClearBlade"});
  }
  if (const std::string copies = copiesOf(observed, now); !copies.empty()) {
    result.push_back({api::kKeyElsewhere, "CopyOfKey",
                      "a registered key of this device is also on " + copies +
                          ", where whatever runs can publish with it; remove " +
                          std::string(balena::kPrivateKey) + " there"});
  }
  return result;
}

const clearblade::Credential* credentialAt(const ObservedLevel& level,
                                           const ObservedDevice& observed) {
  if (!level.keyFingerprint) return nullptr;
  for (std::size_t i = 0; i < observed.credentialFingerprints.size(); ++i) {
    if (observed.credentialFingerprints[i] == *level.keyFingerprint) {
      return &observed.registration->credentials[i];
    }
  }
  return nullptr;
}

std::string describe(const ObservedLevel& level) {
  if (level.parent.deviceId) return "the device";
  return level.service.empty() ? "one of its services" : "service " + level.service;
}

}  // namespace bco
