#include "endpoint/ask.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "core/text.h"

namespace bco::endpoint {
namespace {

constexpr auto kUuid = "uuid";
constexpr auto kService = "balena_service";
// It is kept while the caller waits.
constexpr std::size_t kLongestService = 255;
// What the Relay sends for a variable that isn't there.
constexpr std::string_view kUndefined = "undefined";

using Text = std::optional<std::string>;

tl::unexpected<Error> badBody(const char* message) { return fail(ErrorCode::kInvalid, message); }

Result<Ask> checked(Text uuid, Text service) {
  if (!uuid) return badBody("the body needs a \"uuid\"");
  if (!isDeviceUuid(*uuid)) {
    return badBody("\"uuid\" must be the device's full UUID: 32 or 62 lower-case hex digits");
  }
  if (service && service->size() > kLongestService) {
    return badBody("\"balena_service\" is longer than any service's name");
  }
  Ask ask{std::move(*uuid), {}};
  if (service && *service != kUndefined) ask.service = std::move(*service);
  return ask;
}

Result<Ask> parseJsonAsk(std::string_view body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object()) return badBody("the body must be a JSON object: {\"uuid\": \"...\"}");
  Text uuid;
  Text service;
  if (const auto found = json.find(kUuid); found != json.end()) {
    if (!found->is_string()) return badBody("\"uuid\" must be a string");
    uuid = found->get<std::string>();
  }
  if (const auto found = json.find(kService); found != json.end() && !found->is_null()) {
    if (!found->is_string()) return badBody("\"balena_service\" must be a string");
    service = found->get<std::string>();
  }
  return checked(std::move(uuid), std::move(service));
}

Result<Ask> parseFormAsk(std::string_view body) {
  Text uuid;
  Text service;
  for (const std::string_view pair : split(body, '&')) {
    const std::size_t equals = pair.find('=');
    const auto name = percentDecode(pair.substr(0, equals), true);
    const auto value = percentDecode(
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1), true);
    if (!name || !value) return badBody("the body is not a form: an escape is incomplete");
    Text* const field = *name == kUuid ? &uuid : *name == kService ? &service : nullptr;
    if (field == nullptr) continue;
    if (*field) return badBody("the body names a field twice");
    *field = *value;
  }
  return checked(std::move(uuid), std::move(service));
}

}  // namespace

Result<Ask> parseAsk(std::string_view contentType, std::string_view body) {
  if (trim(body).empty()) {
    return badBody("a body is needed: {\"uuid\": \"...\", \"balena_service\": \"...\"}");
  }
  const auto mediaType = trim(contentType.substr(0, contentType.find(';')));
  if (equalsIgnoreCase(mediaType, "application/x-www-form-urlencoded")) return parseFormAsk(body);
  return parseJsonAsk(body);
}

}  // namespace bco::endpoint
