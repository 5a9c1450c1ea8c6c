#include "reconcile/fleet_deletion.h"

#include <algorithm>

#include "reconcile/standing.h"

namespace bco {

Status FleetDeletion::hold(const api::BalenaFleet& fleet) {
  if (fleet.spec.mode == api::Mode::kObserve) return {};
  const auto registry = context_.store.registries().get(fleet.registryKey());
  if (registry != nullptr && !registry->meta.hasFinalizer() && !registry->meta.deletedAt) {
    Status held =
        context_.store.registries().setFinalizer(registry->meta.key, registry->meta.uid, true);
    if (!held) return held;
  }
  if (fleet.meta.hasFinalizer()) return {};
  return context_.store.fleets().setFinalizer(fleet.meta.key, fleet.meta.uid, true);
}

Status FleetDeletion::finish(const std::shared_ptr<const api::BalenaFleet>& fleet) {
  const api::ObjectKey& key = fleet->meta.key;
  const auto devices = context_.store.devicesOfFleet(key);
  if (devices.empty()) {
    context_.views.forget(key);
    Status gone = context_.store.fleets().setFinalizer(key, fleet->meta.uid, false);
    if (!gone && gone.error().code != ErrorCode::kNotFound) return gone;
    finishRegistries();
    return {};
  }
  if (fleet->spec.deletionPolicy == api::DeletionPolicy::kDelete) {
    auto view = fleets_.look(fleet);
    context_.views.forget(key);
    if (view) {
      context_.views.set(key, *view);
    } else if (view.error().code == ErrorCode::kNotFound) {
      context_.views.setFailure(key, view.error());  // and so its registrations are kept
    } else {
      return fail(std::move(view.error()));
    }
  }
  RefusedWrites refused;
  int declared = 0;
  for (const auto& device : devices) {
    if (device->meta.deletedAt) {
      devices_.add(device->spec.uuid, Lane::kFresh);
    } else if (device->meta.isDiscovered()) {
      if (refused.isHopeless()) continue;
      refused.note(context_.store.devices().remove(device->meta.key, device->meta.uid));
    } else {
      ++declared;
    }
  }
  if (auto error = refused.error()) return fail(std::move(*error));
  api::FleetStatus status = fleet->status;
  status.observedGeneration = fleet->meta.generation;
  std::string message = "waiting for " + std::to_string(devices.size()) + " devices to go";
  if (declared > 0) {
    message +=
        "; delete the " + std::to_string(declared) + " BalenaDevice objects that declare some";
  }
  setStanding(status.conditions, Standing::kInProgress, "Deleting", message, fleet->meta.generation,
              context_.clock.now());
  // Not over a removal that was counted meanwhile.
  untold_.note(api::ObjectKind::kFleet, fleet->meta,
               context_.store.fleets().updateStatus(*fleet, std::move(status)));
  return {};
}

void FleetDeletion::finishRegistries() {
  for (const auto& registry : context_.store.registries().list()) {
    if (!registry->meta.deletedAt) continue;
    const api::ObjectKey& key = registry->meta.key;
    const auto fleets = context_.store.fleets().list();
    const auto users = std::ranges::count_if(
        fleets, [&](const auto& fleet) { return fleet->registryKey() == key; });
    if (users == 0) {
      untold_.note(api::ObjectKind::kRegistry, registry->meta,
                   context_.store.registries().setFinalizer(key, registry->meta.uid, false));
      continue;
    }
    api::RegistryStatus status = registry->status;
    status.observedGeneration = registry->meta.generation;
    setStanding(status.conditions, Standing::kInProgress, "Deleting",
                "waiting for " + std::to_string(users) + " fleets that refer to it to go",
                registry->meta.generation, context_.clock.now());
    untold_.note(api::ObjectKind::kRegistry, registry->meta,
                 context_.store.registries().setStatus(key, registry->meta.uid, std::move(status)));
  }
}

}  // namespace bco
