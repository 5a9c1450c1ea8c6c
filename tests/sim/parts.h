// What a world consists of, but for its processes.
#pragma once

#include "tests/sim/balena.h"
#include "tests/sim/clearblade.h"
#include "tests/sim/cluster.h"
#include "tests/sim/device.h"
#include "tests/sim/invariants.h"

namespace bco::sim {

struct Mutation;

struct Parts {
  Parts(std::uint64_t seed, int days, const Mutation* broken, Tracing tracing)
      : dice(seed),
        scenario(drawScenario(dice, days)),
        scheduler(dice),
        mutation(broken),
        trace(scheduler, tracing),
        chaos(dice),
        cluster(scheduler),
        invariants(scheduler, cluster, statistics, scenario.skews),
        balena(scheduler, dice, invariants),
        registry(scheduler, invariants),
        devices(scheduler, dice, balena, invariants, statistics, scenario) {
    invariants.look(balena, registry);
  }

  Dice dice;
  Scenario scenario;
  Scheduler scheduler;
  const Mutation* mutation;  // nullptr: the program as it is
  Trace trace;
  Chaos chaos;
  Statistics statistics;
  Cluster cluster;
  Invariants invariants;
  BalenaCloud balena;
  ClearBladeCloud registry;
  Devices devices;
  Duration watchCutUntil{0};
  std::vector<std::string> uuids;

  void interfered(const std::string& uuid) {
    ++statistics.interferences;
    invariants.interfered(uuid);
    devices.interfered(uuid);
  }
};

}  // namespace bco::sim
