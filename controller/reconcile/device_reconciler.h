// One device, one pass: observe → plan → apply → report.
#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "core/backoff.h"
#include "core/clock.h"
#include "core/random.h"
#include "reconcile/desire.h"
#include "reconcile/events.h"
#include "reconcile/observe.h"
#include "reconcile/pass_observer.h"
#include "reconcile/read_ahead.h"
#include "reconcile/renewal_pace.h"
#include "reconcile/report.h"
#include "reconcile/tally.h"
#include "store/object_store.h"
#include "telemetry/log.h"

namespace bco {

// What the engine hands to both reconcilers. Everything outlives them.
struct Context {
  store::ObjectStore& store;
  FleetViews& views;
  Tally& tally;
  Clock& clock;
  Random& random;
  telemetry::Logger& log;
  EventSink& events;
  BackoffPolicy backoff;
  // Of registries that name none; empty: they must.
  std::string defaultOwnerId = {};
  // Told of every pass and sweep; nullptr: nobody is.
  PassObserver* observer = nullptr;
  // Each device's stored key is read by this process's first sweep, and not when its turn comes.
  bool verifiesAll = false;
  // What a simulation looks over, or breaks.
  const KeyMaker& keys = kDerivedKeys;
  PlanFunction plan = bco::plan;
};

// Thread-safe as long as no two threads reconcile one UUID.
class DeviceReconciler {
 public:
  // `readAhead`: reads registrations while passes read their devices; nullptr: they do themselves.
  explicit DeviceReconciler(const Context& context, ReadAhead* readAhead = nullptr)
      : context_(context), readAhead_(readAhead) {}

  // Does what the device needs, by each namespace's objects, sets the status of its objects and
  // says when to come again; nullopt: when something changes. `lane` is that in which the device
  // has come, and then that in which it is to come again: what is in order is only verified, and
  // what is not keeps its turn. Blocks on the clouds.
  std::optional<Duration> reconcile(const std::string& uuid, Lane& lane);
  std::optional<Duration> reconcile(const std::string& uuid) {
    Lane lane = Lane::kFresh;
    return reconcile(uuid, lane);
  }

  // Observes and plans without writing anything, neither to the clouds nor to the store.
  [[nodiscard]] Pass preview(const api::BalenaDevice& object);

 private:
  // Calls `make` with a report of the pass that it makes, and tells the observer.
  template <class Make>
  std::optional<Duration> observed(Make make);
  // The pass that removes what a sweep has cleared; false: the usual one is due.
  bool removeIfStale(const std::string& uuid, const Clearance& clearance,
                     const DeviceObjects& objects);
  // Of the objects of one device in one namespace. `told` is completed with what is known of it.
  std::optional<Duration> reconcileObjects(DeviceObjects objects, PassReport& told, Lane& lane);
  [[nodiscard]] Pass observeAndPlan(const DesiredDevice& desired, const FleetView& fleet,
                                    Looking looking = {});
  // The ids of our fleets among which a device may move without being lost.
  [[nodiscard]] std::set<std::int64_t> managedWith(const FleetView& fleet) const;
  // The finalizer goes on just before the first write to a cloud, or with what was written before:
  // until then there is nothing to undo. On all objects of its namespace that desire the device.
  // kConflict: the object itself has gone, or is being deleted since the pass began.
  [[nodiscard]] Status hold(const api::BalenaDevice& object);
  // A fleet's renewal waits for its turn: the device stays as it is until then.
  void keepPace(Pass& pass, const DesiredDevice& desired, const api::ObjectKey& fleet);
  void carryOut(Pass& pass, const api::BalenaDevice& object, const DesiredDevice& desired,
                const FleetView& fleet, SteadyPoint observedAt, const std::string& reconcileId,
                Lane lane);
  [[nodiscard]] std::optional<Duration> comeAgain(const Pass& pass, int failures);
  // False when it is to be tried again.
  bool setStatus(const api::BalenaDevice& object, api::DeviceStatus status);
  // The objects that have a say. One that is being deleted has none, and goes without a call to a
  // cloud, while another still desires the device.
  [[nodiscard]] DeviceObjects withoutSuperseded(DeviceObjects objects);
  // nullopt, or when to try again.
  std::optional<Duration> letGo(const api::BalenaDevice& object);
  // Lets an object go whose registration can't be removed any more, and says so.
  std::optional<Duration> retain(const api::BalenaDevice& object, const std::string& why);
  // Of the object's fleet, which may be nullptr: kNotFound.
  [[nodiscard]] Result<std::shared_ptr<const FleetView>> viewOf(
      const api::BalenaDevice& object, const api::BalenaFleet* fleet) const;
  // Nothing is to be removed from the clouds with this deleted object.
  [[nodiscard]] bool mayGo(const api::BalenaDevice& object, const api::BalenaFleet* fleet) const;

  const Context& context_;
  ReadAhead* const readAhead_;
  RenewalPace pace_;
  std::atomic<bool> statusFails_{false};  // said so
};

}  // namespace bco
