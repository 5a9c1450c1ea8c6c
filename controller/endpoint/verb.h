// The two things that can be asked of a device.
#pragma once

#include "api/device.h"

namespace bco::endpoint {

enum class Verb { kProvision, kRemove };

[[nodiscard]] inline api::DesiredState stateOf(Verb verb) {
  return verb == Verb::kProvision ? api::DesiredState::kPresent : api::DesiredState::kAbsent;
}

}  // namespace bco::endpoint
