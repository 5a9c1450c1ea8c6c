// What is said of a pass.
#pragma once

#include <string>

#include "api/device.h"
#include "reconcile/report.h"
#include "telemetry/log.h"

namespace bco {

// One line for what was done, and for what stands in the way: but only when it is news compared
// with `before`, the status the object had. What happens again, and what is wrong with a whole
// cloud and therefore said by the sweep, is for the debug level.
void logPass(telemetry::Logger& log, const Pass& pass, const DesiredDevice& desired,
             const api::DeviceStatus& before, const std::string& reconcileId);

}  // namespace bco
