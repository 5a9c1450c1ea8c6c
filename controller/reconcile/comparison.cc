#include "reconcile/comparison.h"

#include <algorithm>

#include "plan/key_schedule.h"
#include "reconcile/desire.h"
#include "reconcile/report.h"
#include "reconcile/requests.h"
#include "reconcile/rivals.h"
#include "reconcile/verification.h"

namespace bco {
namespace {

// Somebody waits for a pass that has not been made, perhaps because its fleet was changed
// meanwhile.
bool isAskedFor(const api::BalenaDevice& device) {
  return !reconcileRequest(device.meta).empty() && !isHandled(device);
}

// What failed comes back in its own time. When that is over, whoever was to do so has gone, or has
// done so and could not say it: the answer to a status that was written is lost like any other.
bool comesBack(const api::DeviceStatus& status, const Context& context) {
  if (status.failureCount == 0) return false;
  if (!status.lastFailureTime) return true;
  const Duration ago = context.clock.now() - *status.lastFailureTime;
  return ago < 2 * context.backoff.longest && ago > -kMaxClockSkew;
}

// How a pass leaves a device that only somebody else can bring further, or in mode Observe all that
// it has left undone.
bool isAtRest(const api::BalenaDevice& device, api::Mode mode) {
  const api::DeviceStatus& status = device.status;
  if (!isHandled(device) || status.failureCount > 0 || !hasBeenLookedAt(status)) return false;
  // What another of our objects stands in the way of costs no read, and no sweep sees that it goes.
  const api::Condition* ready = findCondition(status.conditions, "Ready");
  if (ready->reason == nameOf(Reason::kDuplicateObject)) return false;
  return status.phase == api::Phase::kConflict || status.phase == api::Phase::kFailed ||
         (status.phase == api::Phase::kPending && mode == api::Mode::kObserve);
}

// A pass is due that a sweep would not call for.
bool isUnfinished(const api::BalenaDevice& device) {
  const bool isNew = device.status.observedGeneration == -1;
  const bool hasFailed = device.status.failureCount > 0;
  return device.meta.deletedAt || hasFailed || (!isNew && !isHandled(device));
}

}  // namespace

void Comparison::compare(const SweepSnapshots& snapshots, const std::stop_token& stop) {
  const FleetView& view = *snapshots.view;
  // Only now: a device may be reconciled as soon as its fleet has a view.
  context_.views.set(view.object->meta.key, snapshots.view);
  const auto managed = context_.views.fleetIds(view.object->spec.apiUrl);
  for (const auto& object : context_.store.devicesOfFleet(view.object->meta.key)) {
    if (stop.stop_requested()) return;
    // What an earlier process has left to be done, only it knew when.
    if (snapshots.isFirst && isUnfinished(*object)) {
      devices_.add(object->spec.uuid, Lane::kSweep);
      continue;
    }
    if (isAskedFor(*object)) {
      devices_.add(object->spec.uuid, Lane::kFresh);
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
  judgements_.prune(view.object->meta.key, context_.clock.steadyNow());
}

void Comparison::enqueueAskedFor(const api::ObjectKey& fleet) {
  for (const auto& device : context_.store.devicesOfFleet(fleet)) {
    if (isAskedFor(*device)) devices_.add(device->spec.uuid, Lane::kFresh);
  }
}

bool Comparison::staysAsItIs(const SweepSnapshots& snapshots, const api::BalenaDevice& object,
                             const DesiredDevice& desired, const ListedDevice* row,
                             const ListedRegistration* registration, const SweepFinding& finding) {
  const FleetView& view = *snapshots.view;
  if (!isAtRest(object, view.object->spec.mode)) return false;
  return judgements_.isKnown(view.object->meta.key, object.spec.uuid,
                             fingerprintOf(object, view, desired.managedFleets, row, registration,
                                           finding, context_.clock.now()),
                             desired.keys.verifyInterval, context_.clock.steadyNow());
}

void Comparison::judgeDevice(const SweepSnapshots& snapshots,
                             const store::Shared<api::BalenaDevice>& object,
                             const ListedDevice* row, const std::set<std::int64_t>& managed) {
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
  if (staysAsItIs(snapshots, *object, desired, row, registration, finding)) return;
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
  // What a pass has begun, or found wanting, a pass concludes: a sweep does not see whether the key
  // that is stored is the registered one.
  const bool isShared =
      rivalOf(*object, *snapshots.view, context_.store, context_.views) != nullptr;
  if (!finding.key || finding.needsVerification || hasBeenLookedAt(status) || isShared) {
    devices_.add(uuid, Lane::kSweep);
    return;
  }
  const auto held = hold(object, *snapshots.view);
  if (held == nullptr) {
    devices_.add(uuid, Lane::kSweep);  // a pass can say what is in the way
    return;
  }
  setStatus(*held, reportInSync(*held, desired, *finding.key, row->name, context_.clock.now()));
  // The stored key itself has not been seen.
  devices_.addAfter(
      uuid,
      firstVerification(finding.key->issuedAt, desired.keys, context_.clock.now(), context_.random),
      Lane::kSweep);
}

bool Comparison::followKey(const api::BalenaDevice& object, const SweepFinding& finding,
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
  const bool isKnown = object.status.phase == api::Phase::kReady && known &&
                       known->generation == finding.key->generation;
  if (!isKnown) return false;
  // What is spread from now on keeps to the time that the status names.
  const bool isNews = known->rotateAt != finding.rotation->shown(now);
  if (isNews) {
    api::DeviceStatus status = object.status;
    status.key->rotateAt = finding.rotation->shown(now);
    setStatus(object, status);
  }
  // An earlier process has planned it for itself alone.
  if ((isNews || isFirst) && finding.rotation->at > now) {
    devices_.addAfter(object.spec.uuid, finding.rotation->at - now, Lane::kSweep);
  }
  return isNews;
}

store::Shared<api::BalenaDevice> Comparison::hold(const store::Shared<api::BalenaDevice>& object,
                                                  const FleetView& view) {
  const api::ObjectMeta& meta = object->meta;
  if (meta.hasFinalizer() || meta.deletedAt || view.object->spec.mode == api::Mode::kObserve) {
    return object;
  }
  if (!context_.store.devices().setFinalizer(meta.key, meta.uid, true)) return nullptr;
  auto held = context_.store.devices().get(meta.key);
  const bool isHeld = held != nullptr && held->meta.uid == meta.uid && !held->meta.deletedAt &&
                      held->meta.hasFinalizer();
  return isHeld ? held : nullptr;
}

void Comparison::markStale(const api::BalenaDevice& object, const StaleRegistration& absent) {
  const bool isNew = object.status.phase != api::Phase::kStale;
  if (!isNew && (!absent.since || object.status.absentSince == absent.since)) return;
  setStatus(object, reportStale(object, absent.since, context_.clock.now()));
  if (isNew) context_.log.warn("registration is stale", {{"uuid", object.spec.uuid}});
}

// It is back, or in another fleet of ours, whatever else is wrong with it: its time begins anew
// when it leaves again.
void Comparison::forgetAbsence(const api::BalenaDevice& object) {
  api::DeviceStatus status = object.status;
  status.absentSince.reset();
  setStatus(object, status);
}

void Comparison::setStatus(const api::BalenaDevice& object, const api::DeviceStatus& status) {
  // A pass that came between knows better; and so it does if this is refused.
  if (context_.store.devices().updateStatus(object, status)) context_.tally.set(object, status);
}

void Comparison::tellFleetProblem(const api::ObjectKey& fleet, const Error& error,
                                  const std::stop_token& stop) {
  const TimePoint now = context_.clock.now();
  for (const auto& object : context_.store.devicesOfFleet(fleet)) {
    if (stop.stop_requested()) break;
    setStatus(*object, reportFleetProblem(*object, error, now));
  }
}

}  // namespace bco
