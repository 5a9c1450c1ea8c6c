#include "reconcile/fleet_listing.h"

#include <algorithm>

namespace bco {
namespace {

class Summarizing final : public balena::FleetVisitor {
 public:
  explicit Summarizing(const FleetView& view) : view_(view) {}

  void restart() override { devices.clear(); }
  void visit(const balena::FleetDevice& device) override {
    devices.push_back(summarize(device, view_.object->spec.selector, view_.registry->project,
                                view_.registry->path));
  }

  std::vector<ListedDevice> devices;

 private:
  const FleetView& view_;
};

}  // namespace

const ListedDevice* FleetListing::find(const std::string& uuid) const {
  const auto found = std::ranges::lower_bound(devices, uuid, {}, &ListedDevice::uuid);
  return found != devices.end() && found->uuid == uuid ? &*found : nullptr;
}

void publish(const FleetListing& listing, const api::BalenaFleet& fleet, FleetRolls& rolls) {
  // Of `devices: All` each has an object.
  if (!fleet.spec.enrol || !rolls.areWanted()) return;
  std::vector<DeviceUuid> uuids;
  uuids.reserve(listing.devices.size());
  for (const ListedDevice& device : listing.devices) {
    if (const auto uuid = DeviceUuid::parse(device.uuid)) uuids.push_back(*uuid);
  }
  rolls.put(fleet.meta.key, std::move(uuids), listing.takenAt);
}

Result<FleetListing> listFleet(const FleetView& view) {
  Summarizing visitor(view);
  const bool withTags = !view.object->spec.selector.tags.empty();
  const auto takenAt = view.balena->listFleet(view.fleetId, view.level, withTags, visitor);
  if (!takenAt) return fail(withContext(takenAt.error(), "balena"));
  std::ranges::sort(visitor.devices, {}, &ListedDevice::uuid);
  return FleetListing{std::move(visitor.devices), *takenAt};
}

}  // namespace bco
