// Devices of a registry: create, list, patch, delete. Research notes on ClearBlade's API §2.
#include <algorithm>
#include <charconv>

#include "core/text.h"
#include "sandbox/clearblade_cloud.h"
#include "sandbox/clearblade_json.h"
#include "sandbox/json_text.h"

namespace bco::sandbox {
namespace {

// The documented most; more is clamped, for ClearBlade's own migration tool asks for 1000. The
// default is documented nowhere.
constexpr std::size_t kMaxPageSize = 500;
constexpr std::size_t kDefaultPageSize = 100;

std::optional<std::uint64_t> parseNumber(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Scatters consecutive numbers (splitmix64).
std::uint64_t scatter(std::uint64_t number) {
  number += 0x9e3779b97f4a7c15U;
  number = (number ^ (number >> 30U)) * 0xbf58476d1ce4e5b9U;
  number = (number ^ (number >> 27U)) * 0x94d049bb133111ebU;
  return number ^ (number >> 31U);
}

bool isDeviceId(std::string_view id) {
  return id.size() >= 3 && id.size() <= 255 && isIdText(id) && !id.starts_with("goog");
}

bool isTrue(const std::string& text) { return toLower(text) == "true"; }

struct Filter {
  std::vector<std::string> ids;      // deviceIds
  std::vector<std::string> numbers;  // deviceNumIds
  std::string gatewayType;
  CloudDevice* gateway = nullptr;  // associationsGatewayId: devices bound to it
  CloudDevice* device = nullptr;   // associationsDeviceId: gateways it is bound to
  bool matchesNone = false;        // it names a gateway or device that is not there

  [[nodiscard]] bool matches(const CloudDevice& candidate) const {
    if (matchesNone) return false;
    if (!ids.empty() || !numbers.empty()) {
      const bool listed =
          std::ranges::find(ids, candidate.id) != ids.end() ||
          std::ranges::find(numbers, std::to_string(candidate.numId)) != numbers.end();
      if (!listed) return false;
    }
    if (!gatewayType.empty() && gatewayType != "GATEWAY_TYPE_UNSPECIFIED" &&
        candidate.gatewayType != gatewayType) {
      return false;
    }
    if (gateway != nullptr && !gateway->boundTo.contains(candidate.id)) return false;
    return device == nullptr || device->boundTo.contains(candidate.id);
  }
};

Filter readFilter(const Query& query, const CloudRegistry& registry) {
  Filter filter;
  filter.ids = query.all("deviceIds");
  filter.numbers = query.all("deviceNumIds");
  filter.gatewayType = query.get("gatewayListOptions.gatewayType");
  const std::string gateway = query.get("gatewayListOptions.associationsGatewayId");
  const std::string device = query.get("gatewayListOptions.associationsDeviceId");
  if (!gateway.empty()) filter.gateway = findByAnyId(registry, gateway);
  if (!device.empty()) filter.device = findByAnyId(registry, device);
  filter.matchesNone = (!gateway.empty() && filter.gateway == nullptr) ||
                       (!device.empty() && filter.device == nullptr);
  return filter;
}

}  // namespace

CloudDevice* findByAnyId(const CloudRegistry& registry, const std::string& id) {
  const auto number = parseNumber(id);
  if (!number) return registry.find(id);
  const auto found = registry.byNumId.find(*number);
  return found == registry.byNumId.end() ? nullptr : found->second;
}

std::optional<std::string> deviceIdOf(const CloudRegistry& registry, const std::string& name) {
  if (name.find('/') == std::string::npos) return name;
  const std::string prefix = registry.path() + "/devices/";
  if (!name.starts_with(prefix)) return std::nullopt;
  return name.substr(prefix.size());
}

Outcome<CloudDevice*> ClearBladeCloud::deviceOf(const ClearBladeCall& call,
                                                CloudRegistry& registry) const {
  // A raw '+' is a space or itself: nobody can tell but by looking.
  for (const std::string& name : {call.query.get("name"), call.query.getKeepingPlus("name")}) {
    const auto id = deviceIdOf(registry, name);
    if (!id) continue;
    if (CloudDevice* device = findByAnyId(registry, *id)) return device;
  }
  return notFound("Device not found");
}

std::optional<Problem> ClearBladeCloud::parseKeys(const CloudRegistry& registry,
                                                  const CloudDevice* existing,
                                                  std::vector<CloudCredential>& credentials) const {
  for (CloudCredential& credential : credentials) {
    if (existing != nullptr) {
      const auto known = std::ranges::find_if(existing->credentials, [&](const auto& entry) {
        return entry.key == credential.key && entry.format == credential.format;
      });
      if (known != existing->credentials.end()) {
        credential.parsed = known->parsed;
        continue;
      }
    }
    auto parsed = CredentialKey::parse(credential.format, credential.key, now_());
    if (!parsed) return Problem{400, "INVALID_ARGUMENT", "Invalid key: " + parsed.error().message};
    credential.parsed = *std::move(parsed);
    if (!registry.authorities.empty() && !isSignedByAny(credential.key, registry.authorities)) {
      return Problem{400, "INVALID_ARGUMENT",
                     "The registry has CA certificates: only certificates signed by one of them"};
    }
  }
  return std::nullopt;
}

Outcome<CloudDevice*> ClearBladeCloud::createDevice(CloudRegistry& registry,
                                                    std::string_view body) {
  auto input = readDevice(body, field::kAll);
  if (!input) return tl::unexpected(input.error());
  if (!input->id || !isDeviceId(*input->id)) return invalidArgument("Invalid device id");
  auto credentials = std::move(input->credentials).value_or(std::vector<CloudCredential>());
  if (auto bad = parseKeys(registry, nullptr, credentials)) return tl::unexpected(*std::move(bad));
  if (registry.devices.contains(*input->id)) {
    return refuse(409, "ALREADY_EXISTS", "Device already exists");
  }

  auto device = std::make_unique<CloudDevice>();
  device->id = *std::move(input->id);
  device->credentials = std::move(credentials);
  device->metadata = std::move(input->metadata).value_or(device->metadata);
  device->blocked = input->blocked.value_or(false);
  device->logLevel = std::move(input->logLevel).value_or(device->logLevel);
  device->gatewayType = std::move(input->gatewayType).value_or(device->gatewayType);
  device->gatewayAuthMethod =
      std::move(input->gatewayAuthMethod).value_or(device->gatewayAuthMethod);
  device->configs.push_back({1, "", now_()});
  // Numbers of 16 digits that never come back and say nothing about the order of creation.
  const std::uint64_t order = scatter(++lastDevice_);
  device->numId = 1'000'000'000'000'000U + order % 8'000'000'000'000'000U;
  while (registry.byNumId.contains(device->numId)) ++device->numId;

  CloudDevice* created = device.get();
  registry.byNumId[created->numId] = created;
  registry.listing[scatter(order)] = created;
  created->listingKey = scatter(order);
  registry.devices.emplace(created->id, std::move(device));
  return created;
}

Outcome<CloudDevice*> ClearBladeCloud::patchDevice(CloudRegistry& registry, CloudDevice& device,
                                                   const std::vector<std::string>& mask,
                                                   std::string_view body) {
  const auto fields = readUpdateMask(mask);
  if (!fields) return tl::unexpected(fields.error());
  auto input = readDevice(body, *fields);
  if (!input) return tl::unexpected(input.error());
  auto credentials = std::move(input->credentials).value_or(std::vector<CloudCredential>());
  if (auto bad = parseKeys(registry, &device, credentials)) return tl::unexpected(*std::move(bad));

  // A masked field that the body lacks is cleared: Go's SDK leaves empty lists out.
  if ((*fields & field::kCredentials) != 0) device.credentials = std::move(credentials);
  if ((*fields & field::kMetadata) != 0) {
    device.metadata = std::move(input->metadata).value_or(std::map<std::string, std::string>());
  }
  if ((*fields & field::kBlocked) != 0) device.blocked = input->blocked.value_or(false);
  if ((*fields & field::kLogLevel) != 0) {
    device.logLevel = std::move(input->logLevel).value_or("NONE");
  }
  if ((*fields & field::kGatewayConfig) != 0) {
    device.gatewayAuthMethod =
        std::move(input->gatewayAuthMethod).value_or("GATEWAY_AUTH_METHOD_UNSPECIFIED");
  }
  return &device;
}

Outcome<void> ClearBladeCloud::deleteDevice(CloudRegistry& registry, const CloudDevice& device) {
  if (!device.boundTo.empty()) {
    // Tools match on these words.
    return failedPrecondition(
        device.gatewayType == "GATEWAY"
            ? "Gateway '" + device.id + "' can't be deleted: it has associated devices."
            : "Device '" + device.id + "' can't be deleted: it's associated with a gateway");
  }
  registry.listing.erase(device.listingKey);
  registry.byNumId.erase(device.numId);
  const std::string id = device.id;
  registry.devices.erase(id);
  return {};
}

Outcome<std::string> showDevice(const Query& query, const CloudDevice& device) {
  const auto fields = readFieldMask(query.list("fieldMask"));
  if (!fields) return tl::unexpected(fields.error());
  std::string out;
  appendDevice(out, device, *fields, isTrue(query.get("base64Encode")));
  return out;
}

Outcome<std::string> ClearBladeCloud::listDevices(const Query& query,
                                                  CloudRegistry& registry) const {
  const auto fields = readFieldMask(query.list("fieldMask"));
  if (!fields) return tl::unexpected(fields.error());
  const bool base64 = isTrue(query.get("base64Encode"));
  std::size_t size = kDefaultPageSize;
  if (const std::string text = query.get("pageSize"); !text.empty()) {
    const auto wanted = parseNumber(text);
    if (!wanted) return invalidArgument("Invalid pageSize");
    if (*wanted > 0) size = std::min<std::size_t>(*wanted, kMaxPageSize);
  }
  auto next = registry.listing.begin();
  if (const std::string text = query.get("pageToken"); !text.empty()) {
    // Standard base64, so that it holds characters that a client has to escape.
    const auto token = fromBase64(text);
    const auto after = token && token->starts_with("~~") ? parseNumber(token->substr(2))
                                                         : std::optional<std::uint64_t>();
    if (!after) return invalidArgument("Invalid pageToken");
    next = registry.listing.upper_bound(*after);
  }
  const Filter filter = readFilter(query, registry);

  std::string out = R"({"devices":[)";
  out.reserve(size * 512);
  std::size_t count = 0;
  std::uint64_t last = 0;
  for (; next != registry.listing.end(); ++next) {
    if (!filter.matches(*next->second)) continue;
    if (count == size) break;
    if (count++ > 0) out += ',';
    appendDevice(out, *next->second, *fields, base64);
    last = next->first;
  }
  out += ']';
  // Left out on the last page: Java's SDK goes on until it is absent, Go's fails on a number.
  if (next != registry.listing.end()) {
    out += R"(,"nextPageToken":")" + toBase64("~~" + std::to_string(last)) + '"';
  }
  return out + '}';
}

}  // namespace bco::sandbox
