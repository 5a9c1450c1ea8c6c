#include "reconcile/stale_pass.h"

#include <algorithm>

#include "plan/planner.h"
#include "reconcile/apply.h"
#include "reconcile/observe.h"

namespace bco {
namespace {

// The fleet, if it is still just as it was when its sweep cleared the removal.
std::shared_ptr<const FleetView> viewOf(const Context& context, const api::ObjectKey& key) {
  const auto object = context.store.fleets().get(key);
  auto view = context.views.get(key);
  if (object == nullptr || !view) return nullptr;
  const api::BalenaFleet& known = *(*view)->object;
  const bool isSame = object->meta.uid == known.meta.uid &&
                      object->meta.generation == known.meta.generation && !object->meta.deletedAt;
  const bool removes = object->spec.stale.policy == api::StalePolicy::kDelete &&
                       object->spec.mode == api::Mode::kEnforce && !object->spec.suspend;
  return isSame && removes ? *view : nullptr;
}

// What is desired of a device without any object: that there is no registration.
DesiredDevice desireRemoval(const Context& context, const std::string& uuid,
                            const FleetView& fleet) {
  api::BalenaDevice device;
  device.meta.key = {fleet.object->meta.key.space, fleet.object->meta.key.name + "-" + uuid};
  device.spec.uuid = uuid;
  device.spec.fleet = fleet.object->meta.key.name;
  device.spec.state = api::DesiredState::kAbsent;
  DesiredDevice desired = desire({std::make_shared<const api::BalenaDevice>(std::move(device))},
                                 fleet, context.views.fleetIds(fleet.object->spec.apiUrl));
  for (const auto& each : context.store.fleets().list()) {
    const bool isInSameCloud = each->spec.apiUrl == fleet.object->spec.apiUrl;
    if (isInSameCloud && each->status.fleetId != 0)
      desired.managedFleets.insert(each->status.fleetId);
  }
  return desired;
}

// balena's numbers of all our fleets are known, also of those that can't be looked at just now.
bool areAllKnown(const Context& context) {
  return std::ranges::all_of(context.store.fleets().list(), [&](const auto& each) {
    return each->status.fleetId != 0 || context.views.get(each->meta.key);
  });
}

// Whether a token of another fleet that uses the same registry sees the device. An error when one
// of them could not be looked at yet: it might.
Result<bool> isSeenElsewhere(const Context& context, const std::string& uuid,
                             const FleetView& fleet) {
  for (const auto& each : context.store.fleets().list()) {
    if (each->registryKey() != fleet.object->registryKey() || each->meta.deletedAt) continue;
    if (const auto view = context.views.get(each->meta.key); !view) return fail(view.error());
  }
  std::set<const balena::BalenaApi*> asked = {fleet.balena.get()};
  for (const auto& view : context.views.all()) {
    if (view->registry->path != fleet.registry->path) continue;
    if (!asked.insert(view->balena.get()).second) continue;
    const auto device = view->balena->getDevice(uuid, {.lane = Lane::kSweep});
    if (device) return true;
    if (device.error().code != ErrorCode::kNotFound) return fail(device.error());
  }
  return false;
}

void reportRemoved(const Context& context, const DesiredDevice& desired, const Pass& pass,
                   const DeviceObjects& objects) {
  for (const auto& object : objects) {
    if (object->meta.isDiscovered()) {
      if (context.store.devices().release(object->meta.key, object->meta.uid)) {
        context.tally.remove(object->meta.key);
      }
      continue;  // else the next sweep lets it go
    }
    const api::DeviceStatus status =
        reportStaleRemoved(*object, desired, pass, context.clock.now());
    if (context.store.devices().setStatus(object->meta.key, object->meta.uid, status)) {
      context.tally.set(*object, status);
    }
    context.events.event(api::ObjectKind::kDevice, object->meta, EventType::kNormal,
                         nameOf(pass.plan.reason), pass.plan.message);
  }
}

}  // namespace

bool mayBeStale(const DeviceObjects& objects, const api::ObjectKey& fleet) {
  const auto isOrdinary = [&](const auto& each) {
    return each->fleetKey() == fleet && !each->meta.deletedAt && !each->spec.suspend &&
           each->spec.state == api::DesiredState::kPresent;
  };
  const auto declared =
      std::ranges::count_if(objects, [](const auto& each) { return !each->meta.isDiscovered(); });
  return std::ranges::all_of(objects, isOrdinary) && declared <= 1;
}

StalePass removeStale(const Context& context, const std::string& uuid, const Clearance& clearance,
                      const DeviceObjects& objects) {
  Removals& removals = context.views.removals();
  const auto fleet = viewOf(context, clearance.fleet);
  if (fleet == nullptr || !mayBeStale(objects, clearance.fleet)) {
    removals.drop(uuid);
    return StalePass::kUsual;
  }
  const auto failed = [&](const Error& error) {
    const bool needsPerson = !traitsOf(error.code).transient;
    const telemetry::Field fields[] = {{"uuid", uuid}, {"error", error.message}};
    context.log.log(needsPerson ? telemetry::LogLevel::kWarn : telemetry::LogLevel::kDebug,
                    "stale registration not removed yet", fields);
    if (needsPerson) {
      context.events.event(api::ObjectKind::kFleet, fleet->object->meta, EventType::kWarning,
                           "StaleKept", "a stale registration is kept: " + error.message);
    }
    return StalePass::kFailed;
  };

  const SteadyPoint observedAt = context.clock.steadyNow();
  const DesiredDevice desired = desireRemoval(context, uuid, *fleet);
  auto observed = observe(desired, *fleet, {.lane = Lane::kSweep});
  if (!observed) return failed(observed.error());
  const auto seenElsewhere =
      observed->device ? Result<bool>(false) : isSeenElsewhere(context, uuid, *fleet);
  if (!seenElsewhere) return failed(seenElsewhere.error());
  Pass pass;
  pass.plan = planStaleRemoval(desired, *observed, clearance.incarnation, areAllKnown(context),
                               context.clock.now());
  pass.observed = std::move(*observed);
  if (*seenElsewhere || pass.plan.verdict == Verdict::kRefuse) {
    context.log.info("stale registration kept",
                     {{"uuid", uuid},
                      {"reason", *seenElsewhere ? "another fleet's token sees the device"
                                                : std::string_view(pass.plan.message)}});
    removals.drop(uuid);
    return StalePass::kUsual;
  }

  if (pass.plan.verdict == Verdict::kAct) {
    auto applied = apply(pass.plan, desired, *pass.observed, *fleet, observedAt, context.clock,
                         context.random, Lane::kSweep);
    if (!applied) return failed(applied.error());
    context.log.info("stale registration removed",
                     {{"uuid", uuid}, {"fleet", toString(clearance.fleet)}});
    context.events.event(api::ObjectKind::kFleet, fleet->object->meta, EventType::kNormal,
                         nameOf(pass.plan.reason),
                         api::registrationId(uuid) + " removed: its device has left the fleet");
  }
  removals.drop(uuid);
  reportRemoved(context, desired, pass, objects);
  return StalePass::kRemoved;
}

}  // namespace bco
