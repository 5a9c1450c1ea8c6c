#include "tests/sim/world.h"

#include <algorithm>

#include "plan/mark.h"

namespace bco::sim {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr auto kConverges = "5: after faults stop every device converges";
constexpr auto kSilence = "5: and then no more writes happen";
constexpr Duration kSilent = hours(6);

class World {
 public:
  World(std::uint64_t seed, int days, const Mutation* mutation, Tracing tracing)
      : parts_(seed, days, mutation, tracing), administrator_(parts_), replicas_(parts_) {}

  Outcome run() {
    const Scenario& scenario = parts_.scenario;
    parts_.trace.say(describe(scenario));
    administrator_.setUp();
    administrator_.start();
    replicas_.start();
    parts_.chaos.setRate(scenario.faultRate);
    parts_.scheduler.runUntil(scenario.faults);
    settle();
    if (!parts_.invariants.violation()) checkConverged();
    beSilent();
    Statistics& statistics = parts_.statistics;
    statistics.worlds = 1;
    const double months =
        static_cast<double>(parts_.scheduler.now().count()) / 1000 / 3600 / 24 / 30;
    statistics.deviceMonths = months * scenario.devices;
    return {parts_.invariants.violation(), statistics, describe(scenario), parts_.trace.hash()};
  }

 private:
  void settle() {
    parts_.trace.say("faults end");
    administrator_.settle();
    parts_.chaos.end();
    parts_.devices.settle();
    replicas_.settle();
    const api::FleetSpec& spec = parts_.scenario.fleet.spec;
    // Found at the latest by verification; what is found to be too young waits for an hour.
    const Duration longest = 2 * spec.keys.verifyInterval + 4 * spec.syncInterval + hours(4);
    parts_.scheduler.runUntil(parts_.scheduler.now() + longest);
  }

  void checkConverged() {
    for (const std::string& uuid : parts_.uuids) {
      if (parts_.invariants.isWanted(uuid)) {
        if (!parts_.invariants.isConnected(uuid)) complain(uuid, "is not connected");
        checkRevoked(uuid);
        for (const auto& object : parts_.cluster.devices.list()) {
          const bool counts = object->spec.uuid == uuid && !object->meta.deletedAt &&
                              object->spec.state == api::DesiredState::kPresent;
          if (counts && object->status.phase != api::Phase::kReady) {
            complain(uuid, "is not shown as ready");
          }
        }
      } else {
        checkGone(uuid);
      }
    }
  }

  // What was to be removed has been.
  void checkGone(const std::string& uuid) {
    const Registration* left = parts_.registry.find(api::registrationId(uuid));
    if (parts_.invariants.mustGo(uuid) && left != nullptr &&
        readMark(left->metadata).mark.owner == kOwner && !isHalted(uuid)) {
      complain(uuid, "is still registered, although its object was deleted");
    }
    for (const auto& object : parts_.cluster.devices.list()) {
      if (object->spec.uuid != uuid) continue;
      if (object->meta.deletedAt && !isHalted(uuid)) {
        complain(uuid, "has an object that does not go");
      }
      const bool isAbsent = object->spec.state == api::DesiredState::kAbsent;
      const Registration* registration = parts_.registry.find(api::registrationId(uuid));
      if (isAbsent && registration != nullptr && !isHalted(uuid))
        complain(uuid, "is still registered");
    }
  }

  // By the brake, by its suspension, or because its device is in a fleet that nobody here knows: a
  // person decides.
  [[nodiscard]] bool isHalted(const std::string& uuid) const {
    const auto objects = parts_.cluster.devices.list();
    return std::ranges::any_of(objects, [&](const auto& object) {
      const api::Condition* ready = findCondition(object->status.conditions, "Ready");
      return object->spec.uuid == uuid && ready != nullptr &&
             (ready->reason == nameOf(Reason::kRemovalHalted) ||
              ready->reason == nameOf(Reason::kSuspended) ||
              ready->reason == nameOf(Reason::kWrongFleet));
    });
  }

  // Revoked keys are no credentials any more.
  void checkRevoked(const std::string& uuid) {
    const Registration* registration = parts_.registry.find(api::registrationId(uuid));
    if (registration != nullptr && parts_.invariants.isToBeCut(uuid, *registration)) {
      complain(uuid, "has a credential that was revoked");
    }
  }

  void complain(const std::string& uuid, const std::string& what) {
    std::string text = "device " + uuid + " " + what;
    for (const auto& object : parts_.cluster.devices.list()) {
      if (object->spec.uuid != uuid) continue;
      const api::Condition* ready = findCondition(object->status.conditions, "Ready");
      text += "; " + toString(object->meta.key) + " " + std::string(nameOf(object->status.phase));
      if (ready != nullptr) {
        text += " " + std::string(ready->reason) + ": " + std::string(ready->message);
      }
    }
    parts_.invariants.violate(kConverges, text);
  }

  // Rotations that are due go on: two writes for each, and a third where the next look came within
  // the second in which balena still shows what was there before.
  void beSilent() {
    if (parts_.invariants.violation()) return;
    parts_.trace.say("silence");
    std::map<std::string, std::int64_t> before;
    for (const auto& uuid : parts_.uuids) before[uuid] = writesOf(uuid);
    const std::int64_t calls = parts_.statistics.calls;
    parts_.scheduler.runUntil(parts_.scheduler.now() + kSilent);
    for (const auto& uuid : parts_.uuids) {
      const std::int64_t more = writesOf(uuid) - before[uuid];
      if (more > 0) {
        parts_.invariants.violate(kSilence, "device " + uuid + ": " + std::to_string(more));
      }
    }
    const auto sweeps = 2 + 2 * (kSilent / parts_.scenario.fleet.spec.syncInterval);
    const auto verifications = 2 + 2 * (kSilent / parts_.scenario.fleet.spec.keys.verifyInterval);
    // A fleet that all devices have left is not believed, and looked at like any failure.
    const auto unbelieved =
        std::ranges::count_if(parts_.cluster.fleets.list(),
                              [](const auto& each) { return each->status.failureCount > 0; });
    const auto repetitions = unbelieved * 3 * (kSilent / minutes(5));
    const auto most = 2 * (parts_.scenario.fleets * 8 * sweeps + 8 * repetitions +
                           parts_.scenario.devices * 8 * verifications) +
                      40;
    if (parts_.statistics.calls - calls > most) {
      parts_.invariants.violate(kSilence, std::to_string(parts_.statistics.calls - calls) +
                                              " calls, at most " + std::to_string(most));
    }
  }

  // Less those of rotations.
  std::int64_t writesOf(const std::string& uuid) {
    const Registration* registration = parts_.registry.find(api::registrationId(uuid));
    std::int64_t generation = 0;
    if (registration != nullptr) {
      const ReadMark read = readMark(registration->metadata);
      if (read.mark.newest() != nullptr) generation = read.mark.newest()->generation;
    }
    return parts_.invariants.cloudWrites(uuid) - 3 * generation;
  }

  Parts parts_;
  Administrator administrator_;
  Replicas replicas_;
};

}  // namespace

Outcome runWorld(std::uint64_t seed, int days, const Mutation* mutation, Tracing tracing) {
  return World(seed, days, mutation, tracing).run();
}

}  // namespace bco::sim
