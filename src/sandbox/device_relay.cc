#include "sandbox/device_relay.h"

#include <array>

#include "crypto/jwt.h"
#include "sandbox/json_text.h"

namespace bco::sandbox {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::array<const char*, 4> kVariables = {"GCP_PRIVATE_KEY", "GCP_CLIENT_PATH",
                                                   "GCP_DATA_TOPIC_ROOT", "GCP_PROJECT_ID"};
constexpr std::string_view kDevices = "/devices/";

std::string claims(const std::string& systemKey, const std::string& deviceId, TimePoint now) {
  const auto issued = std::chrono::floor<seconds>(now).time_since_epoch().count();
  std::string text = R"({"sk":)";
  appendJson(text, systemKey);
  text += R"(,"uid":)";
  appendJson(text, deviceId);
  text += R"(,"ut":3,"iat":)" + std::to_string(issued) + R"(,"exp":)" +
          std::to_string(issued + seconds(hours(24)).count()) + '}';
  return text;
}

}  // namespace

std::string_view nameOf(RelayState state) {
  switch (state) {
    case RelayState::kUnregistered:
      return "unregistered";
    case RelayState::kPartial:
      return "partial";
    case RelayState::kBroken:
      return "broken";
    case RelayState::kRunning:
      return "running";
  }
  return "";
}

Relay::Relay(const std::map<std::string, std::string>& environment) {
  std::size_t present = 0;
  for (const char* name : kVariables) present += environment.count(name);
  if (present == 0) return;
  state_ = RelayState::kPartial;
  if (present < kVariables.size()) return;
  state_ = RelayState::kBroken;
  const std::string& path = environment.at("GCP_CLIENT_PATH");
  const std::size_t devices = path.rfind(kDevices);
  auto key = crypto::fromVariableValue(SecretBytes(environment.at("GCP_PRIVATE_KEY")));
  if (devices == std::string::npos || !key) return;
  registryPath_ = path.substr(0, devices);
  deviceId_ = path.substr(devices + kDevices.size());
  // The topic is where it publishes: one of another device would be refused.
  if (environment.at("GCP_DATA_TOPIC_ROOT") != std::string(kDevices) + deviceId_) return;
  key_ = *std::move(key);
  state_ = RelayState::kRunning;
}

std::string Relay::fingerprint() const { return key_ ? key_->publicKey().fingerprint() : ""; }

std::string Relay::token(const std::string& systemKey, TimePoint now) {
  if (token_.empty() || now >= renewAt_) {
    token_ = crypto::signJwt(claims(systemKey, deviceId_, now), *key_).value_or("");
    renewAt_ = now + hours(24) - minutes(15);
  }
  return token_;
}

}  // namespace bco::sandbox
