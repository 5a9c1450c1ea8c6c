// The two halves of plan(), which checks first that the device is ours to decide on.
#pragma once

#include "plan/plan.h"

namespace bco {

// For a device that is there, in the right fleet, with a level to write to, whose registration is
// ours, unmarked or absent.
[[nodiscard]] Plan planPresent(const DesiredDevice& desired, const ObservedDevice& observed,
                               TimePoint now);

// For a device that is to have no registration: the registration first, then what pointed to it.
[[nodiscard]] Plan planRemoval(const DesiredDevice& desired, const ObservedDevice& observed);

}  // namespace bco
