#include "sandbox/balena_notices.h"

#include <unordered_set>

namespace bco::sandbox {

using odata::idOf;

void BalenaNotices::touch(const odata::Resource& resource, const odata::Row& row) {
  const auto& names = store_.names;
  const auto referenceOf = [&row](const odata::Field* field) {
    return idOf(row.values[field->column]);
  };
  if (&resource == names.deviceVariables.resource) {
    touchDevice(referenceOf(names.deviceVariables.owner));
  } else if (&resource == names.deviceConfig.resource) {
    touchDevice(referenceOf(names.deviceConfig.owner));
  } else if (&resource == names.installVariables.resource) {
    const auto* install = store_.find(*names.install, referenceOf(names.installVariables.owner));
    if (install != nullptr) touchDevice(idOf(install->values[names.installDevice->column]));
  } else if (&resource == names.fleetVariables.resource ||
             &resource == names.fleetConfig.resource ||
             &resource == names.serviceVariables.resource) {
    touchFleet(store_.fleetOf(store_.rows(), resource, row));
  }
}

void BalenaNotices::touchFleet(std::int64_t fleet) {
  const auto& devices = store_.rows().pointingAt(*store_.names.deviceFleet, fleet);
  devices_.insert(devices_.end(), devices.begin(), devices.end());
}

void BalenaNotices::send(Duration delay,
                         const std::function<void(const std::string&, Duration)>& onDeviceUpdate) {
  if (!onDeviceUpdate) return;
  std::unordered_set<std::int64_t> told;
  for (const auto id : devices_) {
    const auto* device = store_.find(*store_.names.device, id);
    if (device == nullptr || !told.insert(id).second) continue;
    onDeviceUpdate(*odata::textOf(device->values[store_.names.deviceUuid->column]), delay);
    delay += kNoticeSpacing;
  }
  devices_.clear();
}

}  // namespace bco::sandbox
