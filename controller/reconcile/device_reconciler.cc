#include "reconcile/device_reconciler.h"

#include <algorithm>
#include <array>

#include "core/text.h"
#include "reconcile/apply.h"
#include "reconcile/observe.h"
#include "reconcile/pass_log.h"
#include "reconcile/removal_count.h"
#include "reconcile/rivals.h"
#include "reconcile/stale_pass.h"

namespace bco {
namespace {

// Between passes whose result could not be written: the API server is away.
constexpr Duration kStatusInterval = std::chrono::seconds(10);

// The one value of the annotation that lets an object go.
constexpr std::string_view kReleases = "true";

bool writes(const Plan& plan) { return plan.verdict == Verdict::kAct; }

// An earlier object, or another installation of the same owner, has done so.
bool isProvisioned(const Pass& pass, const DesiredDevice& desired) {
  return desired.present && pass.plan.verdict == Verdict::kInSync;
}

// What the device needs is done.
bool isInOrder(const Pass& pass) {
  return !pass.error && !pass.observeOnly &&
         (pass.plan.verdict == Verdict::kInSync || writes(pass.plan));
}

// Of an object that is not the one to look after its device.
Pass refused(Reason reason, std::string message) {
  Pass pass;
  pass.plan = {Verdict::kRefuse, reason, std::move(message), {}, {}};
  return pass;
}

Pass movedTo(const api::ObjectKey& fleet) {
  return refused(Reason::kMovedToAnotherFleet,
                 "balena has the device in the fleet of " + toString(fleet) +
                     ", which looks after it: correct fleetRef, or remove this object");
}

Pass heldBy(const api::ObjectKey& rival) {
  return refused(Reason::kDuplicateObject,
                 "BalenaDevice " + toString(rival) +
                     ", in another namespace, looks after this device: keep one of them");
}

// Nothing is left that an object being deleted would have to do.
bool hasNothingToRemove(const Pass& pass) {
  if (pass.error || pass.observeOnly) return false;
  if (pass.plan.verdict == Verdict::kInSync || pass.plan.verdict == Verdict::kAct) return true;
  return pass.plan.verdict == Verdict::kRefuse &&
         (pass.plan.reason == Reason::kNotOurs || pass.plan.reason == Reason::kVariablesLeft ||
          pass.plan.reason == Reason::kMovedToAnotherFleet ||
          pass.plan.reason == Reason::kDuplicateObject);
}

std::string_view releaseOf(const api::BalenaDevice& object) {
  const auto found = object.meta.annotations.find(api::kReleaseAnnotation);
  return found == object.meta.annotations.end() ? std::string_view() : found->second;
}

// Whoever took another word for "true" is told that his object goes by its policy.
void noteRelease(Pass& pass, const api::BalenaDevice& object) {
  const std::string_view said = releaseOf(object);
  if (!object.meta.deletedAt || said.empty() || said == kReleases || said == "false") return;
  std::string& message = pass.error ? pass.error->message : pass.plan.message;
  if (!message.empty()) message += "; ";
  message += "the annotation release: \"" + printable(said.substr(0, 40)) +
             "\" has no effect: only \"true\" has";
}

std::string newReconcileId(Random& random) {
  std::array<std::uint8_t, 6> bytes{};
  random.fill(bytes);
  return toHex(bytes);
}

}  // namespace

template <class Make>
std::optional<Duration> DeviceReconciler::observed(Make make) {
  const SteadyPoint began = context_.clock.steadyNow();
  PassReport told;
  const std::optional<Duration> next = make(told);
  told.took = context_.clock.steadyNow() - began;
  told.comesAgain = next.has_value();
  if (context_.observer != nullptr) context_.observer->onPass(told);
  return next;
}

bool DeviceReconciler::removeIfStale(const std::string& uuid, const Clearance& clearance,
                                     const DeviceObjects& objects) {
  StalePass ended = StalePass::kUsual;
  (void)observed([&](PassReport& told) -> std::optional<Duration> {
    ended = removeStale(context_, uuid, clearance, objects);
    told.fleet = clearance.fleet;
    told.failed = ended == StalePass::kFailed;
    if (ended != StalePass::kUsual) {
      told.work = {Operation::kRemove,
                   told.failed ? PassOutcome::kFailed : PassOutcome::kSucceeded};
    }
    return std::nullopt;
  });
  return ended != StalePass::kUsual;
}

std::optional<Duration> DeviceReconciler::reconcile(const std::string& uuid, Lane& lane) {
  DeviceObjects all = context_.store.devicesByUuid(uuid);
  const auto clearance = context_.views.removals().find(uuid);
  const bool isRemoval =
      clearance && removeIfStale(uuid, *clearance, inNamespace(clearance->fleet.space, all));
  std::optional<Duration> next;
  const Lane came = lane;
  lane = Lane::kSweep;
  for (DeviceObjects& objects : byNamespace(std::move(all))) {
    if (isRemoval && objects.front()->meta.key.space == clearance->fleet.space) continue;
    Lane ofThese = came;
    const auto again = observed(
        [&](PassReport& told) { return reconcileObjects(std::move(objects), told, ofThese); });
    lane = std::min(lane, ofThese);
    if (again) next = std::min(next.value_or(*again), *again);
  }
  return next;
}

std::optional<Duration> DeviceReconciler::reconcileObjects(DeviceObjects all, PassReport& told,
                                                           Lane& lane) {
  const DeviceObjects objects = withoutSuperseded(std::move(all));
  const api::BalenaDevice& object = governing(objects);
  told.fleet = object.fleetKey();
  const auto fleetObject = context_.store.fleets().get(object.fleetKey());
  if (object.meta.deletedAt && mayGo(object, fleetObject.get())) return letGo(object);
  const auto fleet = viewOf(object, fleetObject.get());
  if (!fleet) {
    // Without the registry or a Secret nobody can remove anything any more.
    if (object.meta.deletedAt && fleet.error().code == ErrorCode::kNotFound) {
      return retain(object, fleet.error().message);
    }
    // Before its fleet's first sweep nothing is known that would be worth a status.
    if (fleetObject == nullptr || context_.views.knows(object.fleetKey())) {
      for (const auto& each : objects) {
        setStatus(*each, reportFleetProblem(*each, fleet.error(), context_.clock.now()));
      }
    }
    return std::nullopt;  // the fleet's first sweep brings its devices back
  }
  // Changed since its last look: nothing is done by rules that no longer hold. The sweep that the
  // change has called for looks at the device again.
  if (fleetObject->meta.uid != (*fleet)->object->meta.uid ||
      fleetObject->meta.generation != (*fleet)->object->meta.generation) {
    return (*fleet)->object->spec.syncInterval;
  }

  const std::string reconcileId = newReconcileId(context_.random);
  auto early = context_.views.earlyReads().take(object.fleetKey(), object.spec.uuid,
                                                context_.clock.steadyNow());
  const SteadyPoint observedAt = early ? early->at : context_.clock.steadyNow();
  const DesiredDevice desired = desire(objects, **fleet, managedWith(**fleet));
  const auto rival = rivalOf(object, **fleet, context_.store, context_.views);
  Looking looking{lane, readAhead_, {}};
  if (early) looking.early = std::move(early->device);
  Pass pass = rival != nullptr ? heldBy(rival->meta.key)
                               : observeAndPlan(desired, **fleet, std::move(looking));
  pass.observeOnly = (*fleet)->object->spec.mode == api::Mode::kObserve;
  if (!pass.error && !pass.observeOnly) keepPace(pass, desired, object.fleetKey());
  if (!pass.error && !pass.observeOnly && (writes(pass.plan) || isProvisioned(pass, desired))) {
    if (Status held = hold(object); !held) {
      pass.error = std::move(held.error());
    } else if (writes(pass.plan)) {
      carryOut(pass, object, desired, **fleet, observedAt, reconcileId, lane);
    }
  }
  noteRelease(pass, object);
  tell(context_, pass, object, reconcileId);
  note(told, pass, object);
  const bool isOver = object.meta.deletedAt && hasNothingToRemove(pass);
  // Nobody would see its last status, unless others hold it too.
  if (isOver && object.meta.finalizers.size() == 1) return letGo(object);
  bool isReported = true;
  for (const auto& each : objects) {
    const bool governs = each->fleetKey() == object.fleetKey();
    isReported &= setStatus(
        *each,
        report(*each, desired, governs ? pass : movedTo(object.fleetKey()), context_.clock.now()));
  }
  if (object.meta.deletedAt && pass.observeOnly) {
    return retain(object, "its fleet is in mode Observe");
  }
  if (isOver) return letGo(object);
  if (!isReported) return kStatusInterval + context_.random.upTo(kStatusInterval);
  if (isInOrder(pass)) lane = Lane::kSweep;
  return comeAgain(pass, object.status.failureCount + (pass.error ? 1 : 0));
}

Pass DeviceReconciler::preview(const api::BalenaDevice& object) {
  const DeviceObjects objects =
      inNamespace(object.meta.key.space, context_.store.devicesByUuid(object.spec.uuid));
  Pass pass;
  if (objects.empty()) {
    pass.error =
        Error{ErrorCode::kNotFound, "BalenaDevice " + toString(object.meta.key) + " has gone"};
    return pass;
  }
  const auto fleet = context_.views.get(governing(objects).fleetKey());
  if (!fleet) {
    pass.error = fleet.error();
    return pass;
  }
  return observeAndPlan(desire(objects, **fleet, managedWith(**fleet)), **fleet);
}

Pass DeviceReconciler::observeAndPlan(const DesiredDevice& desired, const FleetView& fleet,
                                      Looking looking) {
  Pass pass;
  if (desired.suspended || desired.duplicate) {
    pass.plan = context_.plan(desired, {}, context_.clock.now());
    return pass;
  }
  auto observed = observe(desired, fleet, std::move(looking));
  if (!observed) {
    pass.error = std::move(observed.error());
    return pass;
  }
  pass.plan = context_.plan(desired, *observed, context_.clock.now());
  pass.observed = std::move(*observed);
  pass.notices = noticesOf(desired, *pass.observed, context_.clock.now());
  return pass;
}

std::set<std::int64_t> DeviceReconciler::managedWith(const FleetView& fleet) const {
  return context_.views.fleetIds(fleet.object->spec.apiUrl);
}

Status DeviceReconciler::hold(const api::BalenaDevice& object) {
  const auto objects =
      inNamespace(object.meta.key.space, context_.store.devicesByUuid(object.spec.uuid));
  for (const auto& each : objects) {
    if (each->meta.hasFinalizer() || each->meta.deletedAt) continue;
    Status held = context_.store.devices().setFinalizer(each->meta.key, each->meta.uid, true);
    if (!held) return held;
  }
  // What has gone during the pass, or began to, desires nothing any more; and what is written
  // without a finalizer nobody would ever remove.
  const auto held = context_.store.devices().get(object.meta.key);
  const bool isHeld = held != nullptr && held->meta.uid == object.meta.uid &&
                      held->meta.hasFinalizer() &&
                      held->meta.deletedAt.has_value() == object.meta.deletedAt.has_value();
  if (isHeld) return {};
  return fail(ErrorCode::kConflict,
              "BalenaDevice " + toString(object.meta.key) + " is gone, or was deleted meanwhile");
}

void DeviceReconciler::keepPace(Pass& pass, const DesiredDevice& desired,
                                const api::ObjectKey& fleet) {
  if (!pass.plan.isFleetRenewal) return;
  const TimePoint now = context_.clock.now();
  const TimePoint start =
      pace_.startOf(fleet, desired.uuid, desired.keys.renewal.maxConcurrent, now);
  if (start > now) pass.plan = {Verdict::kInSync, Reason::kSynced, "", {}, start};
}

void DeviceReconciler::carryOut(Pass& pass, const api::BalenaDevice& object,
                                const DesiredDevice& desired, const FleetView& fleet,
                                SteadyPoint observedAt, const std::string& reconcileId, Lane lane) {
  auto braked = brakeDeletion(context_, object, fleet, *pass.observed, pass.plan);
  if (!braked) {
    pass.error = std::move(braked.error());
    return;
  }
  pass.plan = std::move(*braked);
  if (!writes(pass.plan)) return;
  context_.log.debug(
      "applying",
      {{"uuid", desired.uuid}, {"reason", nameOf(pass.plan.reason)}, {"reconcileId", reconcileId}});
  auto applied = apply(pass.plan, desired, *pass.observed, fleet, observedAt, context_.clock,
                       context_.random, lane);
  if (applied) {
    pass.delivered = std::move(applied->key);
    if (applied->mark) pass.observed->mark = {MarkState::kValid, std::move(*applied->mark)};
    if (applied->credentials) setCredentials(*pass.observed, std::move(*applied->credentials));
    pass.notices = noticesOf(desired, *pass.observed, context_.clock.now());
  } else {
    pass.error = std::move(applied.error());
  }
}

std::optional<Duration> DeviceReconciler::comeAgain(const Pass& pass, int failures) {
  if (pass.error && pass.error->code == ErrorCode::kThrottled) {
    // Not a failure of the device: its turn in the budget has not come. Those that are told to wait
    // at the same time must not come back at the same time.
    const Duration wait = pass.error->retryAfter.value_or(context_.backoff.initial);
    return wait + context_.random.upTo(std::max(wait, context_.backoff.initial));
  }
  if (pass.error) {
    // A first surprise is looked at again at once; those that keep coming wait like any failure.
    if (traitsOf(pass.error->code).cause == Cause::kOutdated && failures <= 1)
      return Duration::zero();
    const Duration wait = backoff(context_.backoff, failures, context_.random);
    return std::max(wait, pass.error->retryAfter.value_or(Duration::zero()));
  }
  if (pass.observeOnly || !pass.plan.next) return std::nullopt;
  return std::max(*pass.plan.next - context_.clock.now(), Duration::zero());
}

bool DeviceReconciler::setStatus(const api::BalenaDevice& object, api::DeviceStatus status) {
  context_.tally.set(object, status);
  const Status set =
      context_.store.devices().setStatus(object.meta.key, object.meta.uid, std::move(status));
  if (set) {
    statusFails_ = false;
    return true;
  }
  // The object has gone meanwhile, and so has its status; or it could not be written.
  const bool hasGone =
      set.error().code == ErrorCode::kNotFound || set.error().code == ErrorCode::kConflict;
  if (hasGone) {
    context_.tally.remove(object.meta.key);
  } else if (!statusFails_.exchange(true)) {
    // No status can tell of this; and it is hardly this object's alone.
    context_.log.warn("a status can't be written; trying again",
                      {{"uuid", object.spec.uuid}, {"error", set.error().message}});
  }
  return hasGone;
}

Result<std::shared_ptr<const FleetView>> DeviceReconciler::viewOf(
    const api::BalenaDevice& object, const api::BalenaFleet* fleet) const {
  if (fleet != nullptr) return context_.views.get(object.fleetKey());
  return fail(ErrorCode::kNotFound, "there is no BalenaFleet " + toString(object.fleetKey()));
}

bool DeviceReconciler::mayGo(const api::BalenaDevice& object, const api::BalenaFleet* fleet) const {
  const bool nothingWritten = !object.meta.hasFinalizer();
  const bool released = releaseOf(object) == kReleases;
  if (nothingWritten || released) return true;
  if (fleet == nullptr) return false;
  const api::DeletionPolicy ofFleet = fleet->spec.deletionPolicy;
  const bool followsFleet = object.meta.isDiscovered() || fleet->meta.deletedAt;
  const api::DeletionPolicy policy =
      followsFleet ? ofFleet : object.spec.deletionPolicy.value_or(ofFleet);
  return policy != api::DeletionPolicy::kDelete;
}

std::optional<Duration> DeviceReconciler::letGo(const api::BalenaDevice& object) {
  const Status gone =
      context_.store.devices().setFinalizer(object.meta.key, object.meta.uid, false);
  if (!gone && gone.error().code != ErrorCode::kNotFound) {
    context_.log.debug("not let go yet",
                       {{"uuid", object.spec.uuid}, {"error", gone.error().message}});
    return kStatusInterval + context_.random.upTo(kStatusInterval);
  }
  context_.tally.remove(object.meta.key);
  return std::nullopt;
}

std::optional<Duration> DeviceReconciler::retain(const api::BalenaDevice& object,
                                                 const std::string& why) {
  const auto again = letGo(object);
  // Said once it is so.
  if (!again && object.meta.hasFinalizer()) {
    context_.log.warn("registration kept", {{"uuid", object.spec.uuid}, {"reason", why}});
    context_.events.event(api::ObjectKind::kDevice, object.meta, EventType::kWarning, "Retained",
                          "registration and variables are kept: " + why);
  }
  return again;
}

DeviceObjects DeviceReconciler::withoutSuperseded(DeviceObjects objects) {
  const auto isDeleted = [](const auto& each) { return each->meta.deletedAt.has_value(); };
  if (!std::ranges::all_of(objects, isDeleted)) {
    std::erase_if(objects, [&](const auto& each) {
      if (isDeleted(each)) (void)letGo(*each);  // or with the next pass
      return isDeleted(each);
    });
  } else if (objects.size() > 1) {
    // One after the other: the first one that goes brings the device back for the next.
    std::stable_partition(objects.begin(), objects.end(),
                          [](const auto& each) { return !each->meta.isDiscovered(); });
    objects.resize(1);
  }
  return objects;
}

}  // namespace bco
