#include "sandbox/clearblade_cloud.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/text.h"
#include "sandbox/clearblade_json.h"
#include "sandbox/json_text.h"

namespace bco::sandbox {
namespace {

constexpr std::string_view kTokenHeader = "ClearBlade-UserToken";

std::string collapseSlashes(std::string_view path) {
  std::string clean;
  for (const char c : path) {
    if (c != '/' || clean.empty() || clean.back() != '/') clean += c;
  }
  return clean;
}

// GET of one and of many share a path: `parent` tells a list, `name` a get.
std::string_view deviceKind(std::string_view method, const Query& query) {
  const std::string action = query.get("method");
  if (method == "GET") {
    return query.get("name").empty() ? "clearblade.device.list" : "clearblade.device.get";
  }
  if (method == "PATCH") return "clearblade.device.patch";
  if (method == "DELETE") return "clearblade.device.delete";
  if (method != "POST") return "clearblade.unknown";
  if (action == "modifyCloudToDeviceConfig") return "clearblade.device.config";
  if (action == "sendCommandToDevice") return "clearblade.device.command";
  return action.empty() ? "clearblade.device.create" : "clearblade.unknown";
}

std::string_view registryKind(std::string_view method, const Query& query) {
  const std::string action = query.get("method");
  if (method == "GET") {
    return query.get("parent").empty() ? "clearblade.registry.get" : "clearblade.registry.list";
  }
  if (method == "PATCH") return "clearblade.registry.patch";
  if (method == "DELETE") return "clearblade.registry.delete";
  if (method != "POST") return "clearblade.unknown";
  if (action == "bindDeviceToGateway") return "clearblade.gateway.bind";
  if (action == "unbindDeviceFromGateway") return "clearblade.gateway.unbind";
  return action.empty() ? "clearblade.registry.create" : "clearblade.unknown";
}

std::string_view bridgeKind(std::string_view method, const Query& query) {
  if (method == "GET") return "bridge.config";
  const std::string action = query.get("method");
  if (method == "POST" && action == "publishEvent") return "bridge.publish";
  if (method == "POST" && action == "setState") return "bridge.state";
  return "clearblade.unknown";
}

std::string_view kindOf(std::string_view method, std::string_view function, const Query& query) {
  if (function == "cloudiot_devices") return deviceKind(method, query);
  if (function == "cloudiot") return registryKind(method, query);
  if (function == "cloudiotdevice_devices") return bridgeKind(method, query);
  if (method == "GET" && function == "cloudiot_devices_configVersions") {
    return "clearblade.device.configVersions";
  }
  if (method == "GET" && function == "cloudiot_devices_states") return "clearblade.device.states";
  return "clearblade.unknown";
}

}  // namespace

ClearBladeCloud::ClearBladeCloud(std::function<TimePoint()> now, Random& random)
    : now_(std::move(now)), random_(random) {}

std::optional<ClearBladeCall> ClearBladeCloud::classify(const server::Request& request) {
  const std::string_view target = request.target;
  const std::size_t question = target.find('?');
  const std::string path = collapseSlashes(target.substr(0, question));
  const std::size_t start = path.find("/api/v/");
  if (start == std::string::npos) return std::nullopt;
  ClearBladeCall call;
  if (question != std::string_view::npos) call.query = Query(target.substr(question + 1));
  call.kind = "clearblade.unknown";
  const auto parts = split(std::string_view(path).substr(start + 7), '/');
  if (parts.size() == 4 && parts[0] == "1" && parts[1] == "code") {
    call.systemKey = parts[2];
    if (request.method == "POST" && parts[3] == "getRegistryCredentials") {
      call.kind = "clearblade.exchange";
    }
  } else if (parts.size() == 5 && parts[0] == "4" && parts[1] == "webhook" &&
             parts[2] == "execute") {
    call.systemKey = parts[3];
    call.kind = kindOf(request.method, parts[4], call.query);
  }
  return call;
}

server::Reply ClearBladeCloud::handle(const ClearBladeCall& call, const server::Request& request,
                                      const std::string& url) {
  if (call.kind == "clearblade.unknown") return textReply(404, "Not Found");
  if (call.kind == "clearblade.exchange") return exchange(call, request, url);
  const std::string_view token = request.header(kTokenHeader).value_or("");
  const auto registry = bySystemKey_.find(call.systemKey);
  const bool isBridge = call.kind.starts_with("bridge.");
  if (registry != bySystemKey_.end()) {
    if (isBridge) return bridge(call, request, *registry->second);
    if (isRegionalToken(*registry->second, token)) {
      return regional(call, request, *registry->second);
    }
  } else if (const ServiceAccount* account = authenticate(call.systemKey, token)) {
    return admin(call, request, *account);
  }
  // Refused before the service's own code: text, which every SDK tolerates.
  return textReply(401, "Unauthorized");
}

const ServiceAccount* ClearBladeCloud::authenticate(std::string_view systemKey,
                                                    std::string_view token) const {
  const auto found = std::ranges::find(accounts_, systemKey, &ServiceAccount::systemKey);
  return found == accounts_.end() || found->token != token ? nullptr : &*found;
}

bool ClearBladeCloud::isRegionalToken(const CloudRegistry& registry, std::string_view token) const {
  const auto found = tokens_.find(token);
  return found != tokens_.end() && found->second.systemKey == registry.systemKey &&
         (!found->second.expiresAt || *found->second.expiresAt > now_());
}

server::Reply ClearBladeCloud::exchange(const ClearBladeCall& call, const server::Request& request,
                                        const std::string& url) {
  using nlohmann::json;
  const ServiceAccount* account =
      authenticate(call.systemKey, request.header(kTokenHeader).value_or(""));
  if (account == nullptr) {
    return problemReply({401, "UNAUTHENTICATED", "Unknown system key or token"});
  }
  const json body = json::parse(request.body, nullptr, false);
  if (!body.is_object()) return problemReply({400, kMalformed, "The body is no JSON object"});
  const auto text = [&](const char* key) {
    const auto found = body.find(key);
    return found != body.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  if (text("project") != account->project) {
    return problemReply({403, "PERMISSION_DENIED", "The service account is of another project"});
  }
  const CloudRegistry* registry = findRegistry(text("project"), text("region"), text("registry"));
  if (registry == nullptr) return problemReply({404, "NOT_FOUND", "No such registry"});

  const auto isUsable = [&](const auto& entry) {
    return entry.second.serviceAccount == account->systemKey &&
           isRegionalToken(*registry, entry.first);
  };
  auto token = std::ranges::find_if(tokens_, isUsable);
  if (token == tokens_.end()) {
    RegionalToken made{registry->systemKey, account->systemKey, std::nullopt};
    if (settings_.tokenLifetime) made.expiresAt = now_() + *settings_.tokenLifetime;
    token = tokens_.emplace(randomHex(32), std::move(made)).first;
  }
  std::string reply = R"({"systemKey":)";
  appendJson(reply, registry->systemKey);
  reply += R"(,"serviceAccountToken":)";
  appendJson(reply, token->first);
  reply += R"(,"url":)";
  appendJson(reply, url);
  return jsonReply(200, reply + '}');
}

server::Reply ClearBladeCloud::regional(const ClearBladeCall& call, const server::Request& request,
                                        CloudRegistry& registry) {
  const auto answer = [](Outcome<std::string> outcome) {
    return outcome ? jsonReply(200, *std::move(outcome)) : problemReply(outcome.error());
  };
  const auto show = [](Outcome<CloudDevice*> device) {
    return device.map([](const CloudDevice* found) {
      std::string out;
      appendDevice(out, *found, field::kAll, false);
      return out;
    });
  };
  const std::string_view kind = call.kind;
  if (kind == "clearblade.device.create") return answer(show(createDevice(registry, request.body)));
  if (kind == "clearblade.device.list") {
    const bool ours = call.query.get("parent").starts_with(registry.path());
    if (!ours) return problemReply({404, "NOT_FOUND", "parent is not this registry"});
    return answer(listDevices(call.query, registry));
  }
  if (kind == "clearblade.registry.get") return jsonReply(200, showRegistry(registry));
  if (kind == "clearblade.registry.patch") {
    return answer(patchRegistry(registry, call.query, request.body));
  }
  if (kind.starts_with("clearblade.gateway.")) {
    return answer(bind(registry, request.body, kind == "clearblade.gateway.bind"));
  }
  if (kind.starts_with("clearblade.registry.")) return textReply(401, "Unauthorized");

  const auto found = deviceOf(call, registry);
  if (!found) return problemReply(found.error());
  CloudDevice& device = **found;
  if (kind == "clearblade.device.get") return answer(showDevice(call.query, device));
  if (kind == "clearblade.device.patch") {
    return answer(show(patchDevice(registry, device, call.query.list("updateMask"), request.body)));
  }
  if (kind == "clearblade.device.delete") {
    return answer(deleteDevice(registry, device).map([] { return std::string("{}"); }));
  }
  if (kind == "clearblade.device.config") return answer(modifyConfig(device, request.body));
  if (kind == "clearblade.device.command") return answer(sendCommand(device, request.body));
  if (kind == "clearblade.device.configVersions") return answer(listConfigs(call.query, device));
  return answer(listStates(call.query, device));
}

CloudRegistry& ClearBladeCloud::addRegistry(const std::string& project, const std::string& region,
                                            const std::string& id) {
  auto registry = std::make_unique<CloudRegistry>();
  registry->project = project;
  registry->region = region;
  registry->id = id;
  registry->systemKey = randomHex(16);
  bySystemKey_[registry->systemKey] = registry.get();
  registries_.push_back(std::move(registry));
  return *registries_.back();
}

CloudRegistry* ClearBladeCloud::findRegistry(std::string_view project, std::string_view region,
                                             std::string_view id) {
  for (const auto& registry : registries_) {
    if (registry->project == project && registry->region == region && registry->id == id) {
      return registry.get();
    }
  }
  return nullptr;
}

CloudRegistry* ClearBladeCloud::findRegistry(std::string_view path) {
  for (const auto& registry : registries_) {
    if (registry->path() == path) return registry.get();
  }
  return nullptr;
}

void ClearBladeCloud::deleteRegistry(const CloudRegistry& registry) {
  bySystemKey_.erase(registry.systemKey);
  std::erase_if(registries_, [&](const auto& entry) { return entry.get() == &registry; });
}

const ServiceAccount& ClearBladeCloud::addServiceAccount(ServiceAccount account) {
  if (account.systemKey.empty()) account.systemKey = randomHex(16);
  if (account.token.empty()) account.token = randomHex(32);
  accounts_.push_back(std::move(account));
  return accounts_.back();
}

Status ClearBladeCloud::removeServiceAccount(std::string_view systemKey) {
  const auto removed = std::erase_if(
      accounts_, [&](const ServiceAccount& account) { return account.systemKey == systemKey; });
  if (removed == 0) return fail(ErrorCode::kNotFound, "no such service account");
  return {};
}

Result<std::string> ClearBladeCloud::renewServiceAccount(std::string_view systemKey) {
  const auto found = std::ranges::find(accounts_, systemKey, &ServiceAccount::systemKey);
  if (found == accounts_.end()) return fail(ErrorCode::kNotFound, "no such service account");
  found->token = randomHex(32);
  return found->token;
}

std::size_t ClearBladeCloud::revokeRegionalTokens() {
  const std::size_t count = tokens_.size();
  tokens_.clear();
  return count;
}

std::string ClearBladeCloud::randomHex(std::size_t bytes) {
  std::vector<std::uint8_t> random(bytes);
  random_.fill(random);
  return toHex(random);
}

}  // namespace bco::sandbox
