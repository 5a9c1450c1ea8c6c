// What goes, and what waits, when a fleet or a registry is deleted.
#pragma once

#include "core/work_queue.h"
#include "reconcile/fleet_source.h"
#include "reconcile/refused_writes.h"

namespace bco {

// Thread-safe as long as no two threads handle one fleet.
class FleetDeletion {
 public:
  FleetDeletion(const Context& context, FleetSources& fleets, WorkQueue& devices)
      : context_(context), fleets_(fleets), devices_(devices), untold_(context) {}

  // From now on the fleet and its registry don't go before what hangs on them has.
  [[nodiscard]] Status hold(const api::BalenaFleet& fleet);

  // A fleet that is being deleted takes its discovered devices along, by its policy, and goes after
  // the last of its devices. An error is to be tried again. Blocks on the clouds.
  [[nodiscard]] Status finish(const std::shared_ptr<const api::BalenaFleet>& fleet);

  // Lets registries that are being deleted go once no fleet refers to them.
  void finishRegistries();

 private:
  const Context& context_;
  FleetSources& fleets_;
  WorkQueue& devices_;
  UntoldWrites untold_;
};

}  // namespace bco
