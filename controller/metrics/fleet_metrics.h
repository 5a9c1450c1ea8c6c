// Fleets, registries and their devices as the caches have them.
#pragma once

#include "metrics/activity.h"
#include "reconcile/device_reconciler.h"
#include "telemetry/families.h"

namespace bco::metrics {

// One series set a fleet and registry. Reads what the tally has counted, not the devices.
void addFleets(telemetry::Families& families, const Context& context, Activity& activity);

// One series set a device: for those who asked for it.
void addDevices(telemetry::Families& families, store::ObjectStore& store);

}  // namespace bco::metrics
