// Judges every device of a fleet by complete snapshots of both sides: what is in sync is said so,
// what differs is enqueued.
#pragma once

#include <set>
#include <stop_token>

#include "core/work_queue.h"
#include "plan/sweep.h"
#include "reconcile/device_reconciler.h"
#include "reconcile/judgements.h"
#include "reconcile/snapshots.h"

namespace bco {

// Thread-safe as long as no two threads handle one fleet.
class Comparison {
 public:
  Comparison(const Context& context, WorkQueue& devices) : context_(context), devices_(devices) {}

  // Publishes the fleet's view and judges its devices. Ends between two of them when `stop` is
  // requested.
  void compare(const SweepSnapshots& snapshots, const std::stop_token& stop);
  // Enqueues the devices that somebody waits for.
  void enqueueAskedFor(const api::ObjectKey& fleet);
  // To those of its devices that wait for their first look.
  void tellFleetProblem(const api::ObjectKey& fleet, const Error& error,
                        const std::stop_token& stop);
  // A fleet that has gone.
  void forget(const api::ObjectKey& fleet) { judgements_.forget(fleet); }

 private:
  // What is registered is there to be removed with its object: the object with its finalizer, or
  // nullptr if it can't have one now.
  [[nodiscard]] store::Shared<api::BalenaDevice> hold(
      const store::Shared<api::BalenaDevice>& object, const FleetView& view);
  void judgeDevice(const SweepSnapshots& snapshots, const store::Shared<api::BalenaDevice>& object,
                   const ListedDevice* row, const std::set<std::int64_t>& managed);
  // A pass has said how it stands, which nothing that sweeps see has changed since.
  [[nodiscard]] bool staysAsItIs(const SweepSnapshots& snapshots, const api::BalenaDevice& object,
                                 const DesiredDevice& desired, const ListedDevice* row,
                                 const ListedRegistration* registration,
                                 const SweepFinding& finding);
  // Enqueues a device whose newest key is to be replaced, or was by somebody else, and publishes
  // when it will be. `isFirst`: what an earlier process knew of when to come again is lost. False
  // when there is nothing of that to do.
  bool followKey(const api::BalenaDevice& object, const SweepFinding& finding, bool isFirst);
  void markStale(const api::BalenaDevice& object, const StaleRegistration& absent);
  void forgetAbsence(const api::BalenaDevice& object);
  void setStatus(const api::BalenaDevice& object, const api::DeviceStatus& status);

  const Context& context_;
  WorkQueue& devices_;
  Judgements judgements_;
};

}  // namespace bco
