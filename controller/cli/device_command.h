// `provision` and `deprovision`: what both ways to do them share.
#pragma once

#include <stop_token>

#include "cli/options.h"
#include "reconcile/desire.h"

namespace bco::cli {

// Prints that the device is as it was asked for.
void tellSettled(const DeviceOptions& options, const DeviceObjects& objects);

// Changes the device's object in a cluster, as the endpoint does, and waits for what the operator
// there makes of it. Calls no cloud. Returns the exit code.
[[nodiscard]] int runDeviceInCluster(const DeviceOptions& options, const std::stop_token& stop);

}  // namespace bco::cli
