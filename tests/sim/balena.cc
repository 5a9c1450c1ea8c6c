#include "tests/sim/balena.h"

#include <algorithm>
#include <limits>

namespace bco::sim {
namespace {

using balena::FleetDevice;

Error unwelcome() { return {ErrorCode::kUnauthenticated, "the token is not accepted"}; }

std::string describe(const balena::VariableParent& parent) {
  return parent.deviceId ? "device " + std::to_string(*parent.deviceId)
                         : "install " + std::to_string(parent.serviceInstallId.value_or(0));
}

}  // namespace

void BalenaCloud::addFleet(std::int64_t id, const std::string& slug) {
  fleets_[slug] = {id, slug, {{id + 1, "relay"}}, true};
}

void BalenaCloud::addDevice(const std::string& uuid, std::int64_t fleetId) {
  ++version_;
  if (!devices_.contains(uuid)) uuids_.push_back(uuid);
  Entry& entry = devices_[uuid];
  entry.now = {};
  entry.now.id = ++lastId_;
  entry.now.uuid = uuid;
  entry.now.lastConnectivityEvent = kEpoch + scheduler_.now();
  entry.now.fleetId = fleetId;
  entry.now.installs[fleetId + 1] = {++lastId_, {}};
  entry.before = entry.now;
  entry.before.isRegistered = false;
  entry.changedAt = scheduler_.now();
}

BalenaCloud::Entry& BalenaCloud::touch(Entry& entry) {
  ++version_;
  entry.before = entry.now;
  entry.changedAt = scheduler_.now();
  return entry;
}

DeviceRow& BalenaCloud::edit(const std::string& uuid) { return touch(devices_.at(uuid)).now; }

void BalenaCloud::move(const std::string& uuid, std::int64_t fleetId) {
  DeviceRow& row = edit(uuid);
  row.fleetId = fleetId;
  row.installs.clear();
  row.installs[fleetId + 1] = {++lastId_, {}};
}

Variables* BalenaCloud::at(DeviceRow& row, const balena::VariableLevel& level) {
  if (!level.serviceId) return &row.variables;
  const auto found = row.installs.find(*level.serviceId);
  return found == row.installs.end() ? nullptr : &found->second.variables;
}

Variables* BalenaCloud::at(DeviceRow& row, const balena::VariableParent& parent) {
  if (parent.deviceId) return &row.variables;
  for (auto& [service, install] : row.installs) {
    if (install.id == parent.serviceInstallId) return &install.variables;
  }
  return nullptr;
}

BalenaCloud::Entry* BalenaCloud::find(const balena::VariableParent& parent) {
  for (auto& [uuid, entry] : devices_) {
    if (!entry.now.isRegistered) continue;
    if (parent.deviceId ? entry.now.id == *parent.deviceId : at(entry.now, parent) != nullptr) {
      return &entry;
    }
  }
  return nullptr;
}

Result<balena::Fleet> BalenaCloud::getFleet(const std::string& slug) const {
  const auto found = fleets_.find(slug);
  if (found == fleets_.end()) return fail(ErrorCode::kNotFound, "no fleet " + slug);
  return found->second;
}

// Reads are up to a second old.
const DeviceRow& BalenaCloud::seen(const Entry& entry) const {
  const bool isOld = scheduler_.now() - dice_.upTo(Duration(1000)) < entry.changedAt;
  return isOld ? entry.before : entry.now;
}

Result<balena::Device> BalenaCloud::getDevice(const std::string& uuid) {
  const auto found = devices_.find(uuid);
  if (found == devices_.end()) return fail(ErrorCode::kNotFound, "no device " + uuid);
  const Entry& entry = found->second;
  const DeviceRow& row = seen(entry);
  if (!row.isRegistered) return fail(ErrorCode::kNotFound, "no device " + uuid);
  balena::Device device;
  device.id = row.id;
  device.uuid = uuid;
  device.name = "device-" + std::to_string(row.id);
  device.fleetId = row.fleetId;
  device.isOnline = row.isOnline;
  device.lastConnectivityEvent = row.lastConnectivityEvent;
  const auto copy = [](const Variables& variables, std::vector<balena::StoredVariable>& to) {
    for (const auto& [name, value] : variables) to.push_back({name, SecretBytes(value)});
  };
  copy(row.variables, device.deviceVariables);
  for (const auto& [service, install] : row.installs) {
    balena::ServiceInstall shown{install.id, service, {}};
    copy(install.variables, shown.variables);
    device.installs.push_back(std::move(shown));
  }
  return device;
}

Status BalenaCloud::write(int process, const balena::VariableParent& parent,
                          const std::string& name, const std::string& value, bool exists) {
  Entry* entry = find(parent);
  if (entry == nullptr) return fail(ErrorCode::kConflict, "the parent is not there");
  const bool isThere = at(entry->now, parent)->contains(name);
  if (!exists && isThere) return fail(ErrorCode::kAlreadyExists, name + " exists");
  // A PATCH that matches nothing succeeds, and nothing happens.
  if (exists != isThere) return {};
  (*at(touch(*entry).now, parent))[name] = value;
  observer_.variablesWritten(process, entry->now.uuid, name);
  return {};
}

Status BalenaCloud::remove(int process, std::int64_t byFleet, const balena::VariableParent& parent,
                           const balena::DeleteGuard& guard) {
  Entry* entry = find(parent);
  if (entry == nullptr) return {};
  if (entry->now.id != guard.deviceId || entry->now.fleetId != guard.fleetId) return {};
  const Variables& there = *at(entry->now, parent);
  const auto path = there.find(balena::kClientPath);
  if (path == there.end() || path->second != guard.clientPath) return {};
  Variables& variables = *at(touch(*entry).now, parent);
  for (const std::string_view name : balena::kVariableNames) variables.erase(std::string(name));
  observer_.variablesDeleted(process, entry->now.uuid, byFleet);
  return {};
}

std::string BalenaCloud::uuidOf(const balena::VariableParent& parent) {
  const Entry* entry = find(parent);
  return entry == nullptr ? std::string() : entry->now.uuid;
}

bool BalenaCloud::has(const balena::VariableParent& parent, const std::string& name) {
  Entry* entry = find(parent);
  return entry != nullptr && at(entry->now, parent)->contains(name);
}

std::vector<FleetDevice> BalenaCloud::page(std::int64_t fleetId, const balena::VariableLevel& level,
                                           std::int64_t from, std::int64_t to) const {
  std::vector<FleetDevice> rows;
  if (showsNothing) return rows;
  for (const auto& [uuid, entry] : devices_) {
    const DeviceRow& row = seen(entry);
    if (!row.isRegistered || row.fleetId != fleetId || row.id < from || row.id >= to) continue;
    FleetDevice shown;
    shown.id = row.id;
    shown.uuid = uuid;
    shown.name = "device-" + std::to_string(row.id);
    const Variables* variables = &row.variables;
    if (level.serviceId) {
      const auto install = row.installs.find(*level.serviceId);
      variables = install == row.installs.end() ? nullptr : &install->second.variables;
      if (variables != nullptr) shown.serviceInstallId = install->second.id;
    }
    if (variables != nullptr) {
      for (const auto& [name, value] : *variables) {
        if (name == balena::kPrivateKey) {
          shown.hasPrivateKey = true;
        } else {
          shown.publicVariables.emplace(name, value);
        }
      }
    }
    rows.push_back(std::move(shown));
  }
  std::ranges::sort(rows, {}, &FleetDevice::id);
  return rows;
}

std::size_t BalenaCloud::count(std::int64_t fleetId) const {
  if (showsNothing) return 0;
  return static_cast<std::size_t>(std::ranges::count_if(devices_, [&](const auto& each) {
    return each.second.now.isRegistered && each.second.now.fleetId == fleetId;
  }));
}

// ── BalenaClient

Result<balena::Fleet> BalenaClient::getFleet(const std::string& slug) {
  return link_.call<balena::Fleet>(
      {Upstream::kBalena, "getFleet"},
      [&cloud = cloud_, token = token_, slug]() -> Result<balena::Fleet> {
        if (token != cloud.token) return fail(unwelcome());
        return cloud.getFleet(slug);
      });
}

// Two pages, by ascending id, each read at its own time, and the count with the last.
Result<TimePoint> BalenaClient::listFleet(std::int64_t fleetId, const balena::VariableLevel& level,
                                          bool, balena::FleetVisitor& visitor) {
  constexpr std::int64_t kAll = std::numeric_limits<std::int64_t>::max();
  using Page = std::pair<std::vector<FleetDevice>, std::size_t>;
  const TimePoint start = link_.now();
  const std::int64_t middle = cloud_.middleId();
  std::vector<FleetDevice> rows;
  std::size_t count = 0;
  visitor.restart();
  for (const auto& [from, to] : {std::pair{std::int64_t{0}, middle}, std::pair{middle, kAll}}) {
    auto page = link_.call<Page>(
        {Upstream::kBalena, "listFleet"},
        [&cloud = cloud_, token = token_, fleetId, level, from = from, to = to]() -> Result<Page> {
          if (token != cloud.token) return fail(unwelcome());
          return Page{cloud.page(fleetId, level, from, to), cloud.count(fleetId)};
        });
    if (!page) return fail(std::move(page.error()));
    for (const FleetDevice& row : page->first) visitor.visit(row);
    count += page->first.size();
    if (to == kAll && count != page->second) {
      return fail(ErrorCode::kInternal, "the rows disagree with $count");
    }
  }
  link_.noteListed(fleetId);
  return start;
}

Result<balena::Device> BalenaClient::getDevice(const std::string& uuid, const CallTerms&) {
  return link_.call<balena::Device>(
      {Upstream::kBalena, "getDevice " + uuid, false, uuid},
      [&cloud = cloud_, token = token_, uuid]() -> Result<balena::Device> {
        if (token != cloud.token) return fail(unwelcome());
        return cloud.getDevice(uuid);
      });
}

std::vector<Status> BalenaClient::writeVariables(const balena::VariableParent& parent,
                                                 std::span<const balena::VariableWrite> writes,
                                                 const CallTerms&) {
  std::vector<std::pair<Call, std::shared_ptr<Link::Flight<void>>>> flights;
  for (const balena::VariableWrite& write : writes) {
    Call call{Upstream::kBalena,
              "write " + write.name + " on " + describe(parent),
              true,
              {},
              cloud_.uuidOf(parent)};
    auto flight = link_.send<void>(
        call,
        [this, parent, name = write.name, value = std::string(write.value.reveal()),
         exists = write.exists, process = process_, &cloud = cloud_, token = token_]() -> Status {
          if (token != cloud.token) return fail(unwelcome());
          return cloud.write(process, parent, name, value, exists);
        });
    flights.emplace_back(std::move(call), std::move(flight));
  }
  std::vector<Status> results;
  for (const auto& [call, flight] : flights) results.push_back(link_.receive<void>(call, flight));
  return results;
}

Result<bool> BalenaClient::hasVariable(const balena::VariableParent& parent, std::string_view name,
                                       const CallTerms&) {
  return link_.call<bool>(
      {Upstream::kBalena, "hasVariable on " + describe(parent)},
      [&cloud = cloud_, token = token_, parent, name = std::string(name)]() -> Result<bool> {
        if (token != cloud.token) return fail(unwelcome());
        return cloud.has(parent, name);
      });
}

Status BalenaClient::deleteVariables(const balena::VariableParent& parent,
                                     const balena::DeleteGuard& guard, const CallTerms&) {
  return link_.call<void>({Upstream::kBalena,
                           "deleteVariables of " + describe(parent),
                           true,
                           {},
                           cloud_.uuidOf(parent)},
                          [parent, guard, process = process_, fleet = fleetId_, &cloud = cloud_,
                           token = token_]() -> Status {
                            if (token != cloud.token) return fail(unwelcome());
                            return cloud.remove(process, fleet, parent, guard);
                          });
}

}  // namespace bco::sim
