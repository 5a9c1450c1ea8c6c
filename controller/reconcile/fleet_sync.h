// The set level: compares complete snapshots of a fleet and its registry, and enqueues what
// differs. It never writes to a cloud.
#pragma once

#include <stop_token>

#include "core/work_queue.h"
#include "reconcile/comparison.h"
#include "reconcile/discovery.h"
#include "reconcile/fleet_deletion.h"
#include "reconcile/fleet_source.h"
#include "reconcile/refused_writes.h"
#include "reconcile/stale_removal.h"
#include "reconcile/troubles.h"

namespace bco {

// Thread-safe as long as no two threads sync one fleet.
class FleetSync {
 public:
  FleetSync(const Context& context, FleetSources& fleets, RegistrySources& registries,
            WorkQueue& devices)
      : context_(context),
        fleets_(fleets),
        registries_(registries),
        deletion_(context, fleets, devices),
        removal_(context, devices),
        discovery_(context),
        comparison_(context, devices),
        untold_(context) {}

  // One sweep: publishes the fleet's view, creates and releases discovered objects, enqueues the
  // devices that are not in sync and sets the fleet's status. Returns when to come again; nullopt
  // when the fleet object has gone, or after a stop: what is left then, the next process does.
  // Blocks on the clouds.
  std::optional<Duration> sync(const api::ObjectKey& fleet, const std::stop_token& stop,
                               SweepKind kind = SweepKind::kWork);

  // Without a sweep: publishes the fleet's view alone, so that its devices can be reconciled when
  // somebody asks for them, and enqueues those that somebody has asked for meanwhile. Returns when
  // to come again, for Secrets change; nullopt when the fleet object has gone. Blocks on the
  // clouds.
  std::optional<Duration> look(const api::ObjectKey& fleet, const std::stop_token& stop);

  // Brings the counts and the failing devices in the fleet's status up to date. No cloud is called.
  void refresh(const api::ObjectKey& fleet);

  // Lets registries that are being deleted go once no fleet refers to them.
  void finishRegistries() { deletion_.finishRegistries(); }

 private:
  [[nodiscard]] Result<SweepSnapshots> read(const std::shared_ptr<const api::BalenaFleet>& fleet,
                                            const std::stop_token& stop);
  // Why an empty list of devices is not believed.
  [[nodiscard]] std::optional<Error> unexplained(const FleetView& view,
                                                 const RegistryListing& registry) const;
  // `snapshots`: nullptr when the sweep has failed.
  void tellSwept(const api::ObjectKey& fleet, SteadyPoint began, const SweepSnapshots* snapshots);
  Duration succeed(const SweepSnapshots& snapshots, const StaleRemoval::Outcome& removal,
                   const std::optional<Error>& refusal);
  void tellProblem(const api::ObjectMeta& fleet, const Error& error);
  Duration failWith(const api::BalenaFleet& fleet, Error error, const std::stop_token& stop);

  const Context& context_;
  FleetSources& fleets_;
  RegistrySources& registries_;
  FleetDeletion deletion_;
  StaleRemoval removal_;
  Discovery discovery_;
  Comparison comparison_;
  UntoldWrites untold_;
  Troubles troubles_;
};

}  // namespace bco
