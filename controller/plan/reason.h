// Why a device is where it is: one closed set, used verbatim in conditions, events, log lines and
// `plan -o json`.
#pragma once

#include <string_view>

namespace bco {

enum class Reason {
  // In sync.
  kSynced,
  kDeprovisioned,
  kStaleRemoved,
  // To be acted upon.
  kNotRegistered,
  kKeyMissing,
  kKeyUnknown,
  kKeyOutdated,
  kKeyExpired,
  kCredentialMissing,
  kVariablesDrifted,
  kVerified,
  kRotated,
  kRevoked,
  kExtendedOffline,
  kAdopted,
  kTakenOver,
  kDeprovisioning,
  // To be waited for.
  kSuspended,
  kDeviceNotFound,
  kServiceNotInstalled,
  kKeyTooYoung,
  kCredentialSlotsFull,
  kRemovalHalted,
  kClockSkew,
  // Not to be done.
  kNotOurs,
  kKeyMismatch,
  kAdoptionDisabled,
  kMarkUnreadable,
  kWrongFleet,
  kMovedToAnotherFleet,
  kVariablesLeft,
  kDuplicateObject,
};

[[nodiscard]] std::string_view nameOf(Reason reason);  // "KeyMissing"

}  // namespace bco
