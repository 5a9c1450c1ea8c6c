// The devices' HTTP bridge and the check of their tokens. Research notes on ClearBlade's API §5.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/text.h"
#include "crypto/jwt.h"
#include "sandbox/clearblade_cloud.h"
#include "sandbox/clearblade_json.h"

namespace bco::sandbox {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::minutes;

constexpr Duration kSkew = minutes(10);
constexpr Duration kLongestToken = hours(24);
constexpr std::size_t kMaxEventBytes = 256 * 1024;
constexpr std::size_t kMaxStateBytes = 64 * 1024;
constexpr std::size_t kKeptStates = 10;
constexpr std::size_t kKeptRefusals = 1000;
constexpr int kUnauthenticated = 16;

std::optional<TimePoint> timeOf(const json& claims, const char* key) {
  const auto found = claims.find(key);
  if (found == claims.end() || !found->is_number()) return std::nullopt;
  return TimePoint(
      std::chrono::duration_cast<Duration>(std::chrono::duration<double>(found->get<double>())));
}

// What is wrong with the times; "" for nothing.
std::string checkTimes(TimePoint issued, TimePoint expires, TimePoint now) {
  if (issued > now + kSkew) return "issued in the future";
  if (expires + kSkew < now) return "expired token";
  if (expires - issued > kLongestToken + kSkew) return "longer than 24 h";
  return {};
}

// Reads the claims into `token`. What is wrong with them; "" for nothing.
std::string readClaims(const json& claims, const CloudRegistry& registry, const CloudDevice& device,
                       VerifiedToken& token) {
  if (!claims.is_object()) return "malformed token";
  if (textOr(claims, "sk") != registry.systemKey) return "wrong sk";
  if (textOr(claims, "uid") != device.id) return "wrong uid";
  const auto type = claims.find("ut");
  if (type == claims.end() || !type->is_number_integer() || type->get<int>() != 3) {
    return "wrong ut";
  }
  const auto issued = timeOf(claims, "iat");
  const auto expires = timeOf(claims, "exp");
  if (!issued || !expires) return "no iat or exp";
  token.issued = *issued;
  token.expires = *expires;
  return {};
}

// Of the device's credentials that of this key; nullptr: removed meanwhile.
const CloudCredential* credentialOf(const CloudDevice& device, const CredentialKey* key) {
  const auto found = std::ranges::find_if(
      device.credentials, [&](const auto& entry) { return entry.parsed.get() == key; });
  return found == device.credentials.end() ? nullptr : &*found;
}

}  // namespace

std::string ClearBladeCloud::checkToken(const CloudRegistry& registry, CloudDevice& device,
                                        std::string_view token) const {
  const TimePoint now = now_();
  const auto isGood = [&](const CloudCredential& credential) {
    return !credential.expiresAt || *credential.expiresAt > now;
  };
  const VerifiedToken& known = device.verified;
  if (known.key != nullptr && known.text == token) {
    std::string bad = checkTimes(known.issued, known.expires, now);
    if (!bad.empty()) return bad;
    const CloudCredential* credential = credentialOf(device, known.key.get());
    if (credential != nullptr && isGood(*credential)) return {};
  }

  const auto jwt = crypto::splitJwt(token);
  const json header = jwt ? json::parse(jwt->header, nullptr, false) : json();
  if (!header.is_object()) return "malformed token";
  VerifiedToken read{std::string(token), {}, {}, nullptr};
  std::string bad = readClaims(json::parse(jwt->claims, nullptr, false), registry, device, read);
  if (bad.empty()) bad = checkTimes(read.issued, read.expires, now);
  if (!bad.empty()) return bad;
  if (device.credentials.empty()) return "no credentials";

  // Every credential that has not expired is tried; the expired ones only to tell the reason.
  const std::string algorithm = textOr(header, "alg");
  std::string reason = "signature";
  for (const CloudCredential& credential : device.credentials) {
    if (!credential.parsed->verify(algorithm, jwt->signedPart, jwt->signature)) continue;
    if (isGood(credential)) {
      read.key = credential.parsed;
      device.verified = std::move(read);
      return {};
    }
    reason = "expired credential";
  }
  return reason;
}

void ClearBladeCloud::recordRefusal(const CloudRegistry& registry, CloudDevice* device,
                                    std::string_view deviceId, const std::string& reason) {
  if (device != nullptr) {
    ++device->publishes.refused[reason];
    device->lastError = now_();
    device->lastErrorCode = kUnauthenticated;
    device->lastErrorMessage = reason;
  }
  refused_.push_back({now_(), registry.path(), std::string(deviceId), reason});
  if (refused_.size() > kKeptRefusals) refused_.pop_front();
}

std::string ClearBladeCloud::publish(CloudRegistry& registry, std::string_view deviceId,
                                     std::string_view token) {
  CloudDevice* device = findByAnyId(registry, std::string(deviceId));
  std::string reason = device == nullptr ? "not registered"
                       : device->blocked ? "blocked"
                                         : checkToken(registry, *device, token);
  if (!reason.empty()) {
    recordRefusal(registry, device, deviceId, reason);
    return reason;
  }
  ++device->publishes.accepted;
  device->lastEvent = now_();
  return {};
}

server::Reply ClearBladeCloud::bridge(const ClearBladeCall& call, const server::Request& request,
                                      CloudRegistry& registry) {
  const std::string_view token = request.header("ClearBlade-UserToken").value_or("");
  const auto found = deviceOf(call, registry);
  const bool isPublish = call.kind == "bridge.publish";
  // The service account's token may act for a device too; it needs no signature.
  const bool isRegistryToken = isRegionalToken(registry, token);
  std::string reason = !found              ? "not registered"
                       : (*found)->blocked ? "blocked"
                       : isRegistryToken   ? ""
                                           : checkToken(registry, **found, token);
  if (!reason.empty()) {
    if (isPublish) {
      const std::string name = deviceIdOf(registry, call.query.get("name")).value_or("");
      recordRefusal(registry, found ? *found : nullptr, name, reason);
    }
    if (!found) return problemReply(found.error());
    const bool blocked = reason == "blocked";
    return problemReply({blocked ? 403 : 401, blocked ? "PERMISSION_DENIED" : "UNAUTHENTICATED",
                         "Refused: " + reason});
  }
  CloudDevice& device = **found;
  if (call.kind == "bridge.config") return showConfig(call.query, device);

  const json body = json::parse(request.body, nullptr, false);
  if (!body.is_object()) return problemReply({400, kMalformed, "The body is no JSON object"});
  const auto state = body.find("state");
  const json& holder = isPublish || state == body.end() || !state->is_object() ? body : *state;
  auto bytes = fromBase64(textOr(holder, "binaryData"));
  if (!bytes || bytes->size() > (isPublish ? kMaxEventBytes : kMaxStateBytes)) {
    return problemReply({400, "INVALID_ARGUMENT", "Invalid binaryData"});
  }
  if (isPublish) {
    ++device.publishes.accepted;
    device.lastEvent = now_();
  } else {
    device.lastState = now_();
    device.states.push_front({*std::move(bytes), now_()});
    if (device.states.size() > kKeptStates) device.states.pop_back();
  }
  return bareReply(204);
}

server::Reply ClearBladeCloud::showConfig(const Query& query, CloudDevice& device) {
  const std::string text = query.get("localVersion");
  const ConfigVersion& config = device.configs.front();
  const std::int64_t local = text.empty() ? 0 : std::strtoll(text.c_str(), nullptr, 10);
  if (local > config.version) {
    return problemReply({400, "OUT_OF_RANGE", "localVersion is above the latest version"});
  }
  device.lastConfigSend = now_();
  json reply{{"version", std::to_string(config.version)}};
  if (local == 0 || local < config.version) reply["binaryData"] = config.binaryData;
  return jsonReply(200, reply.dump());
}

}  // namespace bco::sandbox
