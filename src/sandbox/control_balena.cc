// Control API: balena's side behind everybody's back: fleets, devices, variables, tokens.
#include <nlohmann/json.hpp>

#include "sandbox/control_routes.h"
#include "sandbox/sandbox.h"

namespace bco::sandbox {
namespace {

using nlohmann::json;

constexpr Duration kPowerOnSpread = std::chrono::seconds(2);

Result<json> done(const Status& status) {
  if (!status) return fail(status.error());
  return json::object();
}

Result<json> addFleet(Sandbox& sandbox, const ControlCall& call) {
  FleetSpec spec;
  const auto slug = textOf(call.body, "slug");
  if (!slug) return fail(slug.error());
  spec.slug = *slug;
  spec.services = call.body.value("services", spec.services);
  spec.deviceType = call.body.value("deviceType", spec.deviceType);
  spec.release = call.body.value("release", spec.release);
  return done(sandbox.balena().addFleet(spec));
}

Result<json> changeFleet(Sandbox& sandbox, const ControlCall& call) {
  const std::string& slug = call.parts.front();
  Status status;
  if (call.body.contains("addService")) {
    status = sandbox.balena().addService(slug, call.body.at("addService").get<std::string>());
  }
  if (status && call.body.value("release", false)) status = sandbox.balena().release(slug);
  if (status && call.body.contains("slug")) {
    status = sandbox.balena().renameFleet(slug, call.body.at("slug").get<std::string>());
  }
  return done(status);
}

Result<json> addDevices(Sandbox& sandbox, const ControlCall& call) {
  const auto fleet = textOf(call.body, "fleet");
  if (!fleet) return fail(fleet.error());
  std::vector<std::string> uuids;
  if (call.body.contains("count")) {
    const auto count = countOf(call.body.at("count"), kMostDevices);
    if (!count) return fail(withContext(count.error(), "count"));
    auto added = sandbox.balena().addDevices(*fleet, *count);
    if (!added) return fail(added.error());
    uuids = *std::move(added);
  } else {
    DeviceSpec spec;
    spec.fleet = *fleet;
    spec.uuid = call.body.value("uuid", spec.uuid);
    spec.name = call.body.value("name", spec.name);
    spec.deviceType = call.body.value("deviceType", spec.deviceType);
    spec.online = call.body.value("online", spec.online);
    spec.tags = call.body.value("tags", spec.tags);
    const auto uuid = sandbox.balena().addDevice(spec);
    if (!uuid) return fail(uuid.error());
    uuids.push_back(*uuid);
  }
  for (const std::string& uuid : uuids) sandbox.devices().add(uuid, kPowerOnSpread);
  return json{{"uuids", uuids}};
}

// Tags: a text sets one, null removes it.
Status changeTags(BalenaCloud& balena, const std::string& uuid, const json& tags) {
  for (const auto& [key, value] : tags.items()) {
    const Status status = value.is_null() ? balena.removeTag(uuid, key)
                                          : balena.setTag(uuid, key, value.get<std::string>());
    if (!status) return status;
  }
  return {};
}

Result<json> changeDevice(Sandbox& sandbox, const ControlCall& call) {
  const std::string& uuid = call.parts.front();
  BalenaCloud& balena = sandbox.balena();
  if (!balena.hasDevice(uuid)) return fail(ErrorCode::kNotFound, "no such device");
  DeviceSimulator& devices = sandbox.devices();
  Status status;
  if (call.body.contains("fleet")) {
    status = balena.moveDevice(uuid, call.body.at("fleet").get<std::string>());
  }
  if (status && call.body.contains("tags")) status = changeTags(balena, uuid, call.body.at("tags"));
  if (status && call.body.contains("online")) {
    const bool online = call.body.at("online").get<bool>();
    status = balena.setOnline(uuid, online);
    if (status && online) devices.cameOnline(uuid);
  }
  if (!status) return fail(status.error());
  if (call.body.contains("updateLock")) {
    devices.setUpdateLock(uuid, call.body.at("updateLock").get<bool>());
  }
  if (call.body.contains("localMode")) {
    devices.setLocalMode(uuid, call.body.at("localMode").get<bool>());
  }
  if (call.body.contains("pollInterval")) {
    const auto interval = durationOf(call.body.at("pollInterval"));
    if (!interval) return fail(interval.error());
    devices.setPollInterval(uuid, *interval);
  }
  return json::object();
}

Result<json> addToken(Sandbox& sandbox, const ControlCall& call) {
  TokenSpec spec;
  spec.token = call.body.value("token", spec.token);
  spec.name = call.body.value("name", spec.name);
  spec.allFleets = call.body.value("allFleets", spec.allFleets);
  spec.fleets = call.body.value("fleets", spec.fleets);
  spec.device = call.body.value("device", spec.device);
  const std::string kind = call.body.value("kind", "user");
  if (kind == "session") {
    spec.kind = TokenKind::kSession;
  } else if (kind == "device") {
    spec.kind = TokenKind::kDeviceKey;
  } else if (kind == "provisioning") {
    spec.kind = TokenKind::kProvisioningKey;
  } else if (kind != "user") {
    return fail(ErrorCode::kInvalid, "kind is user, session, device or provisioning");
  }
  if (call.body.contains("expires")) {
    spec.expires = parseRfc3339(call.body.at("expires").get<std::string>());
    if (!spec.expires) return fail(ErrorCode::kInvalid, "expires is no RFC 3339 time");
  }
  const auto token = sandbox.balena().addToken(spec);
  if (!token) return fail(token.error());
  return json{{"token", *token}};
}

Result<json> expireToken(Sandbox& sandbox, const ControlCall& call) {
  const auto when = parseRfc3339(call.body.value("expires", ""));
  if (!when) return fail(ErrorCode::kInvalid, "expires is no RFC 3339 time");
  return done(sandbox.balena().expireToken(call.parts.front(), *when));
}

Result<json> setVariable(Sandbox& sandbox, const ControlCall& call) {
  const auto value = textOf(call.body, "value");
  if (!value) return fail(value.error());
  return done(sandbox.balena().setVariable(call.parts[0], call.query.get("service"), call.parts[1],
                                           *value));
}

}  // namespace

std::vector<ControlRoute> balenaRoutes() {
  return {
      {"POST", "fleets", addFleet},
      {"PATCH", "fleets/**", changeFleet},
      {"DELETE", "fleets/**",
       [](Sandbox& sandbox, const ControlCall& call) {
         for (const auto& uuid : sandbox.balena().deviceUuids(call.parts.front())) {
           sandbox.devices().remove(uuid);
         }
         return done(sandbox.balena().deleteFleet(call.parts.front()));
       }},
      {"POST", "devices", addDevices},
      {"PATCH", "devices/*", changeDevice},
      {"DELETE", "devices/*",
       [](Sandbox& sandbox, const ControlCall& call) {
         sandbox.devices().remove(call.parts.front());
         return done(sandbox.balena().deleteDevice(call.parts.front()));
       }},
      {"GET", "devices/*/variables/*",
       [](Sandbox& sandbox, const ControlCall& call) -> Result<json> {
         return json{{"value", sandbox.balena().variable(call.parts[0], call.query.get("service"),
                                                         call.parts[1])}};
       }},
      {"PUT", "devices/*/variables/*", setVariable},
      {"DELETE", "devices/*/variables/*",
       [](Sandbox& sandbox, const ControlCall& call) {
         return done(sandbox.balena().removeVariable(call.parts[0], call.query.get("service"),
                                                     call.parts[1]));
       }},
      {"PUT", "fleet-variables/*/**",
       [](Sandbox& sandbox, const ControlCall& call) -> Result<json> {
         const auto value = textOf(call.body, "value");
         if (!value) return fail(value.error());
         return done(sandbox.balena().setFleetVariable(call.parts[1], call.query.get("service"),
                                                       call.parts[0], *value));
       }},
      {"POST", "tokens", addToken},
      {"PATCH", "tokens/*", expireToken},
      {"DELETE", "tokens/*",
       [](Sandbox& sandbox, const ControlCall& call) {
         return done(sandbox.balena().revokeToken(call.parts.front()));
       }},
      {"PUT", "absent-fields/*",
       [](Sandbox& sandbox, const ControlCall& call) {
         return done(sandbox.balena().setFieldAbsent(call.parts.front(), true));
       }},
      {"DELETE", "absent-fields/*",
       [](Sandbox& sandbox, const ControlCall& call) {
         return done(sandbox.balena().setFieldAbsent(call.parts.front(), false));
       }},
  };
}

}  // namespace bco::sandbox
