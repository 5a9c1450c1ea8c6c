#include "tests/sim/world.h"

#include <algorithm>

#include "plan/mark.h"

namespace bco::sim {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr auto kConverges = "5: after faults stop every device converges";
constexpr auto kSilence = "5: and then no more writes happen";
constexpr auto kLateWrite = "5: what a late request has undone is made good after 65 minutes";
constexpr Duration kSilent = hours(6);
// The credential and the variable.
constexpr std::int64_t kWritesPerRotation = 2;
// Before it, after it, and where balena still shows what was there before.
constexpr std::int64_t kLooksPerRotation = 3;

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
    if (scenario.endsWithLateWrite) storeLate();
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

  // Nothing is sent but what sweeps and verifications ask, and rotations that are due go on.
  void beSilent() {
    if (parts_.invariants.violation()) return;
    parts_.trace.say("silence");
    std::map<std::string, std::int64_t> writes;
    std::map<std::string, std::int64_t> generations;
    std::map<std::string, std::int64_t> awaited;
    for (const auto& uuid : parts_.uuids) {
      writes[uuid] = parts_.invariants.cloudWrites(uuid);
      generations[uuid] = generationOf(uuid);
      if (isUndelivered(uuid)) ++awaited[uuid];
    }
    parts_.invariants.countCalls();
    parts_.scheduler.runUntil(parts_.scheduler.now() + kSilent);
    std::int64_t rotations = 0;
    for (const auto& uuid : parts_.uuids) {
      const std::int64_t rotated = generationOf(uuid) - generations[uuid];
      const std::int64_t more = parts_.invariants.cloudWrites(uuid) - writes[uuid];
      const std::int64_t most = kWritesPerRotation * rotated + awaited[uuid];
      if (more > most) complainOf("the device " + uuid, more, most);
      checkLooks(uuid, rotated + awaited[uuid]);
      rotations += rotated + awaited[uuid];
    }
    checkSweeps(rotations);
  }

  [[nodiscard]] static std::int64_t timesIn(Duration each) { return kSilent / each + 1; }

  void complainOf(const std::string& what, std::int64_t seen, std::int64_t most) {
    parts_.invariants.violate(
        kSilence, what + ": " + std::to_string(seen) + ", at most " + std::to_string(most));
  }

  // A device is looked at to verify it, to rotate it and, if it seems unfinished, by every sweep.
  void checkLooks(const std::string& uuid, std::int64_t rotated) {
    const api::FleetSpec& spec = parts_.scenario.fleet.spec;
    const std::int64_t most = timesIn(spec.keys.verifyInterval * 9 / 10) +
                              parts_.scenario.fleets * timesIn(spec.syncInterval * 9 / 10) +
                              kLooksPerRotation * rotated;
    const std::int64_t looks = parts_.invariants.callsOf("getDevice " + uuid);
    if (looks > most) complainOf("looks at " + uuid, looks, most);
  }

  void checkSweeps(std::int64_t rotations) {
    const api::FleetSpec& spec = parts_.scenario.fleet.spec;
    // A fleet that all devices have left is not believed, and looked at like any failure: after
    // up to five minutes.
    std::int64_t sweeps = 0;
    for (const auto& fleet : parts_.cluster.fleets.list()) {
      const bool isBelieved = fleet->status.failureCount == 0;
      sweeps += timesIn(isBelieved ? spec.syncInterval * 9 / 10 : Duration(seconds(90)));
    }
    const auto expect = [&](const char* call, std::int64_t most) {
      const std::int64_t seen = parts_.invariants.callsOf(call);
      if (seen > most) complainOf(call, seen, most);
    };
    expect("listFleet", 2 * sweeps);
    expect("listRegistrations", 2 * sweeps);
    expect("getFleet", sweeps);
    // For itself it is looked at every five minutes.
    expect("getRegistry", sweeps + timesIn(minutes(5) * 9 / 10));
    expect("createRegistration", 0);
    expect("deleteRegistration", 0);
    expect("deleteVariables", 0);
    expect("patchRegistration", rotations);
    expect("hasVariable", kLooksPerRotation * rotations);
  }

  [[nodiscard]] std::int64_t generationOf(const std::string& uuid) const {
    const Registration* registration = parts_.registry.find(api::registrationId(uuid));
    if (registration == nullptr) return 0;
    const ReadMark read = readMark(registration->metadata);
    return read.mark.newest() == nullptr ? 0 : read.mark.newest()->generation;
  }

  // A maintenance window is waited for, to store what is registered already.
  [[nodiscard]] bool isUndelivered(const std::string& uuid) {
    const Registration* registration = parts_.registry.find(api::registrationId(uuid));
    if (registration == nullptr || parts_.scenario.fleet.spec.keys.windows.empty()) return false;
    const Mark mark = readMark(registration->metadata).mark;
    const auto stored = crypto::PublicKey::fromPem(parts_.invariants.storedKey(uuid));
    return stored && mark.newest() != nullptr &&
           mark.newest()->shortFingerprint != shortFingerprint(*stored);
  }

  // One thing goes wrong, and nothing else: the key of an earlier registration is stored late, over
  // that of the next. Only a look at it finds that, which is due 65 minutes after something was
  // left of the earlier one, or Absent was withdrawn.
  void storeLate() {
    if (parts_.invariants.violation()) return;
    const auto found = std::ranges::find_if(
        parts_.uuids, [&](const auto& uuid) { return parts_.invariants.isPromised(uuid); });
    if (found == parts_.uuids.end()) return;
    const std::string uuid = *found;
    const bool wasDeclared = administrator_.renewNow(uuid);
    const bool isWithdrawn = wasDeclared && parts_.dice.chance(0.5);
    parts_.trace.say("a write of the key of " + uuid + " will be late");
    bool isLate = false;
    parts_.invariants.strike = [&, isWithdrawn](const Call& call) {
      if (call.uuid != uuid || !call.name.starts_with("write GCP_PRIVATE_KEY")) return;
      isLate = true;
      parts_.chaos.delayNext(call.name, kLatest);
      parts_.scheduler.after(minutes(3), [this, uuid, isWithdrawn] {
        if (!isWithdrawn) return administrator_.deleteRegistration(uuid);
        administrator_.setState(uuid, api::DesiredState::kAbsent);
      });
      if (isWithdrawn) {
        parts_.scheduler.after(minutes(8), [this, uuid] {
          administrator_.setState(uuid, api::DesiredState::kPresent);
        });
      }
      parts_.invariants.strike = nullptr;
    };
    parts_.scheduler.runUntil(parts_.scheduler.now() + minutes(70));
    parts_.invariants.strike = nullptr;
    if (!isLate) return;
    // A sweep may go by a listing of the registry that is half an interval old: then the next one
    // finds it.
    const Duration toFind =
        isWithdrawn ? Duration(0) : parts_.scenario.fleet.spec.syncInterval * 16 / 10;
    parts_.scheduler.runUntil(parts_.scheduler.now() + toFind + minutes(8 + 65 + 7));
    if (!parts_.invariants.violation() && !parts_.invariants.isConnected(uuid)) {
      parts_.invariants.violate(kLateWrite, "device " + uuid);
    }
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
