// Requests by annotation to look again now.
#pragma once

#include <array>
#include <string>

#include "api/device.h"
#include "core/random.h"
#include "core/text.h"

namespace bco {

// The token of the object's request, which its status repeats once it is handled; empty when there
// is none.
[[nodiscard]] inline std::string reconcileRequest(const api::ObjectMeta& meta) {
  const auto found = meta.annotations.find(api::kReconcileAnnotation);
  return found == meta.annotations.end() ? std::string() : found->second;
}

// Another token than every earlier one.
[[nodiscard]] inline std::string newRequest(TimePoint now, Random& random) {
  std::array<std::uint8_t, 6> bytes{};
  random.fill(bytes);
  return formatRfc3339(now) + "/" + toHex(bytes);
}

// A pass that has not made the device what it is desired to be is followed by another, without
// anybody's doing.
[[nodiscard]] inline bool comesAgain(const api::DeviceStatus& status) {
  const bool isUnderWay = status.phase == api::Phase::kPending ||
                          status.phase == api::Phase::kDeprovisioning ||
                          status.phase == api::Phase::kAbsent;
  return (status.failureCount > 0 || isUnderWay) &&
         findCondition(status.conditions, "Stalled") == nullptr;
}

// Nothing of it calls for a pass that has not been made.
[[nodiscard]] inline bool isHandled(const api::BalenaDevice& device) {
  return device.status.observedGeneration == device.meta.generation && !device.meta.deletedAt &&
         reconcileRequest(device.meta) == device.status.lastHandledReconcileAt;
}

}  // namespace bco
