// What somebody outside asks of one device.
#pragma once

#include <string>

#include "api/device.h"

namespace bco::store {

// A state, and a look at once. What calls for the look is told in status.lastHandledReconcileAt
// once it has been taken.
struct Demand {
  api::DesiredState state = api::DesiredState::kPresent;
  std::string request;  // differs from every earlier one

  // It takes a device away that somebody's document desires, and says so on the object.
  [[nodiscard]] bool marksAbsent(const api::BalenaDevice& device) const {
    return state == api::DesiredState::kAbsent && device.spec.state == api::DesiredState::kPresent;
  }
};

// The value of the annotation by which a POST may undo what a DELETE has done.
inline constexpr std::string_view kByEndpoint = "endpoint";

// Makes the object say so.
inline void meet(api::BalenaDevice& device, const Demand& demand) {
  if (demand.marksAbsent(device)) device.meta.annotations[api::kAbsentByAnnotation] = kByEndpoint;
  if (demand.state == api::DesiredState::kPresent) {
    device.meta.annotations.erase(api::kAbsentByAnnotation);
  }
  device.meta.annotations[api::kReconcileAnnotation] = demand.request;
  device.spec.state = demand.state;
}

}  // namespace bco::store
