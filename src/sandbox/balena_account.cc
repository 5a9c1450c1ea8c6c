#include "sandbox/balena_account.h"

#include "core/text.h"
#include "sandbox/balena_body.h"
#include "sandbox/balena_reply.h"
#include "sandbox/balena_rules.h"
#include "sandbox/balena_state.h"

namespace bco::sandbox {
namespace {

using odata::appendJson;
using odata::idOf;
using odata::makeText;
using odata::Row;
using odata::textOf;
using odata::Value;

}  // namespace

server::Reply BalenaAccount::handle(const server::Request& request, const Principal& principal,
                                    std::string_view path) {
  constexpr std::string_view kDevice = "/device/v3/";
  constexpr std::string_view kState = "/state";
  constexpr std::string_view kSupervisor = "/supervisor/";
  const bool get = request.method == "GET";
  const bool post = request.method == "POST";
  if (path == "/ping" && get) return plainReply(200, "OK");
  if (path == "/config/vars" && get) return jsonReply(request, 200, variableRules());
  if (path == "/actor/v1/whoami" && get) return whoAmI(request, principal, true);
  if (path == "/user/v1/whoami" && get) return whoAmI(request, principal, false);
  if (path == "/login_" && post) return logIn(request);
  if (path == "/api-key/user/full" && post) return createKey(request, principal);
  if (path.starts_with(kDevice) && path.ends_with(kState) && get) {
    path.remove_prefix(kDevice.size());
    path.remove_suffix(kState.size());
    return state(request, principal, path);
  }
  if (path.starts_with(kSupervisor)) {
    return proxy(request, principal, path.substr(kSupervisor.size()));
  }
  return emptyReply(404);
}

server::Reply BalenaAccount::whoAmI(const server::Request& request, const Principal& principal,
                                    bool actor) const {
  const auto& names = store_.names;
  std::string json = "{\"id\":";
  if (principal.kind == Principal::Kind::kUser) {
    const Row* user = store_.find(*names.user, principal.user);
    json += std::to_string(actor ? principal.actor : principal.user);
    if (actor) json += ",\"actorType\":\"user\",\"actorTypeId\":" + std::to_string(principal.user);
    json += ",\"username\":";
    appendJson(json, user->values[names.userName->column]);
    json += ",\"email\":";
    appendJson(json, user->values[names.userEmail->column]);
  } else if (actor && principal.kind == Principal::Kind::kDevice) {
    const Row* device = store_.find(*names.device, principal.device);
    if (device == nullptr) return emptyReply(401);
    json += std::to_string(principal.actor) +
            ",\"actorType\":\"device\",\"actorTypeId\":" + std::to_string(principal.device) +
            ",\"uuid\":";
    appendJson(json, device->values[names.deviceUuid->column]);
  } else if (actor && principal.kind == Principal::Kind::kProvisioning) {
    const Row* fleet = store_.find(*names.fleet, principal.fleets[0]);
    if (fleet == nullptr) return emptyReply(401);
    appendJson(json, fleet->values[names.fleetActor->column]);
    json += ",\"actorType\":\"application\",\"actorTypeId\":" + std::to_string(fleet->id()) +
            ",\"slug\":";
    appendJson(json, fleet->values[names.fleetSlug->column]);
  } else {
    return emptyReply(401);
  }
  return jsonReply(request, 200, json + "}");
}

server::Reply BalenaAccount::logIn(const server::Request& request) {
  const auto body = parseBody(request.body);
  // The one account that has a password.
  if (!body || body->text("username") != "sandbox" || body->text("password") != "sandbox") {
    return emptyReply(401);
  }
  TokenSpec session;
  session.kind = TokenKind::kSession;
  session.allFleets = true;
  auto token = access_.add(session);
  return token ? plainReply(200, std::move(*token)) : emptyReply(500);
}

server::Reply BalenaAccount::createKey(const server::Request& request, const Principal& principal) {
  const auto body = parseBody(request.body);
  // A named key may not make others.
  if (!principal.session || !body) return emptyReply(401);
  TokenSpec key;
  key.name = body->text("name");
  key.allFleets = principal.blanket;
  for (const auto id : principal.fleets) {
    if (const Row* fleet = store_.find(*store_.names.fleet, id)) {
      key.fleets.push_back(*textOf(fleet->values[store_.names.fleetSlug->column]));
    }
  }
  const auto token = access_.add(key);
  if (!token) return emptyReply(500);
  std::string json;
  odata::appendJsonString(json, *token);
  return jsonReply(request, 200, std::move(json));
}

server::Reply BalenaAccount::state(const server::Request& request, const Principal& principal,
                                   std::string_view uuid) {
  const auto& names = store_.names;
  if (principal.kind != Principal::Kind::kUser && principal.kind != Principal::Kind::kDevice) {
    return emptyReply(401);
  }
  const Row* device = store_.findDevice(uuid);
  if (device == nullptr) return emptyReply(304);
  const PrincipalView visibility(store_, store_.rows(), principal);
  if (!visibility.sees(*names.device, *device)) return emptyReply(401);
  static const Value kOnline = makeText("online");
  if (principal.kind == Principal::Kind::kDevice &&
      !odata::same(device->values[names.deviceHeartbeat->column], kOnline)) {
    Row seen = *device;
    seen.values[names.deviceHeartbeat->column] = kOnline;
    seen.values[names.deviceHeartbeatChanged->column] = store_.now();
    store_.update(*names.device, std::move(seen));
  }
  return jsonReply(request, 200, targetStateJson(store_, uuid));
}

server::Reply BalenaAccount::proxy(const server::Request& request, const Principal& principal,
                                   std::string_view path) const {
  const auto& names = store_.names;
  if (principal.kind != Principal::Kind::kUser && principal.kind != Principal::Kind::kDevice) {
    return emptyReply(401);
  }
  const auto body = parseBody(request.body);
  if (!body) return emptyReply(400);
  const auto idIn = [&](const char* name) {
    const auto* field = body->find(name);
    return field == nullptr ? 0 : idOf(field->value);
  };
  odata::Ids asked;
  if (const Row* byUuid = store_.findDevice(body->text("uuid"))) asked.push_back(byUuid->id());
  if (const auto id = idIn("deviceId"); id != 0) asked.push_back(id);
  if (const auto fleet = idIn("appId"); fleet != 0) {
    asked = store_.rows().pointingAt(*names.deviceFleet, fleet);
  }

  SupervisorCall call{
      .uuid = "", .method = body->text("method"), .path = std::string(path), .data = ""};
  if (call.method.empty()) call.method = "POST";
  if (const auto* data = body->find("data")) call.data = data->json;
  const PrincipalView visibility(store_, store_.rows(), principal);
  std::vector<server::Reply> answers;
  for (const auto id : asked) {
    const Row* device = store_.find(*names.device, id);
    if (device == nullptr || !visibility.sees(*names.device, *device) ||
        device->values[names.deviceIsConnected->column] != Value{true}) {
      continue;
    }
    call.uuid = *textOf(device->values[names.deviceUuid->column]);
    answers.push_back(hooks_.supervisor ? hooks_.supervisor(call) : emptyReply(204));
  }
  if (answers.empty()) return errorReply(404, "No online device(s) found");
  if (answers.size() == 1) return std::move(answers[0]);
  std::string json = "[";
  for (const auto& answer : answers) {
    if (json.size() > 1) json += ',';
    json += "{\"status\":" + std::to_string(answer.status) + ",\"body\":";
    odata::appendJsonString(json, answer.body);
    json += '}';
  }
  return jsonReply(request, 207, json + "]");
}

}  // namespace bco::sandbox
