// When a device is verified that this process has not looked at yet.
#pragma once

#include <algorithm>

#include "api/device.h"
#include "core/random.h"
#include "plan/key_schedule.h"

namespace bco {

// When a pass last looked at the device's key. What is still to come was written by a clock that
// was wrong, and says nothing.
[[nodiscard]] inline std::optional<TimePoint> lastVerified(const std::optional<api::KeyStatus>& key,
                                                           TimePoint now) {
  if (!key || !key->verifiedAt || *key->verifiedAt > now + kMaxClockSkew) return std::nullopt;
  return key->verifiedAt;
}

// Anywhere in the verify interval; but soon where the key was issued lately: the process that did
// so may have ended before it was stored, and what it sent may still land.
[[nodiscard]] inline Duration firstVerification(const std::optional<TimePoint>& issuedAt,
                                                const api::KeyPolicy& keys, TimePoint now,
                                                Random& random) {
  const KeyTimes times = KeyTimes::of(keys.lifetime);
  const bool isLate = issuedAt && *issuedAt > now - times.lateWriteHorizon;
  if (!isLate) return random.upTo(keys.verifyInterval);
  const Duration soon = std::min(times.firstCheck, keys.verifyInterval);
  return soon / 5 + random.upTo(soon - soon / 5);
}

}  // namespace bco
