// BalenaDevice: one desired device and where it stands.
#pragma once

#include "api/fleet.h"
#include "api/object.h"

namespace bco::api {

enum class DesiredState { kPresent, kAbsent };

// What a device says otherwise than its fleet; each inherits.
struct KeyOverrides {
  std::optional<Duration> lifetime;
  std::optional<Duration> rotateBefore;
  std::optional<TimePoint> renewAfter;
  std::optional<TimePoint> revokeBefore;

  friend bool operator==(const KeyOverrides&, const KeyOverrides&) = default;
};

struct DeviceSpec {
  std::string uuid;   // immutable
  std::string fleet;  // name of the BalenaFleet, immutable
  DesiredState state = DesiredState::kPresent;
  KeyOverrides keys;
  std::optional<Adoption> adoption;
  std::optional<DeletionPolicy> deletionPolicy;
  bool suspend = false;

  friend bool operator==(const DeviceSpec&, const DeviceSpec&) = default;
};

enum class Phase {
  kPending,
  kWaiting,
  kReady,
  kFailed,
  kConflict,
  kSuspended,
  kStale,
  kDeprovisioning,
  kAbsent,
};
[[nodiscard]] std::string_view nameOf(Phase phase);

// Conditions of what a person should know; see plan/notice.h.
inline constexpr std::string_view kBlocked = "Blocked";
inline constexpr std::string_view kKeyElsewhere = "KeyElsewhere";

// Reasons of condition Provisioned while, and after, the device's registration was removed by us.
inline constexpr std::string_view kDeprovisioning = "Deprovisioning";
inline constexpr std::string_view kDeprovisioned = "Deprovisioned";

// Reasons of condition CredentialValid: the pass that wrote the status delivered the key, or found
// it in place.
inline constexpr std::string_view kDelivered = "Delivered";
inline constexpr std::string_view kRegistered = "Registered";

struct KeyStatus {
  std::string fingerprint;  // "sha256:<64 hex>"
  std::uint32_t generation = 0;
  std::optional<TimePoint> issuedAt;
  std::optional<TimePoint> expiresAt;
  std::optional<TimePoint> rotateAt;
  std::optional<TimePoint> verifiedAt;

  friend bool operator==(const KeyStatus&, const KeyStatus&) = default;
};

struct DeviceStatus {
  std::int64_t observedGeneration = -1;
  Phase phase = Phase::kPending;
  std::string deviceName;
  std::string registration;  // full path
  std::optional<KeyStatus> key;
  std::optional<TimePoint> lastSeen;
  std::optional<TimePoint> absentSince;
  int failureCount = 0;
  std::optional<TimePoint> lastFailureTime;
  std::string lastHandledReconcileAt;
  Conditions conditions;

  friend bool operator==(const DeviceStatus&, const DeviceStatus&) = default;

  // The key with which the device publishes: none of one that has left its fleet or is to go, whose
  // key may end.
  [[nodiscard]] const KeyStatus* keyInUse() const;
};

struct BalenaDevice {
  static constexpr ObjectKind kKind = ObjectKind::kDevice;
  ObjectMeta meta;
  DeviceSpec spec;
  DeviceStatus status;

  [[nodiscard]] ObjectKey fleetKey() const { return {meta.key.space, spec.fleet}; }
};

// "balena-<uuid>"
[[nodiscard]] std::string registrationId(const std::string& uuid);
// The fleet's policy with what the device says otherwise.
[[nodiscard]] KeyPolicy effectiveKeys(const FleetSpec& fleet, const DeviceSpec& device);

}  // namespace bco::api
