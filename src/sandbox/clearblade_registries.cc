// Registries: create, list and delete with the service account; get and patch with the exchange's
// token. Research notes on ClearBlade's API §2.11.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/text.h"
#include "sandbox/clearblade_cloud.h"
#include "sandbox/clearblade_json.h"

namespace bco::sandbox {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxCertificates = 10;
constexpr std::size_t kMaxEventConfigs = 10;

const json& objectOf(const json& object, const char* key) {
  static const json kEmpty = json::object();
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : kEmpty;
}

std::optional<Problem> readEventConfigs(CloudRegistry& registry, const json& body) {
  std::vector<EventConfig> configs;
  for (const json& entry : body.value("eventNotificationConfigs", json::array())) {
    if (!entry.is_object()) return Problem{400, "INVALID_ARGUMENT", "eventNotificationConfigs"};
    configs.push_back({textOr(entry, "pubsubTopicName"), textOr(entry, "subfolderMatches")});
  }
  if (configs.size() > kMaxEventConfigs) {
    return Problem{400, "INVALID_ARGUMENT", "More than 10 eventNotificationConfigs"};
  }
  registry.eventConfigs = std::move(configs);
  return std::nullopt;
}

std::optional<Problem> readAuthorities(CloudRegistry& registry, const json& body) {
  std::vector<std::string> authorities;
  for (const json& entry : body.value("credentials", json::array())) {
    const std::string pem =
        entry.is_object() ? textOr(objectOf(entry, "publicKeyCertificate"), "certificate") : "";
    if (!isCertificate(pem)) return Problem{400, "INVALID_ARGUMENT", "Invalid CA certificate"};
    authorities.push_back(pem);
  }
  if (authorities.size() > kMaxCertificates) {
    return Problem{400, "INVALID_ARGUMENT", "A registry has at most 10 credentials"};
  }
  registry.authorities = std::move(authorities);
  return std::nullopt;
}

// One top-level field of a registry, as a create without a mask or a patch with one reads it.
std::optional<Problem> readField(CloudRegistry& registry, const std::string& name,
                                 const json& body) {
  if (name == "eventNotificationConfigs") return readEventConfigs(registry, body);
  if (name == "credentials") return readAuthorities(registry, body);
  if (name == "stateNotificationConfig") {
    registry.stateTopic = textOr(objectOf(body, "stateNotificationConfig"), "pubsubTopicName");
  } else if (name == "mqttConfig") {
    registry.mqttState =
        textOr(objectOf(body, "mqttConfig"), "mqttEnabledState", "MQTT_STATE_UNSPECIFIED");
  } else if (name == "httpConfig") {
    registry.httpState =
        textOr(objectOf(body, "httpConfig"), "httpEnabledState", "HTTP_STATE_UNSPECIFIED");
  } else if (name == "logLevel") {
    registry.logLevel = textOr(body, "logLevel", "NONE");
  } else {
    return Problem{400, "INVALID_ARGUMENT",
                   "updateMask names a field that can't be updated: " + name};
  }
  return std::nullopt;
}

json toJson(const CloudRegistry& registry) {
  json events = json::array();
  for (const EventConfig& config : registry.eventConfigs) {
    events.push_back(
        {{"pubsubTopicName", config.topic}, {"subfolderMatches", config.subfolderMatches}});
  }
  json credentials = json::array();
  for (const std::string& pem : registry.authorities) {
    credentials.push_back(
        {{"publicKeyCertificate", {{"format", "X509_CERTIFICATE_PEM"}, {"certificate", pem}}}});
  }
  return {{"id", registry.id},
          {"name", registry.path()},
          {"eventNotificationConfigs", events},
          {"stateNotificationConfig", {{"pubsubTopicName", registry.stateTopic}}},
          {"mqttConfig", {{"mqttEnabledState", registry.mqttState}}},
          {"httpConfig", {{"httpEnabledState", registry.httpState}}},
          {"logLevel", registry.logLevel},
          {"credentials", credentials}};
}

// "projects/P/locations/L" and what follows it.
struct Place {
  std::string project;
  std::string region;
  std::string registry;  // "" when the name ends before
};

std::optional<Place> readPlace(const std::string& name) {
  const auto parts = split(name, '/');
  if (parts.size() < 4 || parts[0] != "projects" || parts[2] != "locations") return std::nullopt;
  Place place{std::string(parts[1]), std::string(parts[3]), ""};
  if (parts.size() == 6 && parts[4] == "registries") place.registry = std::string(parts[5]);
  return place;
}

}  // namespace

std::string showRegistry(const CloudRegistry& registry) { return toJson(registry).dump(); }

Outcome<std::string> ClearBladeCloud::patchRegistry(CloudRegistry& registry, const Query& query,
                                                    std::string_view text) {
  const auto mask = query.list("updateMask");
  if (mask.empty()) return invalidArgument("updateMask must not be empty");
  const json body = json::parse(text, nullptr, false);
  if (!body.is_object()) return refuse(400, kMalformed, "The body is no JSON object");
  CloudRegistry changed;  // so that a refusal changes nothing
  changed.eventConfigs = registry.eventConfigs;
  changed.authorities = registry.authorities;
  changed.stateTopic = registry.stateTopic;
  changed.mqttState = registry.mqttState;
  changed.httpState = registry.httpState;
  changed.logLevel = registry.logLevel;
  for (const std::string& name : mask) {
    const std::string top = camelCase(split(name, '.').front());
    if (auto bad = readField(changed, top, body)) return tl::unexpected(*std::move(bad));
  }
  registry.eventConfigs = std::move(changed.eventConfigs);
  registry.authorities = std::move(changed.authorities);
  registry.stateTopic = std::move(changed.stateTopic);
  registry.mqttState = std::move(changed.mqttState);
  registry.httpState = std::move(changed.httpState);
  registry.logLevel = std::move(changed.logLevel);
  return showRegistry(registry);
}

server::Reply ClearBladeCloud::admin(const ClearBladeCall& call, const server::Request& request,
                                     const ServiceAccount& account) {
  const bool isDelete = call.kind == "clearblade.registry.delete";
  const auto place = readPlace(call.query.get(isDelete ? "name" : "parent"));
  if (call.kind == "clearblade.registry.list") {
    if (!place) return problemReply({400, "INVALID_ARGUMENT", "Invalid parent"});
    json list = json::array();
    for (const auto& registry : registries_) {
      const bool shown = registry->project == place->project && registry->region == place->region &&
                         place->project == account.project;
      if (shown) list.push_back(toJson(*registry));
    }
    // Go's SDK wants the token to be there, Python's takes 0 as the end.
    return jsonReply(200, json{{"deviceRegistries", list}, {"nextPageToken", 0}}.dump());
  }
  if (call.kind != "clearblade.registry.create" && !isDelete) return textReply(401, "Unauthorized");
  if (!place) return problemReply({400, "INVALID_ARGUMENT", "Invalid name of a location"});
  if (place->project != account.project) {
    return problemReply({403, "PERMISSION_DENIED", "The service account is of another project"});
  }
  if (isDelete) {
    const CloudRegistry* registry = findRegistry(place->project, place->region, place->registry);
    if (registry == nullptr) return problemReply({404, "NOT_FOUND", "No such registry"});
    if (!registry->devices.empty()) {
      return problemReply({400, "FAILED_PRECONDITION", "The registry is not empty"});
    }
    deleteRegistry(*registry);
    // Node's SDK sends a body without a length after this request: only closing gets rid of it.
    server::Reply reply = bareReply(204);
    reply.close = true;
    return reply;
  }
  const json body = json::parse(request.body, nullptr, false);
  if (!body.is_object()) return problemReply({400, kMalformed, "The body is no JSON object"});
  const std::string id = textOr(body, "id");
  if (id.size() < 3 || id.size() > 255 || !isIdText(id) || id.starts_with("goog")) {
    return problemReply({400, "INVALID_ARGUMENT", "Invalid registry id"});
  }
  if (findRegistry(place->project, place->region, id) != nullptr) {
    return problemReply({409, "ALREADY_EXISTS", "Registry already exists"});
  }
  CloudRegistry& created = addRegistry(place->project, place->region, id);
  for (const auto& [name, value] : body.items()) {
    if (name == "id" || name == "name" || value.is_null()) continue;
    if (auto bad = readField(created, name, body)) {
      deleteRegistry(created);
      return problemReply(*bad);
    }
  }
  return jsonReply(200, showRegistry(created));
}

}  // namespace bco::sandbox
