#include "cli/progress.h"

#include <cmath>

#include "plan/notice.h"
#include "plan/reason.h"

namespace bco::cli {
namespace {

bool isSettled(const api::DeviceStatus& status) {
  return status.phase == api::Phase::kReady || status.phase == api::Phase::kAbsent ||
         status.phase == api::Phase::kSuspended;
}

DeviceNote noteOf(const api::BalenaDevice& device, std::string_view type) {
  DeviceNote note{device.spec.uuid, std::string(nameOf(device.status.phase)), "", ""};
  if (const api::Condition* condition = findCondition(device.status.conditions, type)) {
    note.reason = condition->reason;
    note.message = condition->message;
  }
  return note;
}

}  // namespace

std::vector<DeviceNote> unsettledDevices(store::ObjectStore& store) {
  std::vector<DeviceNote> result;
  for (const auto& device : store.devices().list()) {
    if (!isSettled(device->status)) result.push_back(noteOf(*device, "Ready"));
  }
  return result;
}

std::vector<DeviceNote> noticedDevices(store::ObjectStore& store) {
  std::vector<DeviceNote> result;
  for (const auto& device : store.devices().list()) {
    for (const NoticeType& each : kNoticeTypes) {
      if (findCondition(device->status.conditions, each.type) == nullptr) continue;
      result.push_back(noteOf(*device, each.type));
    }
  }
  return result;
}

bool anyMaySettle(store::ObjectStore& store) {
  for (const auto& device : store.devices().list()) {
    const api::DeviceStatus& status = device->status;
    if (isSettled(status)) continue;
    if (findCondition(status.conditions, "Stalled") != nullptr) continue;
    if (status.failureCount > 0) return true;
    const auto fleet = store.fleets().get(device->fleetKey());
    const bool fleetStalled =
        fleet != nullptr && findCondition(fleet->status.conditions, "Stalled") != nullptr;
    const bool observing = fleet != nullptr && fleet->spec.mode == api::Mode::kObserve;
    const bool isUnderWay =
        status.phase == api::Phase::kPending || status.phase == api::Phase::kDeprovisioning;
    if (isUnderWay && !fleetStalled && !observing) return true;
    const api::Condition* ready = findCondition(status.conditions, "Ready");
    // The only things a device waits for that come by themselves, and soon.
    if (status.phase == api::Phase::kWaiting && ready != nullptr &&
        (ready->reason == nameOf(Reason::kServiceNotInstalled))) {
      return true;
    }
  }
  return false;
}

std::string progressLine(const api::DeviceCounts& counts, int readyAtStart, Duration elapsed) {
  std::string line = std::to_string(counts.ready) + "/" + std::to_string(counts.total) + " ready";
  const double seconds = std::chrono::duration<double>(elapsed).count();
  const double rate = seconds > 0 ? (counts.ready - readyAtStart) / seconds : 0;
  // When nothing moves any more the rate would only sink.
  const int open = counts.pending + counts.waiting;
  if (rate > 0 && open > 0) {
    line += ", " + std::to_string(std::lround(rate)) + "/s";
    const double left = open / rate;
    line += ", " + formatDuration(std::chrono::seconds(std::lround(left))) + " left";
  }
  if (const int bad = counts.failed + counts.conflict; bad > 0) {
    line += ", " + std::to_string(bad) + " failed";
  }
  return line;
}

}  // namespace bco::cli
