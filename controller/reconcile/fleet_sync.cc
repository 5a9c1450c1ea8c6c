#include "reconcile/fleet_sync.h"

#include <algorithm>

#include "plan/key_schedule.h"
#include "reconcile/budget_condition.h"
#include "reconcile/fleet_status.h"
#include "reconcile/report.h"
#include "reconcile/requests.h"
#include "reconcile/standing.h"

namespace bco {

std::optional<Duration> FleetSync::sync(const api::ObjectKey& key, const std::stop_token& stop,
                                        SweepKind kind) {
  const auto fleet = context_.store.fleets().get(key);
  context_.views.removals().revoke(key);  // what the last sweep has cleared, this one judges anew
  if (fleet == nullptr) {
    context_.views.forget(key);
    troubles_.forget(key);
    comparison_.forget(key);
    fleets_.forget(key);
    const bool isOver = discovery_.releaseAll(key, stop);
    deletion_.finishRegistries();
    if (isOver || stop.stop_requested()) return std::nullopt;
    return context_.backoff.longest;
  }
  if (fleet->meta.deletedAt) {
    Status finished = deletion_.finish(fleet);
    if (!finished) return failWith(*fleet, std::move(finished.error()), stop);
    return fleet->spec.syncInterval;
  }
  const SteadyPoint began = context_.clock.steadyNow();
  auto snapshots = read(fleet, stop);
  if (stop.stop_requested()) return std::nullopt;
  if (!snapshots) {
    tellSwept(key, began, nullptr);
    return failWith(*fleet, std::move(snapshots.error()), stop);
  }
  if (Status held = deletion_.hold(*fleet); !held) {
    return failWith(*fleet, std::move(held.error()), stop);
  }
  publish(snapshots->balena, *fleet, context_.views.rolls());
  snapshots->stale = removal_.note(*snapshots->view, snapshots->balena, *snapshots->registry, kind);
  const RefusedWrites refused = discovery_.discover(*snapshots, stop);
  comparison_.compare(*snapshots, stop);
  if (stop.stop_requested()) return std::nullopt;
  tellSwept(key, began, &*snapshots);
  snapshots->view->balena->learnTokenExpiry();
  return succeed(*snapshots, removal_.decide(*snapshots->view, snapshots->stale, kind),
                 refused.error());
}

void FleetSync::tellSwept(const api::ObjectKey& fleet, SteadyPoint began,
                          const SweepSnapshots* snapshots) {
  if (context_.observer == nullptr) return;
  SweepReport report{fleet, context_.clock.steadyNow() - began, std::nullopt};
  if (snapshots != nullptr) {
    report.snapshots = {snapshots->balena.takenAt, snapshots->registry->takenAt()};
  }
  context_.observer->onSweep(report);
}

std::optional<Duration> FleetSync::look(const api::ObjectKey& key, const std::stop_token& stop) {
  const auto fleet = context_.store.fleets().get(key);
  if (fleet == nullptr || fleet->meta.deletedAt) {
    context_.views.forget(key);
    return std::nullopt;
  }
  auto view = fleets_.look(fleet);
  if (!view) return failWith(*fleet, std::move(view.error()), stop);
  context_.views.set(key, *view);
  troubles_.forget(key);
  // Before the status: who is asked for after that has asked for himself, and one pass will do.
  comparison_.enqueueAskedFor(key);
  api::FleetStatus status = fleet->status;
  status.observedGeneration = fleet->meta.generation;
  status.fleetId = (*view)->fleetId;
  status.failureCount = 0;
  setStanding(status.conditions, Standing::kCurrent, "Available", "", fleet->meta.generation,
              context_.clock.now());
  untold_.note(api::ObjectKind::kFleet, fleet->meta,
               context_.store.fleets().setStatus(key, fleet->meta.uid, std::move(status)));
  return fleet->spec.syncInterval;
}

Result<SweepSnapshots> FleetSync::read(const std::shared_ptr<const api::BalenaFleet>& fleet,
                                       const std::stop_token& stop) {
  // A registry listing taken since this moment less half an interval serves all of its fleets.
  const TimePoint fresh = context_.clock.now() - fleet->spec.syncInterval / 2;
  auto view = fleets_.look(fleet);
  if (!view) return fail(std::move(view.error()));
  if (fleet->status.fleetId != 0 && fleet->status.fleetId != (*view)->fleetId) {
    return fail(ErrorCode::kInvalid,
                "balena's id of fleet " + fleet->spec.fleet + " has changed from " +
                    std::to_string(fleet->status.fleetId) + " to " +
                    std::to_string((*view)->fleetId) +
                    ": it is another fleet of the same name; make a new BalenaFleet for it");
  }
  auto registry = registries_.listing(*(*view)->registry, fresh, stop);
  if (!registry) return fail(std::move(registry.error()));
  auto devices = listFleet(**view);
  if (!devices) return fail(std::move(devices.error()));
  if (devices->devices.empty()) {
    if (auto problem = unexplained(**view, **registry)) return fail(std::move(*problem));
  }
  return SweepSnapshots{*view, std::move(*devices), *registry,
                        !context_.views.get(fleet->meta.key)};
}

// Why an empty list of devices is not believed; nullopt when every registration of the fleet
// belongs to a device that is declared Absent: then somebody has said that the fleet was to be
// emptied.
std::optional<Error> FleetSync::unexplained(const FleetView& view,
                                            const RegistryListing& registry) const {
  constexpr std::size_t kNamed = 100;
  std::set<std::string> absent;
  for (const auto& object : context_.store.devicesOfFleet(view.object->meta.key)) {
    if (object->spec.state == api::DesiredState::kAbsent) absent.insert(object->spec.uuid);
  }
  std::size_t owned = 0;
  std::string named;
  for (const auto& row : registry.rows()) {
    if (!isOf(view, row.registration) || absent.contains(row.uuid.text())) continue;
    if (++owned <= kNamed) named += (named.empty() ? "" : ", ") + row.uuid.text();
  }
  if (owned == 0) return std::nullopt;
  return Error{ErrorCode::kUnavailable,
               "balena lists no device in fleet " + view.object->spec.fleet + ", which has " +
                   std::to_string(owned) +
                   " registrations: not believed. Does the token see the devices? If the fleet was "
                   "emptied on purpose, declare a BalenaDevice with state: Absent for each of " +
                   named + (owned > kNamed ? ", ..." : "")};
}

void FleetSync::refresh(const api::ObjectKey& key) {
  const auto fleet = context_.store.fleets().get(key);
  if (fleet == nullptr || fleet->meta.deletedAt || fleet->status.observedGeneration < 0) return;
  api::FleetStatus status = fleet->status;
  countDevices(context_, key, status);
  status.renewal = countRenewal(context_, *fleet);
  // A sweep that came between knows better.
  if (!(status == fleet->status)) {
    untold_.note(api::ObjectKind::kFleet, fleet->meta,
                 context_.store.fleets().updateStatus(*fleet, std::move(status)));
  }
}

Duration FleetSync::succeed(const SweepSnapshots& snapshots, const StaleRemoval::Outcome& removal,
                            const std::optional<Error>& refusal) {
  const api::BalenaFleet& fleet = *snapshots.view->object;
  const auto object = context_.store.fleets().get(fleet.meta.key);
  const Duration interval = fleet.spec.syncInterval;
  Duration next = interval - interval / 10 + context_.random.upTo(interval / 5);
  if (object == nullptr || object->meta.uid != fleet.meta.uid) return next;
  api::FleetStatus status = object->status;
  if (status.failureCount > 0 && !refusal) {
    context_.log.info("fleet is back", {{"fleet", toString(fleet.meta.key)}});
    context_.events.event(api::ObjectKind::kFleet, fleet.meta, EventType::kNormal, "Synced",
                          "the fleet is in reach again");
  }
  status.lastHandledReconcileAt = reconcileRequest(fleet.meta);
  status.observedGeneration = fleet.meta.generation;
  status.fleetId = snapshots.view->fleetId;
  status.lastBalenaSync = snapshots.balena.takenAt;
  status.lastRegistrySync = snapshots.registry->takenAt();
  status.devices.stale = removal.stale;
  if (!refusal) {
    status.failureCount = 0;
    troubles_.forget(fleet.meta.key);
  }
  countDevices(context_, fleet.meta.key, status);
  status.renewal = countRenewal(context_, fleet);
  const TimePoint now = context_.clock.now();
  if (refusal) {
    const bool isNews = troubles_.note(fleet.meta, status, *refusal, now);
    if (isNews) tellProblem(fleet.meta, *refusal);
    if (traitsOf(refusal->code).transient) {
      next = std::min(next, backoff(context_.backoff, status.failureCount, context_.random));
    }
  } else {
    setStanding(status.conditions, Standing::kCurrent, "Synced", "", fleet.meta.generation, now);
  }
  setCondition(status.conditions,
               {"UpstreamAvailable", true, "Available", "", fleet.meta.generation, now});
  std::erase_if(status.conditions, [](const auto& c) { return c.type == "ClockSkew"; });
  reportRemoval(removal, fleet.meta.generation, now, status);
  reportBudget(fleets_.smallerBudget(fleet.meta.key), fleet.meta, now, status.conditions);
  if (setTokenExpiry(status, fleet, snapshots.view->balena->tokenExpiry(), now)) {
    const std::string message = findCondition(status.conditions, kTokenExpiresSoon)->message;
    context_.log.warn("balena's token ends soon",
                      {{"fleet", toString(fleet.meta.key)}, {"message", message}});
    context_.events.event(api::ObjectKind::kFleet, fleet.meta, EventType::kWarning,
                          kTokenExpiresSoon, message);
  }
  const Duration skew = snapshots.view->registry->registry->clockSkew();
  if (isSkewed(skew)) {
    const std::string message = "this machine's clock and ClearBlade's are " +
                                formatDuration(std::chrono::abs(skew)) +
                                " apart: set the clock (NTP); no key is issued until then";
    if (setCondition(status.conditions,
                     {"ClockSkew", true, "ClocksDiffer", message, fleet.meta.generation, now}) &&
        findCondition(object->status.conditions, "ClockSkew") == nullptr) {
      context_.log.error("clocks differ",
                         {{"fleet", toString(fleet.meta.key)}, {"error", message}});
      context_.events.event(api::ObjectKind::kFleet, fleet.meta, EventType::kWarning,
                            "ClocksDiffer", message);
    }
  }
  // Times alone are not worth a write, unless the old ones grow old; those that an earlier process
  // left have until our next sweep.
  api::FleetStatus before = object->status;
  const Duration old = snapshots.isFirst ? 2 * interval : interval / 2;
  const bool isRecent =
      before.lastBalenaSync && abs(snapshots.balena.takenAt - *before.lastBalenaSync) < old;
  before.lastBalenaSync = status.lastBalenaSync;
  before.lastRegistrySync = status.lastRegistrySync;
  // Only over what it was made from: a removal may have been counted meanwhile. Then, and when
  // somebody has edited the fleet, the next sweep says it.
  if (!isRecent || !(before == status)) {
    untold_.note(api::ObjectKind::kFleet, object->meta,
                 context_.store.fleets().updateStatus(*object, std::move(status)));
  }
  context_.log.debug("fleet swept",
                     {{"fleet", toString(fleet.meta.key)},
                      {"devices", std::to_string(snapshots.balena.devices.size())},
                      {"registrations", std::to_string(snapshots.registry->total())}});
  return next;
}

// Said once: a wrong token does not become right by being complained about every minute.
void FleetSync::tellProblem(const api::ObjectMeta& fleet, const Error& error) {
  const ErrorTraits& traits = traitsOf(error.code);
  context_.log.error(
      "fleet can't be synced",
      {{"fleet", toString(fleet.key)}, {"code", traits.label}, {"error", error.message}});
  context_.events.event(api::ObjectKind::kFleet, fleet, EventType::kWarning, traits.reason,
                        error.message);
}

Duration FleetSync::failWith(const api::BalenaFleet& fleet, Error error,
                             const std::stop_token& stop) {
  const TimePoint now = context_.clock.now();
  const auto current = context_.store.fleets().get(fleet.meta.key);
  const bool isThere = current != nullptr && current->meta.uid == fleet.meta.uid;
  api::FleetStatus status = isThere ? current->status : fleet.status;
  const bool isNews = troubles_.note(fleet.meta, status, error, now);
  const ErrorTraits& traits = traitsOf(error.code);
  const bool away = traits.cause == Cause::kOutage;
  setCondition(status.conditions, {"UpstreamAvailable", !away, std::string(traits.reason),
                                   error.message, fleet.meta.generation, now});
  status.lastHandledReconcileAt = reconcileRequest(fleet.meta);
  if (isNews) tellProblem(fleet.meta, error);
  const int failures = status.failureCount;
  if (isThere) {
    untold_.note(api::ObjectKind::kFleet, current->meta,
                 context_.store.fleets().updateStatus(*current, std::move(status)));
  }
  context_.views.setFailure(fleet.meta.key, error);
  if (isNews) comparison_.tellFleetProblem(fleet.meta.key, error, stop);
  if (!traits.transient) return fleet.spec.syncInterval;
  return std::max(backoff(context_.backoff, failures, context_.random),
                  error.retryAfter.value_or(Duration::zero()));
}

}  // namespace bco
