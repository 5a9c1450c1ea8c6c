// What the two snapshots alone say of a device: whether it is worth a closer look. No secret is
// read for it.
#pragma once

#include <optional>

#include "balena/api.h"
#include "clearblade/api.h"
#include "plan/device_state.h"

namespace bco {

struct SweepFinding {
  // Nothing that a sweep can see is wrong.
  bool inSync = false;
  // ... but a pass must have had a look at the stored key since this process started.
  bool needsVerification = false;
  // Of the newest listed key, if in sync and present.
  std::optional<MarkedKey> key;
  std::optional<TimePoint> expiresAt;
};

// `row`: the device in its fleet's listing; `registration`: the one of its id. nullptr when absent.
// Pure.
[[nodiscard]] SweepFinding judge(const DesiredDevice& desired, const balena::FleetDevice* row,
                                 const clearblade::Registration* registration, TimePoint now,
                                 Duration clockSkew);

}  // namespace bco
