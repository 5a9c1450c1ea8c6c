#include "sandbox/world_file.h"

#include <nlohmann/json.hpp>

#include "sandbox/control_routes.h"

namespace bco::sandbox {
namespace {

using nlohmann::json;

// Devices of a fleet are not all switched on in one moment.
constexpr Duration kPowerOnSpread = std::chrono::seconds(2);

Result<FleetPlan> readFleet(const json& entry) {
  const auto slug = textOf(entry, "slug");
  if (!slug) return fail(slug.error());
  FleetPlan fleet;
  fleet.spec.slug = *slug;
  fleet.spec.services = entry.value("services", fleet.spec.services);
  fleet.spec.deviceType = entry.value("deviceType", fleet.spec.deviceType);
  fleet.spec.release = entry.value("release", fleet.spec.release);
  const json devices = entry.value("devices", json(0U));
  if (devices.is_array()) {
    fleet.uuids = devices.get<std::vector<std::string>>();
    return fleet;
  }
  const auto count = countOf(devices, kMostDevices);
  if (!count) {
    return fail(withContext(count.error(), "devices: a list of UUIDs, or how many there are"));
  }
  fleet.devices = *count;
  return fleet;
}

Result<TokenSpec> readToken(const json& entry) {
  TokenSpec token;
  token.token = entry.value("token", token.token);
  token.name = entry.value("name", token.name);
  token.allFleets = entry.value("allFleets", token.allFleets);
  token.fleets = entry.value("fleets", token.fleets);
  return token;
}

Result<ServiceAccount> readServiceAccount(const json& entry) {
  const auto project = textOf(entry, "project");
  if (!project) return fail(project.error());
  return ServiceAccount{entry.value("systemKey", ""), entry.value("token", ""), *project};
}

Result<RegistryPlan> readRegistry(const json& entry) {
  RegistryPlan registry;
  for (const auto& [key, target] :
       {std::pair("project", &registry.project), std::pair("region", &registry.region),
        std::pair("registry", &registry.id)}) {
    const auto text = textOf(entry, key);
    if (!text) return fail(text.error());
    *target = *text;
  }
  return registry;
}

// The list `key` of the world, all of whose entries are objects of these keys.
template <class Entry>
Status readList(const json& world, const std::string& key,
                std::initializer_list<std::string_view> known,
                Result<Entry> (*read)(const json& entry), std::vector<Entry>& entries) {
  const auto list = world.find(key);
  if (list == world.end()) return {};
  if (!list->is_array()) return fail(ErrorCode::kInvalid, key + ": a list expected");
  for (std::size_t i = 0; i < list->size(); ++i) {
    const json& each = (*list)[i];
    const auto readChecked = [&]() -> Result<Entry> {
      if (!each.is_object()) return fail(ErrorCode::kInvalid, "an object expected");
      if (const Status status = onlyKeys(each, known); !status) return fail(status.error());
      try {
        return read(each);
      } catch (const json::exception& error) {  // a value of another type
        return fail(ErrorCode::kInvalid, error.what());
      }
    };
    auto entry = readChecked();
    if (!entry) return fail(withContext(entry.error(), key + "[" + std::to_string(i) + "]"));
    entries.push_back(*std::move(entry));
  }
  return {};
}

Status readWorld(const json& world, WorldPlan& plan) {
  if (!world.is_object()) return fail(ErrorCode::kInvalid, "an object expected");
  return onlyKeys(world, {"fleets", "tokens", "serviceAccounts", "registries"})
      .and_then([&] {
        return readList(world, "fleets", {"slug", "services", "deviceType", "release", "devices"},
                        readFleet, plan.fleets);
      })
      .and_then([&] {
        return readList(world, "tokens", {"token", "name", "allFleets", "fleets"}, readToken,
                        plan.tokens);
      })
      .and_then([&] {
        return readList(world, "serviceAccounts", {"project", "systemKey", "token"},
                        readServiceAccount, plan.serviceAccounts);
      })
      .and_then([&] {
        return readList(world, "registries", {"project", "region", "registry"}, readRegistry,
                        plan.registries);
      });
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
  json world;
  try {
    world = json::parse(text);
  } catch (const json::exception& error) {
    return fail(ErrorCode::kInvalid, std::string("world file: ") + error.what());
  }
  WorldPlan plan;
  if (const Status status = readWorld(world, plan); !status) {
    return fail(withContext(status.error(), "world file"));
  }
  return plan;
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
