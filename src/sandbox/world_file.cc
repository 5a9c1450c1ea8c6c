#include "sandbox/world_file.h"

#include <nlohmann/json.hpp>

namespace bco::sandbox {
namespace {

using nlohmann::json;

// Devices of a fleet are not all switched on in one moment.
constexpr Duration kPowerOnSpread = std::chrono::seconds(2);

FleetPlan readFleet(const json& entry) {
  FleetPlan fleet;
  fleet.spec.slug = entry.at("slug").get<std::string>();
  fleet.spec.services = entry.value("services", fleet.spec.services);
  fleet.spec.deviceType = entry.value("deviceType", fleet.spec.deviceType);
  fleet.spec.release = entry.value("release", fleet.spec.release);
  if (const json devices = entry.value("devices", json(0)); devices.is_array()) {
    fleet.uuids = devices.get<std::vector<std::string>>();
  } else {
    fleet.devices = devices.get<std::size_t>();
  }
  return fleet;
}

TokenSpec readToken(const json& entry) {
  TokenSpec token;
  token.token = entry.value("token", token.token);
  token.name = entry.value("name", token.name);
  token.allFleets = entry.value("allFleets", token.allFleets);
  token.fleets = entry.value("fleets", token.fleets);
  return token;
}

}  // namespace

WorldPlan defaultWorld(std::size_t devices) {
  WorldPlan plan;
  FleetPlan sensors;
  sensors.spec.slug = "acme/sensors";
  sensors.spec.services = {"relay"};
  sensors.devices = devices;
  FleetPlan gateways;
  gateways.spec.slug = "acme/gateways";
  TokenSpec token;
  token.name = "operator";
  token.fleets = {sensors.spec.slug, gateways.spec.slug};
  plan.fleets = {sensors, gateways};
  plan.tokens = {token};
  plan.serviceAccounts = {{"", "", "my-project"}};
  plan.registries = {{"my-project", "us-central1", "devices"}};
  return plan;
}

Result<WorldPlan> parseWorld(std::string_view text) {
  try {
    const json root = json::parse(text);
    WorldPlan plan;
    for (const json& entry : root.value("fleets", json::array())) {
      plan.fleets.push_back(readFleet(entry));
    }
    for (const json& entry : root.value("tokens", json::array())) {
      plan.tokens.push_back(readToken(entry));
    }
    for (const json& entry : root.value("serviceAccounts", json::array())) {
      plan.serviceAccounts.push_back({entry.value("systemKey", ""), entry.value("token", ""),
                                      entry.at("project").get<std::string>()});
    }
    for (const json& entry : root.value("registries", json::array())) {
      plan.registries.push_back({entry.at("project").get<std::string>(),
                                 entry.at("region").get<std::string>(),
                                 entry.at("registry").get<std::string>()});
    }
    return plan;
  } catch (const json::exception& error) {
    return fail(ErrorCode::kInvalid, std::string("world file: ") + error.what());
  }
}

Result<BuiltWorld> build(Sandbox& sandbox, const WorldPlan& plan) {
  BuiltWorld built;
  for (const FleetPlan& fleet : plan.fleets) {
    if (const auto added = sandbox.balena().addFleet(fleet.spec); !added)
      return fail(added.error());
    auto devices = sandbox.balena().addDevices(fleet.spec.slug, fleet.devices);
    if (!devices) return fail(devices.error());
    for (const std::string& uuid : fleet.uuids) {
      DeviceSpec device;
      device.fleet = fleet.spec.slug;
      device.uuid = uuid;
      const auto added = sandbox.balena().addDevice(device);
      if (!added) return fail(added.error());
      devices->push_back(*added);
    }
    for (const std::string& uuid : *devices) sandbox.devices().add(uuid, kPowerOnSpread);
  }
  for (const TokenSpec& spec : plan.tokens) {
    const auto token = sandbox.balena().addToken(spec);
    if (!token) return fail(token.error());
    built.tokens.push_back(*token);
  }
  for (const ServiceAccount& account : plan.serviceAccounts) {
    built.serviceAccounts.push_back(sandbox.clearBlade().addServiceAccount(account));
  }
  for (const RegistryPlan& registry : plan.registries) {
    if (sandbox.clearBlade().findRegistry(registry.project, registry.region, registry.id)) {
      return fail(ErrorCode::kAlreadyExists, "registry " + registry.id + " is given twice");
    }
    sandbox.clearBlade().addRegistry(registry.project, registry.region, registry.id);
  }
  return built;
}

}  // namespace bco::sandbox
