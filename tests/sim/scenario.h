// What a world is like, drawn from its seed before it begins.
#pragma once

#include <string>

#include "api/fleet.h"
#include "tests/sim/dice.h"

namespace bco::sim {

inline constexpr std::int64_t kFleetIds[] = {2000001, 2000101};
inline constexpr std::int64_t kStrangeFleetId = 2000901;  // which nobody manages
inline constexpr const char* kOwner = "site-a";

// Who may write when.
enum class Leadership {
  kAlone,    // one process, which is replaced when it dies
  kElected,  // a lease; requests of the old leader may still land
  kBoth,     // two that both believe to lead, all the time
};

struct Scenario {
  Duration faults{0};  // how long things go wrong; afterwards the world must come to rest
  Leadership leadership = Leadership::kAlone;
  int devices = 4;
  int fleets = 1;
  api::BalenaFleet fleet;  // the pattern of all fleets
  double faultRate = 0;
  Duration administration{0};  // mean time between a person's interferences; 0: none
  Duration crashes{0};         // likewise between crashes; 0: none
  Duration freezes{0};
  Duration connectivity{0};  // mean time between a device's going offline
  Duration longestOffline{0};
  // Before its end a key may be replaced for so long at least. What may keep everybody from it is
  // over sooner.
  Duration timeToRotate{0};
  Duration slowestFetch{0};  // of what is stored, by a device that is not away
  Duration longestLag{0};    // of watches
  Duration publishing{0};    // mean time between a device's messages
  bool endsWithLateWrite = false;
  bool skews = false;  // clocks are off by hours at times
};

// `days`: 0 for a short world of some days with short lifetimes; else how many, with lifetimes of
// months.
[[nodiscard]] Scenario drawScenario(Dice& dice, int days);
[[nodiscard]] std::string describe(const Scenario& scenario);

}  // namespace bco::sim
