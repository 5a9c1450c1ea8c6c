// What the two snapshots alone say of a device: whether it is worth a closer look. No secret is
// read for it.
#pragma once

#include <optional>

#include "plan/device_state.h"
#include "plan/listing.h"
#include "plan/rotation.h"

namespace bco {

struct SweepFinding {
  // Nothing that a sweep can see is wrong.
  bool inSync = false;
  // ... but a pass must have had a look at the stored key since this process started.
  bool needsVerification = false;
  // The registration is blocked, which a person has done and a person undoes.
  bool isBlocked = false;
  // The newest listed key, if present.
  std::optional<ListedKey> key;
  // When it is to be replaced. A stored key that is older is replaced by its delivery alone.
  std::optional<RotationTime> rotation;
  // Keys issued before revokeBefore are still accepted.
  bool revocationIsDue = false;
};

// `row`: the device in its fleet's listing; `registration`: the one of its id. nullptr when absent.
// Pure.
[[nodiscard]] SweepFinding judge(const DesiredDevice& desired, const ListedDevice* row,
                                 const ListedRegistration* registration, TimePoint now,
                                 Duration clockSkew);

}  // namespace bco
