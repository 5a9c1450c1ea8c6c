#include "reconcile/fleet_sync.h"

#include <algorithm>
#include <unordered_map>

#include "plan/key_schedule.h"
#include "plan/sweep.h"
#include "reconcile/desire.h"
#include "reconcile/report.h"
#include "reconcile/requests.h"
#include "reconcile/verification.h"

namespace bco {
namespace {

constexpr std::size_t kFailingShown = 5;

bool isOf(const FleetView& view, const ListedRegistration& registration) {
  return registration.isOurs && registration.fleetId == view.fleetId;
}

// Whether this fleet has a registration for the device, as far as listing and passes since know.
bool hasRegistration(const FleetView& view, const RegistryListing& listing,
                     const std::string& uuid) {
  const Hint hint = view.registry->hints->of(uuid);
  const ListedRegistration* listed = listing.find(uuid);
  return listed == nullptr ? hint == Hint::kPresent : isOf(view, *listed) && hint != Hint::kAbsent;
}

// Somebody has said in a discovered object that the device is to be left alone. What he said would
// be lost with the object, and the device be provisioned when it is selected again.
bool holdsBack(const api::BalenaDevice& object) {
  return object.spec.suspend || object.spec.state == api::DesiredState::kAbsent;
}

// What a pass has begun, or found wanting, a pass concludes: a sweep does not see whether the key
// that is stored is the registered one.
bool hasBeenLookedAt(const api::DeviceStatus& status) {
  const api::Condition* ready = findCondition(status.conditions, "Ready");
  return ready != nullptr && ready->reason != kFleetNotReady;
}

// What failed comes back in its own time. When that is over, whoever was to do so has gone, or has
// done so and could not say it: the answer to a status that was written is lost like any other.
bool comesBack(const api::DeviceStatus& status, const Context& context) {
  if (status.failureCount == 0) return false;
  if (!status.lastFailureTime) return true;
  const Duration ago = context.clock.now() - *status.lastFailureTime;
  return ago < 2 * context.backoff.longest && ago > -kMaxClockSkew;
}

// A pass is due that a sweep would not call for.
bool isUnfinished(const api::BalenaDevice& device) {
  const bool isNew = device.status.observedGeneration == -1;
  const bool hasFailed = device.status.failureCount > 0;
  return device.meta.deletedAt || hasFailed || (!isNew && !isHandled(device));
}

}  // namespace

std::optional<Duration> FleetSync::sync(const api::ObjectKey& key, const std::stop_token& stop,
                                        SweepKind kind) {
  const auto fleet = context_.store.fleets().get(key);
  context_.views.removals().revoke(key);  // what the last sweep has cleared, this one judges anew
  if (fleet == nullptr) {
    context_.views.forget(key);
    for (const auto& object : context_.store.devicesOfFleet(key)) {
      if (object->meta.isDiscovered() && !holdsBack(*object)) release(*object);
    }
    deletion_.finishRegistries();
    return std::nullopt;
  }
  if (fleet->meta.deletedAt) {
    Status finished = deletion_.finish(fleet);
    if (!finished) return failWith(*fleet, std::move(finished.error()));
    return fleet->spec.syncInterval;
  }
  const SteadyPoint began = context_.clock.steadyNow();
  auto snapshots = read(fleet, stop);
  if (stop.stop_requested()) return std::nullopt;
  if (!snapshots) {
    tellSwept(key, began, nullptr);
    return failWith(*fleet, std::move(snapshots.error()));
  }
  if (Status held = deletion_.hold(*fleet); !held) return failWith(*fleet, std::move(held.error()));
  snapshots->stale = removal_.note(*snapshots->view, snapshots->balena, *snapshots->registry, kind);
  discover(*snapshots);
  compare(*snapshots);
  tellSwept(key, began, &*snapshots);
  // Nobody but who looks at metrics would see it.
  if (context_.observer != nullptr) snapshots->view->balena->learnTokenExpiry();
  return succeed(*snapshots, removal_.decide(*snapshots->view, snapshots->stale, kind));
}

void FleetSync::tellSwept(const api::ObjectKey& fleet, SteadyPoint began,
                          const Snapshots* snapshots) {
  if (context_.observer == nullptr) return;
  SweepReport report{fleet, context_.clock.steadyNow() - began, std::nullopt};
  if (snapshots != nullptr) {
    report.snapshots = {snapshots->balena.takenAt, snapshots->registry->takenAt()};
  }
  context_.observer->onSweep(report);
}

Result<FleetSync::Snapshots> FleetSync::read(const std::shared_ptr<const api::BalenaFleet>& fleet,
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
  return Snapshots{*view, std::move(*devices), *registry, !context_.views.get(fleet->meta.key)};
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

// With `devices: All`, an object for each selected device that nobody has declared. Discovered
// objects that are no longer wanted are let go; that alone changes nothing in the clouds.
void FleetSync::discover(const Snapshots& snapshots) {
  const api::BalenaFleet& fleet = *snapshots.view->object;
  const api::ObjectKey& fleetKey = fleet.meta.key;
  const bool all = fleet.spec.devices == api::DeviceSource::kAll;
  std::unordered_map<std::string, store::Shared<api::BalenaDevice>> discovered;
  std::set<std::string> declared;
  for (const auto& object : context_.store.devicesOfFleet(fleetKey)) {
    if (object->meta.isDiscovered()) {
      discovered.emplace(object->spec.uuid, object);
    } else {
      declared.insert(object->spec.uuid);
    }
  }
  if (all) {
    for (const ListedDevice& row : snapshots.balena.devices) {
      const auto existing = discovered.find(row.uuid);
      const bool wanted = row.isSelected && !declared.contains(row.uuid);
      if (existing != discovered.end()) {
        if (wanted) discovered.erase(existing);
        continue;
      }
      if (!wanted) continue;
      api::BalenaDevice device;
      device.meta.key = {fleetKey.space, fleetKey.name + "-" + row.uuid};
      device.meta.labels.emplace(api::kFleetLabel, fleetKey.name);
      device.meta.labels.emplace(api::kDiscoveredLabel, "true");
      device.spec.uuid = row.uuid;
      device.spec.fleet = fleetKey.name;
      (void)context_.store.devices().create(std::move(device));  // exists: as wanted
    }
  }
  for (const auto& [uuid, object] : discovered) {
    // One whose device has left balena stays while its registration does, to show that it is stale.
    const bool isDeclared = declared.contains(uuid);
    const bool isAbsent = all && snapshots.balena.find(uuid) == nullptr && !isDeclared;
    if (isAbsent && hasRegistration(*snapshots.view, *snapshots.registry, uuid)) continue;
    if (holdsBack(*object) && !isDeclared) continue;
    release(*object);
  }
  // What other fleets of ours have discovered and this one now lists has moved here. Fleets in
  // another cloud know nothing of that, and other namespaces see to theirs.
  for (const ListedDevice& row : snapshots.balena.devices) {
    for (const auto& object : inNamespace(fleetKey.space, context_.store.devicesByUuid(row.uuid))) {
      if (!object->meta.isDiscovered() || object->fleetKey() == fleetKey) continue;
      const auto other = context_.store.fleets().get(object->fleetKey());
      if (other == nullptr || other->spec.apiUrl == fleet.spec.apiUrl) release(*object);
    }
  }
}

void FleetSync::release(const api::BalenaDevice& object) {
  (void)context_.store.devices().release(object.meta.key, object.meta.uid);
  context_.tally.remove(object.meta.key);
}

void FleetSync::compare(const Snapshots& snapshots) {
  const FleetView& view = *snapshots.view;
  // Only now: a device may be reconciled as soon as its fleet has a view.
  context_.views.set(view.object->meta.key, snapshots.view);
  const auto managed = context_.views.fleetIds(view.object->spec.apiUrl);
  for (const auto& object : context_.store.devicesOfFleet(view.object->meta.key)) {
    // What an earlier process has left to be done, only it knew when.
    if (snapshots.isFirst && isUnfinished(*object)) {
      devices_.add(object->spec.uuid, Lane::kSweep);
      continue;
    }
    const ListedDevice* row = snapshots.balena.find(object->spec.uuid);
    judgeDevice(snapshots, object, row, managed);
    const bool isElsewhere = snapshots.stale.elsewhere.contains(object->spec.uuid);
    if ((row == nullptr && !isElsewhere) || !object->status.absentSince) continue;
    // What it is then, a pass says.
    if (isElsewhere) devices_.add(object->spec.uuid, Lane::kSweep);
    const auto now = context_.store.devices().get(object->meta.key);
    if (now != nullptr && now->status.absentSince) forgetAbsence(*now);
  }
}

void FleetSync::judgeDevice(const Snapshots& snapshots,
                            const store::Shared<api::BalenaDevice>& object, const ListedDevice* row,
                            const std::set<std::int64_t>& managed) {
  const api::DeviceStatus& status = object->status;
  const std::string& uuid = object->spec.uuid;
  // What has been looked at since the snapshots is better known than they know it; what failed has
  // its own time to come back.
  const TimePoint takenAt = std::min(snapshots.balena.takenAt, snapshots.registry->takenAt());
  const auto verifiedAt = lastVerified(status.key, context_.clock.now());
  if (verifiedAt && *verifiedAt >= takenAt) return;
  if (comesBack(status, context_)) return;
  // What several objects make of one device is for a pass over all of them to say.
  if (inNamespace(object->meta.key.space, context_.store.devicesByUuid(uuid)).size() > 1) {
    devices_.add(uuid, Lane::kSweep);
    return;
  }

  const DesiredDevice desired = desire({object}, *snapshots.view, managed);
  if (desired.suspended) {
    devices_.add(uuid, Lane::kSweep);
    return;
  }
  const ListedRegistration* registration = snapshots.registry->find(uuid);
  if (row == nullptr && desired.present) {
    if (const StaleRegistration* absent = snapshots.stale.find(uuid)) {
      markStale(*object, *absent);
      return;
    }
    // It has been looked at, and nothing that a sweep sees has changed.
    if (status.phase == api::Phase::kWaiting || status.phase == api::Phase::kFailed ||
        status.phase == api::Phase::kStale) {
      return;
    }
  }
  const SweepFinding finding = judge(desired, row, registration, context_.clock.now(),
                                     snapshots.view->registry->registry->clockSkew());
  if (finding.revocationIsDue) {
    devices_.add(uuid, Lane::kRevocation);
    return;
  }
  if (!finding.inSync) {
    const bool isNew = status.phase == api::Phase::kPending;
    devices_.add(uuid, isNew ? Lane::kFresh : Lane::kSweep);
    return;
  }
  if (followKey(*object, finding, snapshots.isFirst)) return;
  // A pass says so; nobody else may change it.
  const bool isShownBlocked = findCondition(status.conditions, api::kBlocked) != nullptr;
  if (finding.isBlocked != isShownBlocked || (context_.verifiesAll && !verifiedAt)) {
    devices_.add(uuid, Lane::kSweep);
    return;
  }
  // Whoever was to verify it has gone, or never knew: later than any pass that was planned.
  if (verifiedAt && context_.clock.now() - *verifiedAt > desired.keys.verifyInterval * 5 / 4) {
    devices_.add(uuid, Lane::kSweep);
    return;
  }
  if (status.phase == api::Phase::kReady || status.phase == api::Phase::kAbsent) return;
  if (!finding.key || finding.needsVerification || hasBeenLookedAt(status)) {
    devices_.add(uuid, Lane::kSweep);
    return;
  }
  const auto held = hold(object, *snapshots.view);
  if (held == nullptr) return;
  setStatus(*held, reportInSync(*held, desired, *finding.key, row->name, context_.clock.now()));
  // The stored key itself has not been seen.
  devices_.addAfter(
      uuid,
      firstVerification(finding.key->issuedAt, desired.keys, context_.clock.now(), context_.random),
      Lane::kSweep);
}

bool FleetSync::followKey(const api::BalenaDevice& object, const SweepFinding& finding,
                          bool isFirst) {
  if (!finding.key) return false;
  const TimePoint now = context_.clock.now();
  const auto& known = object.status.key;
  const auto lookedAt = lastVerified(known, now);
  const bool isReplaced = known && known->generation != finding.key->generation && lookedAt &&
                          finding.key->issuedAt > *lookedAt;
  // A pass of ours that has looked since knows better when to come again: the device is away, say.
  const bool isDue =
      finding.rotation->at <= now && (isFirst || !lookedAt || *lookedAt < finding.rotation->since);
  if (isReplaced || isDue) {
    devices_.add(object.spec.uuid, Lane::kSweep);
    return true;
  }
  // What is spread from now on keeps to the time that the status names.
  const bool isNews = object.status.phase == api::Phase::kReady && known &&
                      known->generation == finding.key->generation &&
                      known->rotateAt != finding.rotation->shown(now);
  if (isNews) {
    api::DeviceStatus status = object.status;
    status.key->rotateAt = finding.rotation->shown(now);
    setStatus(object, status);
    if (finding.rotation->at > now) {
      devices_.addAfter(object.spec.uuid, finding.rotation->at - now, Lane::kSweep);
    }
  }
  return isNews;
}

store::Shared<api::BalenaDevice> FleetSync::hold(const store::Shared<api::BalenaDevice>& object,
                                                 const FleetView& view) {
  const api::ObjectMeta& meta = object->meta;
  if (meta.hasFinalizer() || meta.deletedAt || view.object->spec.mode == api::Mode::kObserve) {
    return object;
  }
  if (!context_.store.devices().setFinalizer(meta.key, meta.uid, true)) return nullptr;
  return context_.store.devices().get(meta.key);
}

void FleetSync::markStale(const api::BalenaDevice& object, const StaleRegistration& absent) {
  const bool isNew = object.status.phase != api::Phase::kStale;
  if (!isNew && (!absent.since || object.status.absentSince == absent.since)) return;
  api::DeviceStatus status = object.status;
  status.observedGeneration = object.meta.generation;
  status.phase = api::Phase::kStale;
  if (absent.since) status.absentSince = absent.since;
  setCondition(status.conditions,
               {"Ready", false, "Stale",
                "the device is no longer in balena's fleet: what becomes of its registration, the "
                "fleet's stale.policy says",
                object.meta.generation, context_.clock.now()});
  setStatus(object, status);
  if (isNew) context_.log.warn("registration is stale", {{"uuid", object.spec.uuid}});
}

// It is back, or in another fleet of ours, whatever else is wrong with it: its time begins anew
// when it leaves again.
void FleetSync::forgetAbsence(const api::BalenaDevice& object) {
  api::DeviceStatus status = object.status;
  status.absentSince.reset();
  setStatus(object, status);
}

void FleetSync::setStatus(const api::BalenaDevice& object, const api::DeviceStatus& status) {
  // A pass that came between knows better.
  if (context_.store.devices().updateStatus(object, status)) context_.tally.set(object, status);
}

// How far a renewal has come that the fleet's keys.renewAfter asks for.
api::RenewalStatus FleetSync::countRenewal(const api::BalenaFleet& fleet) const {
  api::RenewalStatus renewal;
  const auto& renewAfter = fleet.spec.keys.renewAfter;
  if (!renewAfter || *renewAfter > context_.clock.now()) return renewal;
  for (const auto& device : context_.store.devicesOfFleet(fleet.meta.key)) {
    const auto& key = device->status.key;
    if (!key || !key->issuedAt || device->spec.keys.renewAfter) continue;
    ++renewal.requested;
    if (*key->issuedAt >= *renewAfter) ++renewal.done;
  }
  return renewal;
}

void FleetSync::countDevices(const api::ObjectKey& fleet, api::FleetStatus& status) {
  // Also those that no object names, which only a sweep sees.
  const int stale = status.devices.stale;
  status.devices = context_.tally.countsOf(fleet);
  status.devices.stale = stale;
  status.failing.clear();
  if (status.devices.failed + status.devices.conflict == 0) return;
  for (const auto& device : context_.store.devicesOfFleet(fleet)) {
    const bool failing = device->status.phase == api::Phase::kFailed ||
                         device->status.phase == api::Phase::kConflict;
    const api::Condition* ready = findCondition(device->status.conditions, "Ready");
    if (!failing || ready == nullptr) continue;
    status.failing.push_back({device->spec.uuid, ready->reason, ready->message});
    if (status.failing.size() == kFailingShown) break;
  }
}

void FleetSync::refresh(const api::ObjectKey& key) {
  const auto fleet = context_.store.fleets().get(key);
  if (fleet == nullptr || fleet->meta.deletedAt || fleet->status.observedGeneration < 0) return;
  api::FleetStatus status = fleet->status;
  countDevices(key, status);
  status.renewal = countRenewal(*fleet);
  // A sweep that came between knows better.
  if (!(status == fleet->status)) {
    (void)context_.store.fleets().updateStatus(*fleet, std::move(status));
  }
}

Duration FleetSync::succeed(const Snapshots& snapshots, const StaleRemoval::Outcome& removal) {
  const api::BalenaFleet& fleet = *snapshots.view->object;
  const auto object = context_.store.fleets().get(fleet.meta.key);
  const Duration interval = fleet.spec.syncInterval;
  const Duration next = interval - interval / 10 + context_.random.upTo(interval / 5);
  if (object == nullptr || object->meta.uid != fleet.meta.uid) return next;
  api::FleetStatus status = object->status;
  if (status.failureCount > 0) {
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
  status.failureCount = 0;
  countDevices(fleet.meta.key, status);
  status.renewal = countRenewal(fleet);
  const TimePoint now = context_.clock.now();
  setCondition(status.conditions, {"Ready", true, "Synced", "", fleet.meta.generation, now});
  setCondition(status.conditions,
               {"UpstreamAvailable", true, "Available", "", fleet.meta.generation, now});
  std::erase_if(status.conditions,
                [](const auto& c) { return c.type == "Stalled" || c.type == "ClockSkew"; });
  reportRemoval(removal, fleet.meta.generation, now, status);
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
      before.lastBalenaSync && snapshots.balena.takenAt - *before.lastBalenaSync < old;
  before.lastBalenaSync = status.lastBalenaSync;
  before.lastRegistrySync = status.lastRegistrySync;
  // Only over what it was made from: a removal may have been counted meanwhile. Then, and when
  // somebody has edited the fleet, the next sweep says it.
  if (!isRecent || !(before == status)) {
    (void)context_.store.fleets().updateStatus(*object, std::move(status));
  }
  context_.log.debug("fleet swept",
                     {{"fleet", toString(fleet.meta.key)},
                      {"devices", std::to_string(snapshots.balena.devices.size())},
                      {"registrations", std::to_string(snapshots.registry->total())}});
  return next;
}

Duration FleetSync::failWith(const api::BalenaFleet& fleet, Error error) {
  const TimePoint now = context_.clock.now();
  const bool stalled = !traitsOf(error.code).transient;  // needs a person
  const auto current = context_.store.fleets().get(fleet.meta.key);
  const bool isThere = current != nullptr && current->meta.uid == fleet.meta.uid;
  api::FleetStatus status = isThere ? current->status : fleet.status;
  ++status.failureCount;
  status.lastFailureTime = now;
  const std::string reason(traitsOf(error.code).reason);
  const bool isNews = setCondition(
      status.conditions, {"Ready", false, reason, error.message, fleet.meta.generation, now});
  if (stalled) {
    setCondition(status.conditions,
                 {"Stalled", true, reason, error.message, fleet.meta.generation, now});
  } else {
    std::erase_if(status.conditions, [](const auto& c) { return c.type == "Stalled"; });
  }
  const bool away = traitsOf(error.code).cause == Cause::kOutage;
  setCondition(status.conditions,
               {"UpstreamAvailable", !away, reason, error.message, fleet.meta.generation, now});
  status.observedGeneration = fleet.meta.generation;
  status.lastHandledReconcileAt = reconcileRequest(fleet.meta);
  // Said once: a wrong token does not become right by being complained about every minute.
  if (isNews) {
    context_.log.error("fleet can't be synced", {{"fleet", toString(fleet.meta.key)},
                                                 {"code", traitsOf(error.code).label},
                                                 {"error", error.message}});
    context_.events.event(api::ObjectKind::kFleet, fleet.meta, EventType::kWarning, reason,
                          error.message);
  }
  const int failures = status.failureCount;
  if (isThere) (void)context_.store.fleets().updateStatus(*current, std::move(status));
  context_.views.setFailure(fleet.meta.key, error);
  if (isNews) {
    for (const auto& object : context_.store.devicesOfFleet(fleet.meta.key)) {
      setStatus(*object, reportFleetProblem(*object, error, now));
    }
  }
  if (stalled) return fleet.spec.syncInterval;
  return std::max(backoff(context_.backoff, failures, context_.random),
                  error.retryAfter.value_or(Duration::zero()));
}

}  // namespace bco
