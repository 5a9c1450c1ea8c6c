// The running whole: sweeps and device workers on their threads, fed by the store's changes.
#pragma once

#include <stop_token>
#include <thread>
#include <vector>

#include "core/spare_threads.h"
#include "core/work_queue.h"
#include "reconcile/device_reconciler.h"
#include "reconcile/fleet_sync.h"
#include "reconcile/handover.h"

namespace bco {

struct EngineOptions {
  int workers = 16;  // devices of one fleet reconciled at once
  int sweepers = 4;  // fleets of one account and registry swept at once
  // Of the two queues; nullptr: nobody is told.
  QueueObserver* deviceQueue = nullptr;
  QueueObserver* fleetQueue = nullptr;
  // false: fleets are looked at once, and of their devices only those that somebody asks for.
  bool sweeps = true;
};

// Owns the queues and threads. run() may be called once.
class Engine {
 public:
  Engine(const Context& context, CloudFactory& factory, SharedSecret fallbackSeed,
         const EngineOptions& options);

  // Sweeps every fleet and keeps its devices in step until `stop`, then lets the passes that are
  // under way end. Blocks.
  void run(const std::stop_token& stop);

  // What run() consists of, for a simulation to run on threads of its own: first start(), once,
  // then any number of the loops, each of which ends after a stop. Only the first two are needed.
  void start();
  void sweep(const std::stop_token& stop);
  void work(const std::stop_token& stop);
  void readAhead(const std::stop_token& stop) { readAhead_.serve(stop); }

  // One look at all fleets and, where a sweep shows cause, at their devices, without any write:
  // what `plan` prints, in order of object, looked at by all workers at once. Blocks.
  struct Preview {
    std::string uuid;
    store::Shared<api::BalenaDevice> object;
    Pass pass;
  };
  [[nodiscard]] std::vector<Preview> preview(const std::stop_token& stop);
  // What the last sweep of a fleet, or the preview, made of its stale registrations.
  [[nodiscard]] Removals::Shown staleOf(const api::ObjectKey& fleet) const {
    return context_.views.removals().shown(fleet);
  }

  // Reconciles one device, without a sweep, until it is in sync, refused, or `deadline` or `stop`
  // comes: the work of `provision` and `deprovision`. The error says why it is not. Blocks.
  [[nodiscard]] Status settle(const std::string& uuid, SteadyPoint deadline,
                              const std::stop_token& stop);

  // See handover.h.
  [[nodiscard]] Result<std::vector<HandoverResult>> handOver(const HandoverOptions& options,
                                                             const std::stop_token& stop);

  // Every fleet has been swept or has failed for good, and no device is waiting for a worker or for
  // a repetition within `horizon`.
  [[nodiscard]] bool isQuiet(Duration horizon) const;

  [[nodiscard]] FleetSources& fleets() { return fleets_; }

  // Why the engine must be taken for dead: a device or fleet has been in the same hands for longer
  // than any pass or sweep can last. Empty: it lives. For /livez.
  [[nodiscard]] std::string stalled() const;

  // How much a queue and its workers have to do now.
  struct Load {
    std::size_t waiting = 0;
    std::size_t inFlight = 0;
    int workers = 0;
    WorkQueue::Unfinished unfinished;
  };
  [[nodiscard]] Load deviceLoad() const;
  [[nodiscard]] Load fleetLoad() const;

 private:
  void onChange(const store::Change& change);
  void scheduleCheck(const api::ObjectKey& registry);
  void scheduleVerification(const api::BalenaDevice& device, const api::FleetSpec& fleet);
  void resumeDeletions();
  [[nodiscard]] Status settleDevice(const std::string& uuid, SteadyPoint deadline,
                                    const std::stop_token& stop);
  [[nodiscard]] Status lookUntilSeen(const api::ObjectKey& fleet, SteadyPoint deadline,
                                     const std::stop_token& stop);
  [[nodiscard]] std::string fleetOf(const std::string& uuid) const;
  [[nodiscard]] std::string upstreamsOf(const std::string& fleet) const;

  const Context& context_;
  const EngineOptions options_;
  WorkQueue devices_;
  WorkQueue fleetQueue_;
  SpareThreads sweepers_;
  RegistrySources registries_;
  FleetSources fleets_;
  FleetSync fleetSync_;
  ReadAhead readAhead_;
  DeviceReconciler reconciler_;
};

}  // namespace bco
