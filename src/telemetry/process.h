// What every Prometheus client library tells of its own process.
#pragma once

#include "telemetry/families.h"

namespace bco::telemetry {

// From /proc; what can't be read is left out.
void addProcess(Families& families);

}  // namespace bco::telemetry
