// The set level: compares complete snapshots of a fleet and its registry, and enqueues what
// differs. It never writes to a cloud.
#pragma once

#include <stop_token>

#include "core/work_queue.h"
#include "plan/sweep.h"
#include "reconcile/fleet_deletion.h"
#include "reconcile/fleet_listing.h"
#include "reconcile/fleet_source.h"
#include "reconcile/stale_removal.h"

namespace bco {

// Thread-safe as long as no two threads sync one fleet.
class FleetSync {
 public:
  FleetSync(const Context& context, FleetSources& fleets, RegistrySources& registries,
            WorkQueue& devices)
      : context_(context),
        fleets_(fleets),
        registries_(registries),
        devices_(devices),
        deletion_(context, fleets, devices),
        removal_(context, devices) {}

  // One sweep: publishes the fleet's view, creates and releases discovered objects, enqueues the
  // devices that are not in sync and sets the fleet's status. Returns when to come again; nullopt
  // when the fleet object has gone. Blocks on the clouds.
  std::optional<Duration> sync(const api::ObjectKey& fleet, const std::stop_token& stop,
                               SweepKind kind = SweepKind::kWork);

  // Brings the counts and the failing devices in the fleet's status up to date. No cloud is called.
  void refresh(const api::ObjectKey& fleet);

  // Lets registries that are being deleted go once no fleet refers to them.
  void finishRegistries() { deletion_.finishRegistries(); }

 private:
  struct Snapshots {
    std::shared_ptr<const FleetView> view;
    FleetListing balena;
    std::shared_ptr<const RegistryListing> registry;
    bool isFirst = false;  // of this process
    StaleSet stale = {};
  };
  [[nodiscard]] Result<Snapshots> read(const std::shared_ptr<const api::BalenaFleet>& fleet,
                                       const std::stop_token& stop);
  [[nodiscard]] std::optional<Error> unexplained(const FleetView& view,
                                                 const RegistryListing& registry) const;
  // What is registered is there to be removed with its object: the object with its finalizer, or
  // nullptr if it can't have one now.
  [[nodiscard]] store::Shared<api::BalenaDevice> hold(
      const store::Shared<api::BalenaDevice>& object, const FleetView& view);
  void discover(const Snapshots& snapshots);
  void compare(const Snapshots& snapshots);
  void judgeDevice(const Snapshots& snapshots, const store::Shared<api::BalenaDevice>& object,
                   const ListedDevice* row, const std::set<std::int64_t>& managed);
  // Enqueues a device whose newest key is to be replaced, or was by somebody else, and publishes
  // when it will be. `isFirst`: what an earlier process knew of when to come again is lost. False
  // when there is nothing of that to do.
  bool followKey(const api::BalenaDevice& object, const SweepFinding& finding, bool isFirst);
  void release(const api::BalenaDevice& object);
  void markStale(const api::BalenaDevice& object, const StaleRegistration& absent);
  void forgetAbsence(const api::BalenaDevice& object);
  // `snapshots`: nullptr when the sweep has failed.
  void tellSwept(const api::ObjectKey& fleet, SteadyPoint began, const Snapshots* snapshots);
  void setStatus(const api::BalenaDevice& object, const api::DeviceStatus& status);
  [[nodiscard]] api::RenewalStatus countRenewal(const api::BalenaFleet& fleet) const;
  void countDevices(const api::ObjectKey& fleet, api::FleetStatus& status);
  Duration succeed(const Snapshots& snapshots, const StaleRemoval::Outcome& removal);
  Duration failWith(const api::BalenaFleet& fleet, Error error);

  const Context& context_;
  FleetSources& fleets_;
  RegistrySources& registries_;
  WorkQueue& devices_;
  FleetDeletion deletion_;
  StaleRemoval removal_;
};

}  // namespace bco
