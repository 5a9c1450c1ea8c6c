// ClearBlade's things as the sandbox keeps them.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/time.h"
#include "sandbox/clearblade_keys.h"

namespace bco::sandbox {

struct CloudCredential {
  std::string format;
  std::string key;             // PEM, byte for byte as it was sent
  std::string expirationTime;  // as it was sent; "" for never
  std::optional<TimePoint> expiresAt;
  std::shared_ptr<const CredentialKey> parsed;
};

struct ConfigVersion {
  std::int64_t version = 1;
  std::string binaryData;  // base64
  TimePoint cloudUpdateTime;
};

struct StateVersion {
  std::string bytes;
  TimePoint updateTime;
};

// How the bridge answered a device, since it was created.
struct PublishCounts {
  std::uint64_t accepted = 0;
  std::map<std::string, std::uint64_t, std::less<>> refused;  // by reason
};

// A token that verified: a device uses one for a day, and none of this changes in its time.
struct VerifiedToken {
  std::string text;
  TimePoint issued;
  TimePoint expires;
  std::shared_ptr<const CredentialKey> key;  // that verified it
};

struct CloudDevice {
  std::string id;
  std::uint64_t numId = 0;
  std::vector<CloudCredential> credentials;
  std::map<std::string, std::string> metadata;
  bool blocked = false;
  std::string logLevel = "NONE";
  std::string gatewayType = "NON_GATEWAY";
  std::string gatewayAuthMethod = "GATEWAY_AUTH_METHOD_UNSPECIFIED";
  std::uint64_t listingKey = 0;
  std::set<std::string> boundTo;  // a gateway's devices, or a device's gateways, by id

  std::optional<TimePoint> lastEvent, lastState, lastConfigSend, lastError;
  int lastErrorCode = 0;  // google.rpc
  std::string lastErrorMessage;

  std::deque<ConfigVersion> configs;  // newest first, never empty, at most 10
  std::deque<StateVersion> states;    // newest first, at most 10

  bool takesCommands = false;  // pretends to be subscribed over MQTT; set by the control API
  PublishCounts publishes;

  VerifiedToken verified;
};

struct EventConfig {
  std::string topic;
  std::string subfolderMatches;
};

// A registry and what the exchange hands out for it.
struct CloudRegistry {
  std::string project;
  std::string region;
  std::string id;
  std::string systemKey;
  std::vector<EventConfig> eventConfigs;
  std::string stateTopic;
  std::string mqttState = "MQTT_ENABLED";
  std::string httpState = "HTTP_ENABLED";
  std::string logLevel = "NONE";
  std::vector<std::string> authorities;  // CA certificates, PEM

  std::unordered_map<std::string, std::unique_ptr<CloudDevice>> devices;  // by id
  std::unordered_map<std::uint64_t, CloudDevice*> byNumId;
  // The order of lists: neither by id nor by numId, and stable while others come and go.
  std::map<std::uint64_t, CloudDevice*> listing;

  [[nodiscard]] std::string path() const {
    return "projects/" + project + "/locations/" + region + "/registries/" + id;
  }
  [[nodiscard]] CloudDevice* find(const std::string& deviceId) const {
    const auto found = devices.find(deviceId);
    return found == devices.end() ? nullptr : found->second.get();
  }
};

struct ServiceAccount {
  std::string systemKey;
  std::string token;
  std::string project;
};

// A token that the exchange handed out.
struct RegionalToken {
  std::string systemKey;       // of the registry
  std::string serviceAccount;  // system key of the one that asked
  std::optional<TimePoint> expiresAt;
};

struct RefusedPublish {
  TimePoint time;
  std::string registry;
  std::string device;
  std::string reason;
};

}  // namespace bco::sandbox
