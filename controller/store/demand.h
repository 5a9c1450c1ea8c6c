// What somebody outside asks of one device.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/device.h"

namespace bco::store {

// A state, and a look at once. What calls for the look is told in status.lastHandledReconcileAt
// once it has been taken.
struct Demand {
  api::DesiredState state = api::DesiredState::kPresent;
  std::string request;  // differs from every earlier one
  // A person's word, as if it were written in the object by hand: no device undoes it.
  bool isDeclared = false;

  // What the object is to say of who has made it absent, empty: nobody; nullopt: what it says now.
  [[nodiscard]] std::optional<std::string_view> absentBy(const api::BalenaDevice& device) const;
};

// The value of the annotation by which a POST may undo what a DELETE has done.
inline constexpr std::string_view kByEndpoint = "endpoint";

inline std::optional<std::string_view> Demand::absentBy(const api::BalenaDevice& device) const {
  if (isDeclared || state == api::DesiredState::kPresent) return "";
  if (device.spec.state == api::DesiredState::kPresent) return kByEndpoint;
  return std::nullopt;
}

// Makes the object say so.
inline void meet(api::BalenaDevice& device, const Demand& demand) {
  if (const auto by = demand.absentBy(device)) {
    device.meta.annotations.erase(api::kAbsentByAnnotation);
    if (!by->empty()) device.meta.annotations.emplace(api::kAbsentByAnnotation, *by);
  }
  device.meta.annotations[api::kReconcileAnnotation] = demand.request;
  device.spec.state = demand.state;
}

}  // namespace bco::store
