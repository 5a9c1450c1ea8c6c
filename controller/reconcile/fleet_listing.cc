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

Result<FleetListing> listFleet(const FleetView& view) {
  Summarizing visitor(view);
  const bool withTags = !view.object->spec.selector.tags.empty();
  const auto takenAt = view.balena->listFleet(view.fleetId, view.level, withTags, visitor);
  if (!takenAt) return fail(withContext(takenAt.error(), "balena"));
  std::ranges::sort(visitor.devices, {}, &ListedDevice::uuid);
  return FleetListing{std::move(visitor.devices), *takenAt};
}

}  // namespace bco
