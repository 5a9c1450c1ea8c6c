#include "api/device.h"

namespace bco::api {

std::string_view nameOf(Phase phase) {
  switch (phase) {
    case Phase::kPending:
      return "Pending";
    case Phase::kWaiting:
      return "Waiting";
    case Phase::kReady:
      return "Ready";
    case Phase::kFailed:
      return "Failed";
    case Phase::kConflict:
      return "Conflict";
    case Phase::kSuspended:
      return "Suspended";
    case Phase::kStale:
      return "Stale";
    case Phase::kDeprovisioning:
      return "Deprovisioning";
    case Phase::kAbsent:
      return "Absent";
  }
  return "";
}

const KeyStatus* DeviceStatus::keyInUse() const {
  const bool goes =
      phase == Phase::kStale || phase == Phase::kDeprovisioning || phase == Phase::kAbsent;
  return key && !goes ? &*key : nullptr;
}

std::string registrationId(const std::string& uuid) { return "balena-" + uuid; }

namespace {

// A mark keeps times of issue in whole seconds: only so compared is what was issued at once after
// `time` not issued before it, and what was asked for done once.
void dropFraction(std::optional<TimePoint>& time) {
  if (time) time = std::chrono::floor<std::chrono::seconds>(*time);
}

}  // namespace

KeyPolicy effectiveKeys(const FleetSpec& fleet, const DeviceSpec& device) {
  KeyPolicy keys = fleet.keys;
  if (device.keys.lifetime) keys.lifetime = *device.keys.lifetime;
  if (device.keys.rotateBefore) keys.rotateBefore = *device.keys.rotateBefore;
  if (device.keys.renewAfter) keys.renewAfter = device.keys.renewAfter;
  if (device.keys.revokeBefore) keys.revokeBefore = device.keys.revokeBefore;
  dropFraction(keys.renewAfter);
  dropFraction(keys.revokeBefore);
  return keys;
}

}  // namespace bco::api
