// Control API: ClearBlade's side behind everybody's back: registries, registrations, accounts.
#include <nlohmann/json.hpp>

#include "sandbox/clearblade_json.h"
#include "sandbox/control_routes.h"
#include "sandbox/sandbox.h"

namespace bco::sandbox {
namespace {

using nlohmann::json;

tl::unexpected<Error> failed(const Problem& problem) {
  return fail(problem.code == 404   ? ErrorCode::kNotFound
              : problem.code == 409 ? ErrorCode::kAlreadyExists
                                    : ErrorCode::kInvalid,
              problem.message);
}

json show(const CloudDevice& device) {
  std::string text;
  appendDevice(text, device, field::kAll, false);
  json shown = json::parse(text, nullptr, false);
  shown["publishes"] = {{"accepted", device.publishes.accepted},
                        {"refused", device.publishes.refused}};
  return shown;
}

// The registry that ?registry=projects/… names; without one the first.
Result<CloudRegistry*> registryOf(Sandbox& sandbox, const ControlCall& call) {
  const auto& all = sandbox.clearBlade().registries();
  const std::string path = call.query.get("registry");
  CloudRegistry* found = path.empty() ? (all.empty() ? nullptr : all.front().get())
                                      : sandbox.clearBlade().findRegistry(path);
  if (found == nullptr) return fail(ErrorCode::kNotFound, "no such registry");
  return found;
}

struct Place {
  CloudRegistry& registry;
  CloudDevice& device;
};

Result<Place> placeOf(Sandbox& sandbox, const ControlCall& call) {
  const auto registry = registryOf(sandbox, call);
  if (!registry) return fail(registry.error());
  CloudDevice* device = findByAnyId(**registry, call.parts.front());
  if (device == nullptr) return fail(ErrorCode::kNotFound, "no such registration");
  return Place{**registry, *device};
}

Result<json> createRegistration(Sandbox& sandbox, const ControlCall& call) {
  const auto registry = registryOf(sandbox, call);
  if (!registry) return fail(registry.error());
  const auto device = sandbox.clearBlade().createDevice(**registry, call.body.dump());
  if (!device) return failed(device.error());
  return show(**device);
}

// Changes those fields that the body has, and no others.
Result<json> changeRegistration(Sandbox& sandbox, const ControlCall& call) {
  const auto place = placeOf(sandbox, call);
  if (!place) return fail(place.error());
  std::vector<std::string> mask;
  for (const auto& [key, value] : call.body.items()) {
    if (key == "takesCommands") {
      place->device.takesCommands = value.get<bool>();
    } else {
      mask.push_back(key);
    }
  }
  if (!mask.empty()) {
    const auto changed =
        sandbox.clearBlade().patchDevice(place->registry, place->device, mask, call.body.dump());
    if (!changed) return failed(changed.error());
  }
  return show(place->device);
}

Result<json> deleteRegistration(Sandbox& sandbox, const ControlCall& call) {
  const auto place = placeOf(sandbox, call);
  if (!place) return fail(place.error());
  const auto deleted = sandbox.clearBlade().deleteDevice(place->registry, place->device);
  if (!deleted) return failed(deleted.error());
  return json::object();
}

Result<json> addRegistry(Sandbox& sandbox, const ControlCall& call) {
  const auto project = textOf(call.body, "project");
  const auto region = textOf(call.body, "region");
  const auto id = textOf(call.body, "registry");
  if (!project || !region || !id) {
    return fail(ErrorCode::kInvalid, "project, region and registry expected");
  }
  if (sandbox.clearBlade().findRegistry(*project, *region, *id) != nullptr) {
    return fail(ErrorCode::kAlreadyExists, "there is such a registry");
  }
  const CloudRegistry& registry = sandbox.clearBlade().addRegistry(*project, *region, *id);
  return json{{"systemKey", registry.systemKey}, {"path", registry.path()}};
}

json show(const ServiceAccount& account) {
  return {{"systemKey", account.systemKey}, {"token", account.token}, {"project", account.project}};
}

json showRefusals(const ClearBladeCloud& cloud) {
  json list = json::array();
  for (const RefusedPublish& refused : cloud.refusedPublishes()) {
    list.push_back({{"time", formatRfc3339(refused.time)},
                    {"registry", refused.registry},
                    {"device", refused.device},
                    {"reason", refused.reason}});
  }
  return {{"refusals", list}};
}

// Registrations of one registry, or of all.
json showRegistries(Sandbox& sandbox) {
  json list = json::array();
  for (const auto& registry : sandbox.clearBlade().registries()) {
    json devices = json::array();
    for (const auto& [key, device] : registry->listing) devices.push_back(show(*device));
    list.push_back({{"path", registry->path()},
                    {"systemKey", registry->systemKey},
                    {"registrations", devices}});
  }
  return list;
}

json dump(Sandbox& sandbox) {
  return {{"now", formatRfc3339(sandbox.world().clock.now())},
          {"balena", json::parse(sandbox.balena().dump(), nullptr, false)},
          {"registries", showRegistries(sandbox)}};
}

}  // namespace

std::vector<ControlRoute> clearBladeRoutes() {
  return {
      {"GET", "registrations/*",
       [](Sandbox& sandbox, const ControlCall& call) -> Result<json> {
         const auto place = placeOf(sandbox, call);
         if (!place) return fail(place.error());
         return show(place->device);
       }},
      {"POST", "registrations", createRegistration},
      {"PATCH", "registrations/*", changeRegistration},
      {"DELETE", "registrations/*", deleteRegistration},
      {"GET", "registries",
       [](Sandbox& sandbox, const auto&) {
         return json{{"registries", showRegistries(sandbox)}};
       }},
      {"POST", "registries", addRegistry},
      {"DELETE", "registries/**",
       [](Sandbox& sandbox, const ControlCall& call) -> Result<json> {
         const auto* registry = sandbox.clearBlade().findRegistry(call.parts.front());
         if (registry == nullptr) return fail(ErrorCode::kNotFound, "no such registry");
         sandbox.clearBlade().deleteRegistry(*registry);
         return json::object();
       }},
      {"GET", "service-accounts",
       [](Sandbox& sandbox, const auto&) {
         json list = json::array();
         for (const auto& account : sandbox.clearBlade().serviceAccounts()) {
           list.push_back(show(account));
         }
         return json{{"serviceAccounts", list}};
       }},
      {"POST", "service-accounts",
       [](Sandbox& sandbox, const ControlCall& call) -> Result<json> {
         const auto project = textOf(call.body, "project");
         if (!project) return fail(project.error());
         return show(sandbox.clearBlade().addServiceAccount({"", "", *project}));
       }},
      {"POST", "service-accounts/*/renew",
       [](Sandbox& sandbox, const ControlCall& call) -> Result<json> {
         const auto token = sandbox.clearBlade().renewServiceAccount(call.parts.front());
         if (!token) return fail(token.error());
         return json{{"token", *token}};
       }},
      {"DELETE", "service-accounts/*",
       [](Sandbox& sandbox, const ControlCall& call) -> Result<json> {
         const auto removed = sandbox.clearBlade().removeServiceAccount(call.parts.front());
         if (!removed) return fail(removed.error());
         return json::object();
       }},
      {"DELETE", "exchanged-tokens",
       [](Sandbox& sandbox, const auto&) {
         return json{{"revoked", sandbox.clearBlade().revokeRegionalTokens()}};
       }},
      {"GET", "refusals",
       [](Sandbox& sandbox, const auto&) { return showRefusals(sandbox.clearBlade()); }},
      {"DELETE", "refusals",
       [](Sandbox& sandbox, const auto&) {
         sandbox.clearBlade().clearRefusedPublishes();
         return json::object();
       }},
      {"GET", "dump", [](Sandbox& sandbox, const auto&) { return dump(sandbox); }},
  };
}

}  // namespace bco::sandbox
