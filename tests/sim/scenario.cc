#include "tests/sim/scenario.h"

namespace bco::sim {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr hours kDay{24};

}  // namespace

Scenario drawScenario(Dice& dice, int days) {
  Scenario scenario;
  const bool isLong = days > 20;
  scenario.faults = days > 0 ? days * kDay : hours(dice.between(2 * 24, 8 * 24));
  scenario.leadership = dice.oneOf({Leadership::kAlone, Leadership::kElected, Leadership::kElected,
                                    Leadership::kBoth, Leadership::kBoth});
  scenario.devices = dice.between(2, 6);
  scenario.fleets = dice.between(1, 2);
  scenario.faultRate = dice.oneOf({0.0, 0.01, 0.03, 0.1});

  api::FleetSpec& spec = scenario.fleet.spec;
  if (dice.chance(0.5)) spec.service = "relay";
  if (dice.chance(0.4)) spec.devices = api::DeviceSource::kAll;
  if (dice.chance(0.5)) spec.deletionPolicy = api::DeletionPolicy::kDelete;
  if (dice.chance(0.4)) spec.stale.policy = api::StalePolicy::kDelete;
  spec.adoption = dice.oneOf({api::Adoption::kIfKeyMatches, api::Adoption::kIfKeyMatches,
                              api::Adoption::kAlways, api::Adoption::kNever});
  spec.stale.after = hours(dice.between(1, 4));
  spec.stale.maxPercent = dice.oneOf({5, 25, 40, 100});
  spec.stale.maxPerSync = dice.between(1, 6);
  spec.stale.maxPerDay = dice.between(1, 12);
  if (isLong) {
    spec.keys.lifetime = dice.between(45, 60) * kDay;
    spec.keys.rotateBefore = dice.between(15, 30) * kDay;
    spec.keys.verifyInterval = dice.oneOf({kDay, kDay, 2 * kDay});
    spec.syncInterval = hours(dice.between(3, 8));
    scenario.longestOffline = 45 * kDay;
  } else {
    spec.keys.lifetime = hours(dice.between(30, 72));
    spec.keys.rotateBefore = hours(dice.between(12, 20));
    spec.keys.verifyInterval = hours(dice.between(2, 4));
    spec.syncInterval = minutes(dice.between(20, 60));
    scenario.longestOffline = 2 * kDay;
  }
  if (dice.chance(0.2)) {
    const int hour = dice.between(0, 9);
    spec.keys.windows.push_back(
        {{}, "0" + std::to_string(hour) + ":30", hours(dice.between(1, 5)), "UTC"});
  }
  const bool hasWindows = !spec.keys.windows.empty();
  // Who waits for a window rotates in the last tenth of rotateBefore at the latest.
  scenario.timeToRotate = spec.keys.rotateBefore / (hasWindows ? 10 : 1);
  scenario.slowestFetch = spec.keys.rotateBefore / (hasWindows ? 12 : 4);
  // Sooner than a sweep comes again.
  if (dice.chance(0.3)) spec.stale.after = minutes(dice.between(1, 15));
  spec.keys.overlap = spec.keys.rotateBefore / 2;
  spec.keys.offlineGrace = spec.keys.lifetime + scenario.longestOffline;

  const Duration unit = isLong ? Duration(kDay) : Duration(hours(2));
  if (dice.chance(0.85)) scenario.administration = dice.between(3, 10) * unit;
  if (dice.chance(0.8)) scenario.crashes = dice.between(3, 10) * unit;
  if (dice.chance(0.6)) scenario.freezes = dice.between(5, 15) * unit;
  if (dice.chance(0.8)) scenario.connectivity = dice.between(4, 20) * unit;
  // Who is back only while windows are closed is not rotated, and his key ends in the end.
  if (hasWindows) scenario.connectivity = Duration(0);
  scenario.longestLag = dice.oneOf<Duration>({seconds(1), seconds(30), minutes(5)});
  scenario.publishing = isLong ? hours(dice.between(12, 24)) : minutes(dice.between(20, 90));
  scenario.endsWithLateWrite = dice.chance(0.5);
  scenario.skews = dice.chance(0.25);
  return scenario;
}

std::string describe(const Scenario& scenario) {
  static constexpr const char* kLeaderships[] = {"alone", "elected", "both lead"};
  const api::FleetSpec& spec = scenario.fleet.spec;
  const auto days = std::chrono::duration_cast<hours>(scenario.faults).count() / 24;
  std::string text = std::to_string(days) + " days, " + std::to_string(scenario.devices) +
                     " devices in " + std::to_string(scenario.fleets) + " fleets, " +
                     kLeaderships[static_cast<int>(scenario.leadership)] + ", lifetime " +
                     formatDuration(spec.keys.lifetime) + ", rotated " +
                     formatDuration(spec.keys.rotateBefore) + " before, " +
                     (spec.service ? "service" : "device") + " variables, faults " +
                     std::to_string(scenario.faultRate);
  if (!spec.keys.windows.empty()) text += ", windows";
  if (spec.devices == api::DeviceSource::kAll) text += ", all discovered";
  if (spec.stale.policy == api::StalePolicy::kDelete) text += ", stale deleted";
  if (spec.deletionPolicy == api::DeletionPolicy::kDelete) text += ", deletion deletes";
  return text;
}

}  // namespace bco::sim
