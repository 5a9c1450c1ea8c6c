// How far a sync has come: the numbers for a live line and for the closing summary.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reconcile/tally.h"
#include "store/object_store.h"

namespace bco::cli {

// What a summary says of a device.
struct DeviceNote {
  std::string uuid;
  std::string phase;
  std::string reason;
  std::string message;
};

// The devices that are neither in sync nor meant to be left alone, in order of object.
[[nodiscard]] std::vector<DeviceNote> unsettledDevices(store::ObjectStore& store);
// Those of which a person should know something (plan/notice.h), whatever else is true of them.
[[nodiscard]] std::vector<DeviceNote> noticedDevices(store::ObjectStore& store);
// True while trying again by itself may still settle one of the devices.
[[nodiscard]] bool anyMaySettle(store::ObjectStore& store);

// "412/1000 ready, 85/s, 7s left, 2 failed" for `elapsed` since the start, when `readyAtStart` of
// them were ready.
[[nodiscard]] std::string progressLine(const api::DeviceCounts& counts, int readyAtStart,
                                       Duration elapsed);

}  // namespace bco::cli
