// The devices: they fetch their variables when balena can reach them, restart their container when
// one has changed, publish with the key they hold, and are away now and then.
#pragma once

#include <map>
#include <string>

#include "tests/sim/invariants.h"

namespace bco::sim {

class Devices {
 public:
  Devices(Scheduler& scheduler, Dice& dice, BalenaCloud& balena, Invariants& invariants,
          Statistics& statistics, const Scenario& scenario)
      : scheduler_(scheduler),
        dice_(dice),
        balena_(balena),
        invariants_(invariants),
        statistics_(statistics),
        scenario_(scenario) {}

  void start(const std::string& uuid);
  // Its variables have changed in balena.
  void told(const std::string& uuid);
  // Nobody goes away any more, and everybody is back.
  void settle();
  // Somebody has interfered: what the device holds need not work until it has fetched anew.
  void interfered(const std::string& uuid) { held_[uuid].isSound = false; }
  // Of three credentials in force the oldest, which is this, has given way to a fourth: who has not
  // fetched two later ones yet is promised nothing.
  void gaveWay(const std::string& uuid, const std::string& publicPem);
  [[nodiscard]] Duration offlineFor(const std::string& uuid) const;

 private:
  struct Held {
    std::string value;     // of GCP_PRIVATE_KEY
    bool isSound = false;  // it was right when it was fetched, and nobody has interfered since
    bool fetchIsDue = false;
    bool publishesOffline = false;  // out of balena's reach only
  };
  void publish(const std::string& uuid);
  void fetch(const std::string& uuid);
  void goAway(const std::string& uuid);
  void comeBack(const std::string& uuid);
  [[nodiscard]] const std::string* stored(const std::string& uuid) const;

  Scheduler& scheduler_;
  Dice& dice_;
  BalenaCloud& balena_;
  Invariants& invariants_;
  Statistics& statistics_;
  const Scenario& scenario_;
  bool settled_ = false;
  std::map<std::string, Held> held_;
};

}  // namespace bco::sim
