#include "plan/reason.h"

namespace bco {

std::string_view nameOf(Reason reason) {
  switch (reason) {
    case Reason::kSynced:
      return "Synced";
    case Reason::kDeprovisioned:
      return "Deprovisioned";
    case Reason::kStaleRemoved:
      return "StaleRemoved";
    case Reason::kNotRegistered:
      return "NotRegistered";
    case Reason::kKeyMissing:
      return "KeyMissing";
    case Reason::kKeyUnknown:
      return "KeyUnknown";
    case Reason::kKeyOutdated:
      return "KeyOutdated";
    case Reason::kKeyExpired:
      return "KeyExpired";
    case Reason::kCredentialMissing:
      return "CredentialMissing";
    case Reason::kVariablesDrifted:
      return "VariablesDrifted";
    case Reason::kVerified:
      return "Verified";
    case Reason::kRotated:
      return "Rotated";
    case Reason::kRevoked:
      return "Revoked";
    case Reason::kExtendedOffline:
      return "ExtendedOffline";
    case Reason::kAdopted:
      return "Adopted";
    case Reason::kTakenOver:
      return "TakenOver";
    case Reason::kDeprovisioning:
      return "Deprovisioning";
    case Reason::kSuspended:
      return "Suspended";
    case Reason::kDeviceNotFound:
      return "DeviceNotFound";
    case Reason::kServiceNotInstalled:
      return "ServiceNotInstalled";
    case Reason::kKeyTooYoung:
      return "KeyTooYoung";
    case Reason::kCredentialSlotsFull:
      return "CredentialSlotsFull";
    case Reason::kRemovalHalted:
      return "RemovalHalted";
    case Reason::kClockSkew:
      return "ClockSkew";
    case Reason::kNotOurs:
      return "NotOurs";
    case Reason::kKeyMismatch:
      return "KeyMismatch";
    case Reason::kAdoptionDisabled:
      return "AdoptionDisabled";
    case Reason::kMarkUnreadable:
      return "MarkUnreadable";
    case Reason::kWrongFleet:
      return "WrongFleet";
    case Reason::kMovedToAnotherFleet:
      return "MovedToAnotherFleet";
    case Reason::kVariablesLeft:
      return "VariablesLeft";
    case Reason::kDuplicateObject:
      return "DuplicateObject";
  }
  return "";
}

}  // namespace bco
