#include "sandbox/balena_access.h"

#include <algorithm>

#include "core/text.h"
#include "sandbox/odata_parser.h"

namespace bco::sandbox {
namespace {

using odata::idOf;
using odata::makeText;
using odata::Resource;
using odata::Row;

bool isOneOf(const Resource& resource, std::initializer_list<const Resource*> list) {
  return std::find(list.begin(), list.end(), &resource) != list.end();
}

bool guestMay(const BalenaSchema& names, Verb verb, const Resource& resource) {
  return verb == Verb::kRead &&
         isOneOf(resource, {names.fleet, names.service, names.release, names.deviceType,
                            names.deviceTypeAlias, names.architecture});
}

bool isVariable(const BalenaSchema& names, const Resource& resource) {
  return isOneOf(resource, {names.deviceVariables.resource, names.installVariables.resource,
                            names.fleetVariables.resource, names.serviceVariables.resource,
                            names.deviceConfig.resource, names.fleetConfig.resource, names.tag});
}

bool userMay(const BalenaSchema& names, Verb verb, const Resource& resource) {
  if (isOneOf(resource, {names.actor, names.fleetAccess})) return false;
  if (verb == Verb::kRead || isVariable(names, resource)) return true;
  if (isOneOf(resource, {names.device, names.fleet, names.service})) return true;
  if (verb == Verb::kCreate) return &resource == names.install;
  if (&resource == names.apiKey) return true;
  return verb == Verb::kUpdate && &resource == names.release;
}

bool deviceMay(const BalenaSchema& names, Verb verb, const Resource& resource) {
  if (isOneOf(resource,
              {names.deviceVariables.resource, names.installVariables.resource, names.tag})) {
    return true;
  }
  if (&resource == names.device) return verb == Verb::kRead || verb == Verb::kUpdate;
  if (verb != Verb::kRead) return false;
  return guestMay(names, verb, resource) || isVariable(names, resource) ||
         isOneOf(resource, {names.install, names.imageInstall, names.image, names.releaseImage});
}

}  // namespace

BalenaAccess::BalenaAccess(BalenaStore& store) : store_(store), mainUser_(addUser("sandbox")) {}

std::int64_t BalenaAccess::addUser(std::string_view name) {
  auto& names = store_.names;
  Row user = store_.newRow(*names.user);
  const std::int64_t id = user.id();
  user.values[names.userName->column] = makeText(name);
  user.values[names.userEmail->column] = makeText(std::string(name) + "@example.com");
  user.values[names.userActor->column] = store_.newActor();
  store_.put(*names.user, std::move(user));
  return id;
}

Result<std::string> BalenaAccess::add(const TokenSpec& spec) {
  const auto& names = store_.names;
  std::string text = spec.token;
  if (text.empty()) {
    text = spec.kind == TokenKind::kSession
               ? toBase64Url("{\"alg\":\"HS256\"}") + "." + store_.randomAlphanumeric(60) + "." +
                     store_.randomAlphanumeric(43)
               : store_.randomAlphanumeric(32);
  }
  if (tokens_.contains(text)) return fail(ErrorCode::kAlreadyExists, "the token exists");

  Token token;
  token.expires = spec.expires;
  Principal& principal = token.principal;
  for (const auto& slug : spec.fleets) {
    const Row* fleet = store_.findFleet(slug);
    if (fleet == nullptr) return fail(ErrorCode::kNotFound, "no fleet " + slug);
    principal.fleets.push_back(fleet->id());
  }
  std::sort(principal.fleets.begin(), principal.fleets.end());
  if (spec.kind == TokenKind::kDeviceKey) {
    const Row* device = store_.findDevice(spec.device);
    if (device == nullptr) return fail(ErrorCode::kNotFound, "no device " + spec.device);
    principal.kind = Principal::Kind::kDevice;
    principal.device = device->id();
    principal.actor = idOf(device->values[names.deviceActor->column]);
  } else if (spec.kind == TokenKind::kProvisioningKey) {
    if (principal.fleets.empty()) return fail(ErrorCode::kNotFound, "a provisioning key's fleet");
    principal.kind = Principal::Kind::kProvisioning;
  } else {
    principal.kind = Principal::Kind::kUser;
    principal.session = spec.kind == TokenKind::kSession;
    principal.blanket = spec.allFleets;
    principal.user = spec.allFleets ? mainUser_ : addUser(spec.name.empty() ? "user" : spec.name);
    principal.actor =
        idOf(store_.find(*names.user, principal.user)->values[names.userActor->column]);
  }
  if (!principal.session) addApiKeyRow(token, spec);
  tokens_.emplace(text, std::move(token));
  return text;
}

void BalenaAccess::addApiKeyRow(Token& token, const TokenSpec& spec) {
  const auto& names = store_.names;
  Row key = store_.newRow(*names.apiKey);
  token.apiKey = key.id();
  if (!spec.name.empty()) key.values[names.apiKeyName->column] = makeText(spec.name);
  if (spec.expires) key.values[names.apiKeyExpiry->column] = *spec.expires;
  key.values[names.apiKeyActor->column] = token.principal.actor;
  store_.put(*names.apiKey, std::move(key));
}

Status BalenaAccess::revoke(std::string_view token) {
  const auto found = tokens_.find(std::string(token));
  if (found == tokens_.end()) return fail(ErrorCode::kNotFound, "no such token");
  if (found->second.apiKey != 0) store_.erase(*store_.names.apiKey, found->second.apiKey);
  tokens_.erase(found);
  return {};
}

Status BalenaAccess::expire(std::string_view token, TimePoint when) {
  const auto found = tokens_.find(std::string(token));
  if (found == tokens_.end()) return fail(ErrorCode::kNotFound, "no such token");
  found->second.expires = when;
  if (const Row* row = store_.find(*store_.names.apiKey, found->second.apiKey)) {
    Row changed = *row;
    changed.values[store_.names.apiKeyExpiry->column] = when;
    store_.update(*store_.names.apiKey, std::move(changed));
  }
  return {};
}

const Principal& BalenaAccess::identify(const server::Request& request) const {
  std::string text;
  const auto question = request.target.find('?');
  if (question != std::string::npos &&
      request.target.find("apikey=", question) != std::string::npos) {
    auto options = odata::splitQuery(std::string_view(request.target).substr(question + 1));
    if (const auto found = options.find("apikey"); found != options.end()) text = found->second;
  }
  if (text.empty()) {
    constexpr std::string_view kBearer = "bearer ";
    const auto header = request.header("authorization");
    if (!header || header->size() <= kBearer.size() ||
        !equalsIgnoreCase(header->substr(0, kBearer.size()), kBearer)) {
      return guest_;
    }
    text = trim(header->substr(kBearer.size()));
  }
  const auto found = tokens_.find(text);
  if (found == tokens_.end()) return guest_;
  const Token& token = found->second;
  if (token.expires && *token.expires <= store_.now()) return guest_;
  // Deleted like any other row: by its owner over the API, or with its device.
  if (token.apiKey != 0 && store_.find(*store_.names.apiKey, token.apiKey) == nullptr) {
    return guest_;
  }
  return token.principal;
}

bool BalenaAccess::may(const Principal& principal, Verb verb, const Resource& resource) const {
  const auto& names = store_.names;
  switch (principal.kind) {
    case Principal::Kind::kGuest:
      return guestMay(names, verb, resource);
    case Principal::Kind::kUser:
      return userMay(names, verb, resource);
    case Principal::Kind::kDevice:
      return deviceMay(names, verb, resource);
    case Principal::Kind::kProvisioning:
      return guestMay(names, verb, resource) ||
             (verb == Verb::kCreate && &resource == names.device);
  }
  return false;
}

bool PrincipalView::sees(const Resource& resource, const Row& row) const {
  const auto& names = store_.names;
  if (&resource == names.apiKey) {
    return idOf(row.values[names.apiKeyActor->column]) == principal_.actor &&
           principal_.kind == Principal::Kind::kUser;
  }
  if (&resource == names.user) return row.id() == principal_.user;
  if (principal_.blanket) return true;
  const auto& path = names.pathToFleet[resource.index];
  if (path.empty() && &resource != names.fleet) return true;

  const Row* at = &row;
  const Resource* where = &resource;
  for (const auto* step : path) {
    if (where == names.device && principal_.kind == Principal::Kind::kDevice) break;
    at = rows_.find(*step->target, idOf(at->values[step->column]));
    if (at == nullptr) return false;
    where = step->target;
  }
  if (principal_.kind == Principal::Kind::kDevice) {
    if (where == names.device) return at->id() == principal_.device;
    const Row* device = rows_.find(*names.device, principal_.device);
    return device != nullptr && idOf(device->values[names.deviceFleet->column]) == at->id();
  }
  const bool member =
      principal_.kind == Principal::Kind::kUser &&
      std::binary_search(principal_.fleets.begin(), principal_.fleets.end(), at->id());
  if (member) return true;
  if (&resource == names.fleetAccess || where != names.fleet) return false;
  // Everybody sees a public fleet, but not its devices.
  const bool ofFleet = guestMay(names, Verb::kRead, resource);
  return ofFleet && at->values[names.fleetIsPublic->column] == odata::Value{true};
}

}  // namespace bco::sandbox
