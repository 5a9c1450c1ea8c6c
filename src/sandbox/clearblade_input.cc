// readDevice(): what clients send, checked as far as it can be without the registry.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "sandbox/clearblade_json.h"

namespace bco::sandbox {
namespace {

using nlohmann::json;

// Limits: research notes on ClearBlade's API §6.
constexpr std::size_t kMaxCredentials = 3;
constexpr std::size_t kMaxPairs = 500;
constexpr std::size_t kMaxKeyLength = 128;
constexpr std::size_t kMaxValueBytes = 32 * 1024;
constexpr std::size_t kMaxMetadataBytes = 256 * 1024;

struct EnumName {
  int number;
  std::string_view name;
};
constexpr std::array<EnumName, 4> kKeyFormats = {
    {{3, "RSA_PEM"}, {1, "RSA_X509_PEM"}, {2, "ES256_PEM"}, {4, "ES256_X509_PEM"}}};
constexpr std::array<EnumName, 5> kLogLevels = {
    {{0, "LOG_LEVEL_UNSPECIFIED"}, {10, "NONE"}, {20, "ERROR"}, {30, "INFO"}, {40, "DEBUG"}}};
constexpr std::array<EnumName, 3> kGatewayTypes = {
    {{0, "GATEWAY_TYPE_UNSPECIFIED"}, {1, "GATEWAY"}, {2, "NON_GATEWAY"}}};
constexpr std::array<EnumName, 4> kAuthMethods = {{{0, "GATEWAY_AUTH_METHOD_UNSPECIFIED"},
                                                   {1, "ASSOCIATION_ONLY"},
                                                   {2, "DEVICE_AUTH_TOKEN_ONLY"},
                                                   {3, "ASSOCIATION_AND_DEVICE_AUTH_TOKEN"}}};

// By name or by number, as in protobuf's JSON.
template <std::size_t N>
Outcome<std::string> readEnum(const json& value, const std::array<EnumName, N>& names,
                              std::string_view what) {
  for (const EnumName& entry : names) {
    if (value.is_string() ? value.get_ref<const std::string&>() == entry.name
                          : value.is_number_integer() && value.get<int>() == entry.number) {
      return std::string(entry.name);
    }
  }
  return invalidArgument("Invalid value for " + std::string(what));
}

const json* find(const json& object, std::string_view key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

Outcome<CloudCredential> readCredential(const json& entry) {
  const json* key = entry.is_object() ? find(entry, "publicKey") : nullptr;
  const json* text = key != nullptr && key->is_object() ? find(*key, "key") : nullptr;
  const json* format = key != nullptr && key->is_object() ? find(*key, "format") : nullptr;
  if (text == nullptr || !text->is_string() || format == nullptr) {
    return invalidArgument("credentials: publicKey with format and key expected");
  }
  CloudCredential credential;
  auto name = readEnum(*format, kKeyFormats, "publicKey.format");
  if (!name) return tl::unexpected(name.error());
  credential.format = *std::move(name);
  credential.key = text->get<std::string>();
  if (const json* expiration = find(entry, "expirationTime")) {
    if (!expiration->is_string()) return invalidArgument("expirationTime is no timestamp");
    credential.expirationTime = expiration->get<std::string>();
    if (!credential.expirationTime.empty()) {
      credential.expiresAt = parseRfc3339(credential.expirationTime);
      if (!credential.expiresAt) return invalidArgument("expirationTime is no timestamp");
    }
  }
  return credential;
}

Outcome<std::vector<CloudCredential>> readCredentials(const json& array) {
  if (!array.is_array()) return invalidArgument("credentials is no list");
  if (array.size() > kMaxCredentials) return invalidArgument("A device has at most 3 credentials");
  std::vector<CloudCredential> credentials;
  for (const json& entry : array) {
    auto credential = readCredential(entry);
    if (!credential) return tl::unexpected(credential.error());
    credentials.push_back(*std::move(credential));
  }
  return credentials;
}

bool isMetadataKey(std::string_view key) {
  return !key.empty() && key.size() <= kMaxKeyLength && isIdText(key);
}

Outcome<std::map<std::string, std::string>> readMetadata(const json& object) {
  if (!object.is_object()) return invalidArgument("metadata is no map");
  if (object.size() > kMaxPairs) return invalidArgument("metadata has more than 500 pairs");
  std::map<std::string, std::string> metadata;
  std::size_t total = 0;
  for (const auto& [key, value] : object.items()) {
    if (!isMetadataKey(key)) return invalidArgument("Invalid metadata key: " + key);
    if (!value.is_string()) return invalidArgument("metadata value is no string: " + key);
    const auto& text = value.get_ref<const std::string&>();
    total += key.size() + text.size();
    if (text.size() > kMaxValueBytes || total > kMaxMetadataBytes) {
      return invalidArgument("metadata is too large");
    }
    metadata.emplace(key, text);
  }
  return metadata;
}

// Assigns what `read` made of the value, or passes the refusal on.
template <class T>
std::optional<Problem> assign(std::optional<T>& target, Outcome<T> read) {
  if (!read) return read.error();
  target = *std::move(read);
  return std::nullopt;
}

std::optional<Problem> readGateway(DeviceInput& input, const json& gateway) {
  if (!gateway.is_object()) return Problem{400, "INVALID_ARGUMENT", "gatewayConfig is no object"};
  if (const json* type = find(gateway, "gatewayType")) {
    if (auto bad = assign(input.gatewayType, readEnum(*type, kGatewayTypes, "gatewayType"))) {
      return bad;
    }
  }
  if (const json* method = find(gateway, "gatewayAuthMethod")) {
    return assign(input.gatewayAuthMethod, readEnum(*method, kAuthMethods, "gatewayAuthMethod"));
  }
  return std::nullopt;
}

std::optional<Problem> readFields(DeviceInput& input, const json& object, Fields fields) {
  const auto wanted = [&](Fields bit, const char* key) {
    return (fields & bit) != 0 ? find(object, key) : nullptr;
  };
  if (const json* id = wanted(field::kId, "id")) {
    if (!id->is_string()) return Problem{400, "INVALID_ARGUMENT", "id is no string"};
    input.id = id->get<std::string>();
  }
  if (const json* blocked = wanted(field::kBlocked, "blocked")) {
    if (!blocked->is_boolean()) return Problem{400, "INVALID_ARGUMENT", "blocked is no boolean"};
    input.blocked = blocked->get<bool>();
  }
  std::optional<Problem> bad;
  if (const json* credentials = wanted(field::kCredentials, "credentials")) {
    bad = assign(input.credentials, readCredentials(*credentials));
  }
  if (const json* metadata = wanted(field::kMetadata, "metadata"); metadata && !bad) {
    bad = assign(input.metadata, readMetadata(*metadata));
  }
  if (const json* level = wanted(field::kLogLevel, "logLevel"); level && !bad) {
    bad = assign(input.logLevel, readEnum(*level, kLogLevels, "logLevel"));
  }
  if (const json* gateway = wanted(field::kGatewayConfig, "gatewayConfig"); gateway && !bad) {
    bad = readGateway(input, *gateway);
  }
  return bad;
}

}  // namespace

bool isIdText(std::string_view text) {
  const auto isLetter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto isOther = [](char c) {
    return (c >= '0' && c <= '9') || std::string_view("-._+~%").find(c) != std::string_view::npos;
  };
  return !text.empty() && isLetter(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return isLetter(c) || isOther(c); });
}

Outcome<DeviceInput> readDevice(std::string_view body, Fields fields) {
  const json object = json::parse(body, nullptr, false);
  if (!object.is_object()) return refuse(400, kMalformed, "The body is no JSON object");
  DeviceInput input;
  if (auto bad = readFields(input, object, fields)) return tl::unexpected(*std::move(bad));
  return input;
}

}  // namespace bco::sandbox
