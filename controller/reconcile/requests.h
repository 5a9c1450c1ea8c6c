// Requests by annotation to look again now.
#pragma once

#include <string>

#include "api/device.h"

namespace bco {

// The token of the object's request, which its status repeats once it is handled; empty when there
// is none.
[[nodiscard]] inline std::string reconcileRequest(const api::ObjectMeta& meta) {
  const auto found = meta.annotations.find(api::kReconcileAnnotation);
  return found == meta.annotations.end() ? std::string() : found->second;
}

// Nothing of it calls for a pass that has not been made.
[[nodiscard]] inline bool isHandled(const api::BalenaDevice& device) {
  return device.status.observedGeneration == device.meta.generation && !device.meta.deletedAt &&
         reconcileRequest(device.meta) == device.status.lastHandledReconcileAt;
}

}  // namespace bco
