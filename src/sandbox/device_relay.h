// The service container on a device that uses the key: balena's Cloud Relay block, as far as the
// clouds can tell. Research notes: cloud-relay.md.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "core/result.h"
#include "crypto/keys.h"

namespace bco::sandbox {

// What a container finds in its environment. All four variables or none: any subset stops it.
enum class RelayState { kUnregistered, kPartial, kBroken, kRunning };
[[nodiscard]] std::string_view nameOf(RelayState state);

// The container's process from its start to its end.
class Relay {
 public:
  // kBroken when a key or path can't be read.
  explicit Relay(const std::map<std::string, std::string>& environment);

  [[nodiscard]] RelayState state() const { return state_; }
  // Of kRunning: "projects/P/locations/L/registries/R", and the device's id there.
  [[nodiscard]] const std::string& registryPath() const { return registryPath_; }
  [[nodiscard]] const std::string& deviceId() const { return deviceId_; }
  // 64 hex digits, of the public half; "" unless kRunning.
  [[nodiscard]] std::string fingerprint() const;

  // The token for the bridge; one is used until a quarter of an hour before its end.
  [[nodiscard]] std::string token(const std::string& systemKey, TimePoint now);

 private:
  RelayState state_ = RelayState::kUnregistered;
  std::string registryPath_;
  std::string deviceId_;
  std::optional<crypto::PrivateKey> key_;
  std::string token_;
  TimePoint renewAt_;
};

}  // namespace bco::sandbox
