// From the result of a pass to the status of the object.
#pragma once

#include <optional>

#include "api/device.h"
#include "core/error.h"
#include "plan/listing.h"
#include "plan/notice.h"
#include "plan/plan.h"
#include "reconcile/standing.h"

namespace bco {

// How one pass over one device ended.
struct Pass {
  Plan plan;
  // Absent when reading failed.
  std::optional<ObservedDevice> observed;
  // Of it, and of what the pass has made of it; nullopt where that does not tell.
  std::optional<std::vector<Notice>> notices;
  // The pass failed, in reading or in writing.
  std::optional<Error> error;
  // A key was delivered in this pass.
  std::optional<api::KeyStatus> delivered;
  // mode: Observe — the plan was not carried out.
  bool observeOnly = false;
};

// A person has to say whose the device is.
[[nodiscard]] bool isConflict(Reason reason);

// How a device stands after `pass`. Pure.
//
//   phase                            │ standing
//   ─────────────────────────────────┼──────────────────────────────────────────────────────────
//   Ready Absent                     │ current: what its spec asks for is so
//   Suspended                        │ current if it was so when it was last looked at, else failed
//   Pending                          │ in progress; failed where mode Observe withholds what is due
//   Waiting Deprovisioning           │ in progress: sweeps see when it can go on
//   Failed Conflict                  │ in progress if the error may pass by itself, else failed
//   Stale                            │ failed: its device is gone, a person removes the object
//
// `wasReached`: what the device's spec asks for was so by the status before.
[[nodiscard]] Standing standingOf(api::Phase phase, const Pass& pass, bool wasReached);

// What the Ready condition says of the pass. Pure.
[[nodiscard]] std::string messageOf(const Pass& pass);

// The object's next status. Pure.
[[nodiscard]] api::DeviceStatus report(const api::BalenaDevice& object,
                                       const DesiredDevice& desired, const Pass& pass,
                                       TimePoint now);

// The status of a device that a sweep has found in sync by what is public.
[[nodiscard]] api::DeviceStatus reportInSync(const api::BalenaDevice& object,
                                             const DesiredDevice& desired, const ListedKey& key,
                                             const std::string& deviceName, TimePoint now);

// The reason of such a device's Ready condition.
inline constexpr std::string_view kFleetNotReady = "FleetNotReady";

// A pass, or a sweep, has said how the device stands.
[[nodiscard]] bool hasBeenLookedAt(const api::DeviceStatus& status);

// The status of a device that has left balena's fleet; `absentSince`: nullopt where nothing counts
// the time.
[[nodiscard]] api::DeviceStatus reportStale(const api::BalenaDevice& object,
                                            const std::optional<TimePoint>& absentSince,
                                            TimePoint now);

// The same after `pass`, which has removed what was left of it.
[[nodiscard]] api::DeviceStatus reportStaleRemoved(const api::BalenaDevice& object,
                                                   const DesiredDevice& desired, const Pass& pass,
                                                   TimePoint now);

// The status of a device whose fleet can't be looked at. What is known of it is not less true for
// that: only one that nobody has looked at says that it waits.
[[nodiscard]] api::DeviceStatus reportFleetProblem(const api::BalenaDevice& object,
                                                   const Error& error, TimePoint now);

}  // namespace bco
