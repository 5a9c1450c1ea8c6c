// What goes to and comes from devices through the regional API: configs, states, commands,
// gateways. Research notes on ClearBlade's API §2.6 to §2.10.
#include <charconv>
#include <nlohmann/json.hpp>

#include "core/text.h"
#include "sandbox/clearblade_cloud.h"
#include "sandbox/clearblade_json.h"

namespace bco::sandbox {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxPayloadBytes = 64 * 1024;
constexpr std::size_t kKeptVersions = 10;
constexpr std::size_t kMaxGatewaysOfADevice = 10;

Outcome<json> readObject(std::string_view body) {
  json object = json::parse(body, nullptr, false);
  if (!object.is_object()) return refuse(400, kMalformed, "The body is no JSON object");
  return object;
}

// A version arrives as number, numeric text, "", null or not at all.
Outcome<std::int64_t> readVersion(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return 0;
  if (found->is_number_integer()) return found->get<std::int64_t>();
  const std::string text = textOr(object, key);
  std::int64_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  const bool good = found->is_string() &&
                    (text.empty() || (error == std::errc() && end == text.data() + text.size()));
  if (!good) return invalidArgument("Invalid " + std::string(key));
  return version;
}

// How many of a history a query asks for; absent and 0 mean all.
Outcome<std::size_t> readCount(const Query& query, const char* key) {
  const std::string text = query.get(key);
  std::size_t count = 0;
  if (!text.empty()) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || end != text.data() + text.size() || count > kKeptVersions) {
      return invalidArgument("Invalid " + std::string(key));
    }
  }
  return count == 0 ? kKeptVersions : count;
}

bool isPayload(const std::string& base64) {
  const auto bytes = fromBase64(base64);
  return bytes && bytes->size() <= kMaxPayloadBytes;
}

}  // namespace

Outcome<std::string> ClearBladeCloud::modifyConfig(CloudDevice& device, std::string_view body) {
  const auto object = readObject(body);
  if (!object) return tl::unexpected(object.error());
  const auto version = readVersion(*object, "versionToUpdate");
  if (!version) return tl::unexpected(version.error());
  ConfigVersion next{device.configs.front().version + 1, textOr(*object, "binaryData"), now_()};
  if (!isPayload(next.binaryData)) return invalidArgument("binaryData is no base64 of up to 64 KB");
  if (*version != 0 && *version != device.configs.front().version) {
    // No source tells the status; this is Google's.
    return refuse(409, "ABORTED", "The config version does not match");
  }
  device.configs.push_front(std::move(next));
  if (device.configs.size() > kKeptVersions) device.configs.pop_back();
  std::string out;
  appendConfig(out, device.configs.front());
  return out;
}

Outcome<std::string> ClearBladeCloud::sendCommand(const CloudDevice& device,
                                                  std::string_view body) {
  const auto object = readObject(body);
  if (!object) return tl::unexpected(object.error());
  const std::string folder = textOr(*object, "subfolder");
  if (folder.size() > 256 ||
      folder.find_first_of(std::string_view("+#\0", 3)) != std::string::npos) {
    return invalidArgument("Invalid subfolder");
  }
  if (!isPayload(textOr(*object, "binaryData"))) return invalidArgument("Invalid binaryData");
  if (!device.takesCommands) {
    return failedPrecondition("Device '" + device.id + "' is not subscribed to the commands topic");
  }
  return "{}";
}

Outcome<std::string> listConfigs(const Query& query, const CloudDevice& device) {
  const auto count = readCount(query, "numVersions");
  if (!count) return tl::unexpected(count.error());
  std::string out = R"({"deviceConfigs":[)";
  for (std::size_t i = 0; i < std::min(*count, device.configs.size()); ++i) {
    if (i > 0) out += ',';
    appendConfig(out, device.configs[i]);
  }
  return out + "]}";
}

Outcome<std::string> listStates(const Query& query, const CloudDevice& device) {
  const auto count = readCount(query, "numStates");
  if (!count) return tl::unexpected(count.error());
  const bool base64 = toLower(query.get("base64Encode")) == "true";
  std::string out = R"({"deviceStates":[)";
  for (std::size_t i = 0; i < std::min(*count, device.states.size()); ++i) {
    if (i > 0) out += ',';
    appendState(out, device.states[i], base64);
  }
  return out + "]}";
}

Outcome<std::string> ClearBladeCloud::bind(CloudRegistry& registry, std::string_view body,
                                           bool bound) {
  const auto object = readObject(body);
  if (!object) return tl::unexpected(object.error());
  CloudDevice* gateway = findByAnyId(registry, textOr(*object, "gatewayId"));
  CloudDevice* device = findByAnyId(registry, textOr(*object, "deviceId"));
  if (gateway == nullptr || device == nullptr) return notFound("Device not found");
  if (gateway->gatewayType != "GATEWAY" || device->gatewayType == "GATEWAY") {
    return failedPrecondition("Only a non-gateway can be bound, and only to a gateway");
  }
  const bool already = gateway->boundTo.contains(device->id);
  if (!bound) {
    if (!already) return notFound("The device is not bound to the gateway");
    gateway->boundTo.erase(device->id);
    device->boundTo.erase(gateway->id);
    return "{}";
  }
  // Tools match on these words.
  if (already) return invalidArgument("There are duplicates in bound_devices");
  if (device->boundTo.size() >= kMaxGatewaysOfADevice) {
    return failedPrecondition("A device is bound to at most 10 gateways");
  }
  gateway->boundTo.insert(device->id);
  device->boundTo.insert(gateway->id);
  return "{}";
}

}  // namespace bco::sandbox
