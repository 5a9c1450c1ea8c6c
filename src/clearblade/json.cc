#include "clearblade/json.h"

#include <simdjson.h>

#include <optional>
#include <string_view>

#include "core/json_text.h"

namespace bco::clearblade {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;

tl::unexpected<Error> notUnderstood(std::string_view why) {
  return fail(ErrorCode::kInternal, "ClearBlade's answer is not understood: " + std::string(why));
}

// Calls `read` with the parsed answer. simdjson throws its own errors; their texts quote nothing.
template <class Read>
auto reading(std::string& body, Read read) -> decltype(read(element())) {
  try {
    simdjson::dom::parser parser;
    // Without room behind the text the parser would copy it.
    body.reserve(body.size() + simdjson::SIMDJSON_PADDING);
    return read(parser.parse(body).value());
  } catch (const simdjson::simdjson_error& error) {
    return notUnderstood(error.what());
  }
}

// nullopt for what is absent or null.
std::optional<element> fieldOf(element object, std::string_view key) {
  element value;
  if (object[key].get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  return value;
}

std::string textOf(element value) {
  if (value.is_string()) return std::string(std::string_view(value));
  return simdjson::minify(value);  // a number where the documentation has a text
}

// nullopt for "" too.
std::optional<std::string> timeTextOf(element object, std::string_view key) {
  const auto value = fieldOf(object, key);
  if (!value) return std::nullopt;
  std::string text = textOf(*value);
  if (text.empty()) return std::nullopt;
  return text;
}

// Throws simdjson_error when it has no public key.
Result<Credential> readCredential(element row) {
  Credential credential;
  const element key = row["publicKey"];
  credential.format = textOf(key["format"]);
  credential.publicKey = textOf(key["key"]);
  if (const auto text = timeTextOf(row, "expirationTime")) {
    const auto time = parseRfc3339(*text);
    if (!time) return notUnderstood("an expiration time");
    if (*time != TimePoint{}) credential.expiresAt = *time;
  }
  return credential;
}

Result<Registration> readRegistration(element row) {
  Registration registration;
  registration.id = textOf(row["id"]);
  registration.numId = textOf(row["numId"]);
  if (registration.id.empty() || registration.numId.empty()) return notUnderstood("a device's ids");
  if (const auto credentials = fieldOf(row, "credentials")) {
    for (const element entry : array(*credentials)) {
      auto credential = readCredential(entry);
      if (!credential) return fail(credential.error());
      registration.credentials.push_back(std::move(*credential));
    }
  }
  if (const auto metadata = fieldOf(row, "metadata")) {
    for (const auto& [key, value] : simdjson::dom::object(*metadata)) {
      registration.metadata.emplace(key, textOf(value));
    }
  }
  if (const auto blocked = fieldOf(row, "blocked")) registration.blocked = bool(*blocked);
  for (const std::string_view key : {"lastEventTime", "lastStateTime", "lastHeartbeatTime"}) {
    // Nothing is decided by it: what can't be read counts as never.
    const auto text = timeTextOf(row, key);
    const auto time = text ? parseRfc3339(*text) : std::nullopt;
    if (time && *time > registration.lastSeen.value_or(TimePoint{})) registration.lastSeen = *time;
  }
  return registration;
}

void appendCredentials(std::string& json, const std::vector<Credential>& credentials) {
  json += "\"credentials\":[";
  for (const Credential& credential : credentials) {
    if (!json.ends_with('[')) json += ',';
    json += "{\"publicKey\":{\"format\":";
    appendJsonString(json, credential.format);
    json += ",\"key\":";
    appendJsonString(json, credential.publicKey);
    json += '}';
    if (credential.expiresAt) {
      json += ",\"expirationTime\":\"" + formatRfc3339(*credential.expiresAt) + '"';
    }
    json += '}';
  }
  json += ']';
}

void appendMetadata(std::string& json, const Metadata& metadata) {
  json += "\"metadata\":{";
  for (const auto& [key, value] : metadata) {
    if (!json.ends_with('{')) json += ',';
    appendJsonString(json, key);
    json += ':';
    appendJsonString(json, value);
  }
  json += '}';
}

}  // namespace

Result<Registration> parseRegistration(std::string body) {
  return reading(body, [](element device) { return readRegistration(device); });
}

Result<std::string> parsePage(std::string body,
                              const std::function<void(const Registration&)>& visit) {
  return reading(body, [&](element page) -> Result<std::string> {
    // An empty registry may leave the array out.
    if (const auto devices = fieldOf(page, "devices")) {
      for (const element device : array(*devices)) {
        auto registration = readRegistration(device);
        if (!registration) return fail(registration.error());
        visit(*registration);
      }
    }
    const auto token = fieldOf(page, "nextPageToken");
    // The registries' list has 0 for none; be ready for it here.
    if (!token || (token->is_number() && textOf(*token) == "0")) return std::string();
    return textOf(*token);
  });
}

Result<Registry> parseRegistry(std::string body) {
  return reading(body, [](element registry) -> Result<Registry> {
    if (textOf(registry["id"]).empty()) return notUnderstood("a registry without an id");
    const auto certificates = fieldOf(registry, "credentials");
    return Registry{certificates && array(*certificates).size() > 0};
  });
}

std::string createBody(const NewRegistration& created) {
  std::string json;
  json.reserve(1024);
  json += "{\"id\":";
  appendJsonString(json, created.id);
  json += ',';
  appendCredentials(json, created.credentials);
  json += ',';
  appendMetadata(json, created.metadata);
  json += '}';
  return json;
}

std::string patchBody(const RegistrationPatch& patch) {
  std::string json;
  json.reserve(1024);
  json += '{';
  if (patch.credentials) appendCredentials(json, *patch.credentials);
  if (patch.credentials && patch.metadata) json += ',';
  if (patch.metadata) appendMetadata(json, *patch.metadata);
  json += '}';
  return json;
}

}  // namespace bco::clearblade
