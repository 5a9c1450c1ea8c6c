// Maintenance windows made ready for the planner, with the system's time zones.
#pragma once

#include <vector>

#include "api/fleet.h"
#include "core/result.h"
#include "plan/maintenance.h"

namespace bco {

// Reads the time zones' files. kNotFound or kInvalid: a zone can't be used, and why.
[[nodiscard]] Result<std::vector<Window>> toWindows(
    const std::vector<api::MaintenanceWindow>& windows);

}  // namespace bco
