// When a key is to give way to the next one.
#pragma once

#include "plan/device_state.h"
#include "plan/listing.h"

namespace bco {

struct RotationTime {
  // Not before `now`: when that is the time, rotation is due.
  TimePoint at;
  // If due: since when.
  TimePoint since;
  // For the sake of keys.renewAfter, of a whole fleet: the renewal's pace counts.
  bool isFleetRenewal = false;

  // For people: the coming time, or since when it is due. In whole seconds, as the API server
  // keeps it, so that what is read there equals what was written.
  [[nodiscard]] TimePoint shown(TimePoint now) const {
    return std::chrono::ceil<std::chrono::seconds>(at > now ? at : since);
  }
};

// Of the newest key, in `desired`'s policy:
//
//   the usual            lifetime − rotateBefore after its issue, ±10 % of rotateBefore
//   issued for a shorter the same part of its own life
//   … for a longer life  as if issued by the policy; what that makes overdue comes spread over the
//                        policy's lifetime, from when that is first seen, not later than by its own
//   issued before        of a fleet: spread over renewal.window, from renewAfter or when that is
//   renewAfter           first seen; of a device: at once
//
// and not within an hour of its issue. What is spread keeps to `desired.promised`. In maintenance
// windows alone, unless the key would come within a tenth of rotateBefore of its end: its expiry
// wins over the windows. Pure.
[[nodiscard]] RotationTime rotationOf(const ListedKey& newest, const DesiredDevice& desired,
                                      TimePoint now);

// The same without regard to windows, pace and `now`.
[[nodiscard]] TimePoint usualRotation(const ListedKey& newest, const api::KeyPolicy& policy,
                                      const std::string& uuid);

// When a container may be restarted to replace a key that works until `expiresAt`: the time of the
// windows, or the last moment before it ends. Not before `from`.
[[nodiscard]] TimePoint mayRestartAt(const std::optional<TimePoint>& expiresAt,
                                     const DesiredDevice& desired, TimePoint from);

}  // namespace bco
