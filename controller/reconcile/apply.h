// Carries a plan out.
#pragma once

#include <optional>

#include "api/device.h"
#include "core/clock.h"
#include "core/lane.h"
#include "core/random.h"
#include "core/result.h"
#include "plan/plan.h"
#include "reconcile/views.h"

namespace bco {

// A write is sent only this long after its pass's first read: the transport looks last, after all
// that it may have to wait for.
inline constexpr Duration kObservationLifetime = std::chrono::minutes(5);

struct Applied {
  // The key that is stored now, if one was delivered.
  std::optional<api::KeyStatus> key;
  // The mark that the registration carries now, and its credentials, if they were written.
  std::optional<Mark> mark;
  std::optional<std::vector<clearblade::Credential>> credentials;
};

// Runs the steps in order and stops at the first error, whose code tells what to do:
//   kAlreadyExists, kConflict, kNotFound  the world is not as observed: observe again at once
//   anything else                         as the error table says
// `observedAt`: before the pass's first read. `lane`: of the calls; a revocation's have their own.
// Blocks; one thread a device.
[[nodiscard]] Result<Applied> apply(const Plan& plan, const DesiredDevice& desired,
                                    const ObservedDevice& observed, const FleetView& fleet,
                                    SteadyPoint observedAt, Clock& clock, Random& random,
                                    Lane lane = Lane::kFresh);

}  // namespace bco
