// Control API: what the simulated devices do, and the settings of all parts.
#include <nlohmann/json.hpp>

#include "sandbox/control_routes.h"
#include "sandbox/sandbox.h"

namespace bco::sandbox {
namespace {

using nlohmann::json;

json show(const ProvisionCounts& counts) {
  return {{"asked", counts.asked},
          {"provisioned", counts.provisioned},
          {"told", counts.told},
          {"refused", counts.refused}};
}

json show(const SimulatedDevice& device) {
  json containers = json::object();
  for (const auto& [service, container] : device.containers) {
    containers[service] = {{"createdAt", formatRfc3339(container.createdAt)}};
  }
  const DeviceCounts& counts = device.counts;
  const RelayState relay = device.relay ? device.relay->state() : RelayState::kUnregistered;
  return {{"containers", containers},
          {"relay", nameOf(relay)},
          {"key", device.relay ? device.relay->fingerprint() : ""},
          {"updateLock", device.updateLock},
          {"localMode", device.localMode},
          {"postponed", device.postponed},
          {"fetches", counts.fetches},
          {"notModified", counts.notModified},
          {"starts", counts.starts},
          {"restarts", counts.restarts},
          {"partialStarts", counts.partialStarts},
          {"keyChanges", counts.keyChanges},
          {"provision", show(counts.provision)},
          {"publishes", {{"accepted", counts.accepted}, {"refused", counts.refused}}}};
}

// Of all devices: how many relays are in which state, and the sums of the counters.
json summary(const DeviceSimulator& devices) {
  std::map<std::string, std::uint64_t> relays;
  DeviceCounts sum;
  std::uint64_t maxRestarts = 0;
  for (const auto& [uuid, device] : devices.devices()) {
    const RelayState relay = device->relay ? device->relay->state() : RelayState::kUnregistered;
    ++relays[std::string(nameOf(relay))];
    const DeviceCounts& counts = device->counts;
    sum.starts += counts.starts;
    sum.restarts += counts.restarts;
    sum.partialStarts += counts.partialStarts;
    sum.keyChanges += counts.keyChanges;
    sum.accepted += counts.accepted;
    for (const auto& [reason, count] : counts.refused) sum.refused[reason] += count;
    sum.provision.asked += counts.provision.asked;
    sum.provision.provisioned += counts.provision.provisioned;
    sum.provision.told += counts.provision.told;
    for (const auto& [status, count] : counts.provision.refused) {
      sum.provision.refused[status] += count;
    }
    maxRestarts = std::max(maxRestarts, counts.restarts);
  }
  return {{"devices", devices.devices().size()},
          {"relays", relays},
          {"starts", sum.starts},
          {"restarts", sum.restarts},
          {"maxRestarts", maxRestarts},
          {"partialStarts", sum.partialStarts},
          {"keyChanges", sum.keyChanges},
          {"provision", show(sum.provision)},
          {"publishes", {{"accepted", sum.accepted}, {"refused", sum.refused}}}};
}

json showDuration(const std::optional<Duration>& duration) {
  return duration ? json(formatDuration(*duration)) : json();
}

json showUrl(const std::optional<ProvisionUrl>& url) { return url ? json(url->text) : json(); }

json showSettings(Sandbox& sandbox) {
  const BalenaSettings& balena = sandbox.balena().settings();
  return {{"balena",
           {{"installDelay", showDuration(balena.installDelay)},
            {"staleness", showDuration(balena.staleness)}}},
          {"clearblade",
           {{"tokenLifetime", showDuration(sandbox.clearBlade().settings().tokenLifetime)}}},
          {"devices",
           {{"pollInterval", showDuration(sandbox.devices().settings().pollInterval)},
            {"publishInterval", showDuration(sandbox.devices().settings().publishInterval)},
            {"restartDelay", showDuration(sandbox.devices().settings().restartDelay)},
            {"provisionUrl", showUrl(sandbox.devices().settings().provisionUrl)}}}};
}

// Reads a duration, or null where that means something, into `target`; a key that is absent leaves
// it as it is.
template <class T>
Status read(const json& body, const char* key, T& target) {
  const auto found = body.find(key);
  if (found == body.end()) return {};
  if constexpr (std::is_same_v<T, std::optional<Duration>>) {
    if (found->is_null()) {
      target = std::nullopt;
      return {};
    }
  }
  const auto duration = durationOf(*found);
  if (!duration) return fail(duration.error());
  target = *duration;
  return {};
}

Result<json> changeSettings(Sandbox& sandbox, const ControlCall& call) {
  BalenaSettings balena = sandbox.balena().settings();
  ClearBladeSettings clearBlade = sandbox.clearBlade().settings();
  DeviceSettings devices = sandbox.devices().settings();
  const json forBalena = call.body.value("balena", json::object());
  const json forClearBlade = call.body.value("clearblade", json::object());
  const json forDevices = call.body.value("devices", json::object());
  for (const Status& status : {onlyKeys(call.body, {"balena", "clearblade", "devices"}),
                               onlyKeys(forBalena, {"installDelay", "staleness"}),
                               onlyKeys(forClearBlade, {"tokenLifetime"}),
                               onlyKeys(forDevices, {"pollInterval", "publishInterval",
                                                     "restartDelay", "provisionUrl"})}) {
    if (!status) return fail(status.error());
  }
  for (const Status& status : {read(forBalena, "installDelay", balena.installDelay),
                               read(forBalena, "staleness", balena.staleness),
                               read(forClearBlade, "tokenLifetime", clearBlade.tokenLifetime),
                               read(forDevices, "pollInterval", devices.pollInterval),
                               read(forDevices, "publishInterval", devices.publishInterval),
                               read(forDevices, "restartDelay", devices.restartDelay)}) {
    if (!status) return fail(status.error());
  }
  if (const auto url = forDevices.find("provisionUrl"); url != forDevices.end()) {
    devices.provisionUrl = url->is_string() ? parseProvisionUrl(*url) : std::nullopt;
    if (!devices.provisionUrl && !url->is_null()) {
      return fail(ErrorCode::kInvalid, "provisionUrl: http://ADDRESS:PORT/PATH expected, or null");
    }
  }
  if (devices.pollInterval <= Duration(0) || devices.publishInterval <= Duration(0)) {
    return fail(ErrorCode::kInvalid, "intervals are to be above zero");
  }
  sandbox.balena().configure(balena);
  sandbox.clearBlade().configure(clearBlade);
  sandbox.devices().configure(devices);
  return showSettings(sandbox);
}

}  // namespace

std::vector<ControlRoute> deviceRoutes() {
  return {
      {"GET", "devices",
       [](Sandbox& sandbox, const ControlCall& call) -> Result<json> {
         const std::string fleet = call.query.get("fleet");
         if (fleet.empty()) return fail(ErrorCode::kInvalid, "?fleet=ORG/NAME expected");
         json list = json::array();
         for (const std::string& uuid : sandbox.balena().deviceUuids(fleet)) {
           const SimulatedDevice* device = sandbox.devices().find(uuid);
           json shown = device != nullptr ? show(*device) : json::object();
           shown["uuid"] = uuid;
           shown["connected"] = sandbox.balena().isConnected(uuid);
           list.push_back(std::move(shown));
         }
         return json{{"devices", list}};
       }},
      {"GET", "devices/*",
       [](Sandbox& sandbox, const ControlCall& call) -> Result<json> {
         const std::string& uuid = call.parts.front();
         const std::string balena = sandbox.balena().dumpDevice(uuid);
         const SimulatedDevice* device = sandbox.devices().find(uuid);
         if (balena.empty() && device == nullptr) {
           return fail(ErrorCode::kNotFound, "no such device");
         }
         return json{{"balena", json::parse(balena, nullptr, false)},
                     {"connected", sandbox.balena().isConnected(uuid)},
                     {"runtime", device != nullptr ? show(*device) : json()}};
       }},
      {"GET", "summary", [](Sandbox& sandbox, const auto&) { return summary(sandbox.devices()); }},
      {"GET", "settings", [](Sandbox& sandbox, const auto&) { return showSettings(sandbox); }},
      {"PATCH", "settings", changeSettings},
  };
}

}  // namespace bco::sandbox
