#include "tests/sim/device.h"

namespace bco::sim {

void Devices::start(const std::string& uuid) {
  held_[uuid];
  scheduler_.after(dice_.upTo(scenario_.publishing), [this, uuid] { publish(uuid); });
  if (scenario_.connectivity > Duration(0)) {
    scheduler_.after(dice_.upTo(2 * scenario_.connectivity), [this, uuid] { goAway(uuid); });
  }
}

const std::string* Devices::stored(const std::string& uuid) const {
  const DeviceRow& row = balena_.device(uuid);
  balena::VariableLevel level;
  if (scenario_.fleet.spec.service) level.serviceId = row.fleetId + 1;
  const Variables* variables = BalenaCloud::at(const_cast<DeviceRow&>(row), level);
  if (variables == nullptr || variables->size() != 4) return nullptr;
  return &variables->at("GCP_PRIVATE_KEY");
}

void Devices::told(const std::string& uuid) {
  Held& held = held_[uuid];
  // It left a moment before: a rotation under way could not know.
  if (!balena_.device(uuid).isOnline && offlineFor(uuid) < kUnsettled) held.isSound = false;
  if (held.fetchIsDue || !balena_.device(uuid).isOnline) return;
  held.fetchIsDue = true;
  // Most within a minute; some take long to update.
  const Duration longest =
      dice_.chance(0.9) ? Duration(std::chrono::minutes(1)) : scenario_.slowestFetch;
  scheduler_.after(dice_.upTo(longest), [this, uuid] { fetch(uuid); });
}

void Devices::fetch(const std::string& uuid) {
  Held& held = held_[uuid];
  held.fetchIsDue = false;
  const DeviceRow& row = balena_.device(uuid);
  if (!row.isOnline || !row.isRegistered) return;
  const std::string* now = stored(uuid);
  if (now == nullptr) {
    held = {};
    return;
  }
  if (*now != held.value) {
    ++statistics_.restarts;
    held.value = *now;
  }
  held.isSound = invariants_.isPromised(uuid);
}

void Devices::publish(const std::string& uuid) {
  scheduler_.after(scenario_.publishing / 2 + dice_.upTo(scenario_.publishing),
                   [this, uuid] { publish(uuid); });
  invariants_.check(uuid);
  Held& held = held_[uuid];
  const DeviceRow& row = balena_.device(uuid);
  if (held.value.empty() || !row.isRegistered || (!row.isOnline && !held.publishesOffline)) return;
  ++statistics_.publishes;
  if (invariants_.isRegistered(uuid, invariants_.publicHalf(held.value))) {
    if (!held.isSound && !held.fetchIsDue) fetch(uuid);
    return;
  }
  if (!held.isSound || !invariants_.isWanted(uuid)) {
    ++statistics_.refusedElse;
    return;
  }
  ++statistics_.refused;
  invariants_.violate("1: a healthy device's publish is never refused", "device " + uuid);
}

void Devices::goAway(const std::string& uuid) {
  if (settled_) return;
  DeviceRow& row = balena_.edit(uuid);
  row.isOnline = false;
  row.lastConnectivityEvent = kEpoch + scheduler_.now();
  Held& held = held_[uuid];
  held.publishesOffline = dice_.chance(0.5);
  // What was stored and not fetched yet, it will fetch when it is back.
  const std::string* now = stored(uuid);
  if (now == nullptr || *now != held.value) held.isSound = false;
  const Duration longest =
      dice_.chance(0.7) ? Duration(std::chrono::hours(1)) : scenario_.longestOffline;
  scheduler_.after(Duration(1000) + dice_.upTo(longest), [this, uuid] { comeBack(uuid); });
}

void Devices::comeBack(const std::string& uuid) {
  DeviceRow& row = balena_.edit(uuid);
  if (!row.isOnline) {
    row.isOnline = true;
    row.lastConnectivityEvent = kEpoch + scheduler_.now();
    told(uuid);
  }
  if (!settled_) {
    scheduler_.after(dice_.upTo(2 * scenario_.connectivity), [this, uuid] { goAway(uuid); });
  }
}

void Devices::settle() {
  settled_ = true;
  for (const auto& [uuid, held] : held_) {
    if (!balena_.device(uuid).isOnline) comeBack(uuid);
  }
}

void Devices::gaveWay(const std::string& uuid, const std::string& publicPem) {
  Held& held = held_[uuid];
  if (!held.value.empty() && invariants_.publicHalf(held.value) == publicPem) held.isSound = false;
}

Duration Devices::offlineFor(const std::string& uuid) const {
  const DeviceRow& row = balena_.device(uuid);
  if (row.isOnline) return Duration(0);
  return kEpoch + scheduler_.now() - row.lastConnectivityEvent;
}

}  // namespace bco::sim
