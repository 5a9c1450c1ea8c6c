#include "plan/notice.h"

#include <algorithm>

namespace bco {
namespace {

// Where besides the target a registered key is: "the device and one of its services".
std::string copiesOf(const ObservedDevice& observed) {
  std::string places;
  for (const ObservedLevel& level : observed.device->others) {
    const std::string_view place = describe(level);
    if (!holdsRegisteredKey(level, observed) || places.ends_with(place)) continue;
    if (!places.empty()) places += " and ";
    places += place;
  }
  return places;
}

}  // namespace

std::vector<Notice> noticesOf(const ObservedDevice& observed, bool isPresent) {
  std::vector<Notice> result;
  if (observed.registration && observed.registration->blocked) {
    result.push_back({api::kBlocked, "BlockedInRegistry",
                      "somebody has blocked the registration; unblock it in ClearBlade"});
  }
  const std::string copies = isPresent && observed.device ? copiesOf(observed) : "";
  if (!copies.empty()) {
    result.push_back({api::kKeyElsewhere, "CopyOfKey",
                      "a registered key of this device is also on " + copies +
                          ", where whatever runs can publish with it; remove " +
                          std::string(balena::kPrivateKey) + " there"});
  }
  return result;
}

bool holdsRegisteredKey(const ObservedLevel& level, const ObservedDevice& observed) {
  return level.keyFingerprint &&
         std::ranges::find(observed.credentialFingerprints, *level.keyFingerprint) !=
             observed.credentialFingerprints.end();
}

std::string_view describe(const ObservedLevel& level) {
  return level.parent.deviceId ? "the device" : "one of its services";
}

}  // namespace bco
