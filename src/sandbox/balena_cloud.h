// An in-memory balenaCloud: the v7 API with its measured wire behaviour (statuses, texts,
// quirks), and as much of v6 as translates without effort. It answers what the real one answers,
// unhelpful answers included: an empty 401 for a missing parent, an empty 500 for an unknown field.
//
// Single-threaded: the caller holds the world's lock around every call, the hooks are called under
// it, and a hook must not call back into the cloud (schedule instead).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "server/http_server.h"

namespace bco::sandbox {

// A call of the supervisor proxy for one device that is connected.
struct SupervisorCall {
  std::string uuid;
  std::string method;  // "POST" unless the caller said otherwise
  std::string path;    // "v1/update"
  std::string data;    // JSON, "" for none
};

struct BalenaHooks {
  std::function<TimePoint()> now;
  // After `delay` the cloud asks this device's supervisor to fetch its target state, once per
  // committed write. The listener drops it when the device is not connected at that moment.
  std::function<void(const std::string& uuid, Duration delay)> onDeviceUpdate;
  // What the device answers; without a hook every call is answered 204.
  std::function<server::Reply(const SupervisorCall&)> supervisor;
};

struct FleetSpec {
  std::string slug = {};  // "org/name"; the organization is created when it is new
  std::vector<std::string> services = {"main"};
  std::string deviceType = "raspberrypi4-64";
  bool release = true;  // with a release of these services; without one devices have no installs
  bool isPublic = false;
};

struct DeviceSpec {
  std::string uuid = {};  // empty: generated, 32 hex digits
  std::string name = {};  // empty: generated
  std::string fleet = {};
  std::string deviceType = {};  // empty: the fleet's
  bool online = true;
  std::map<std::string, std::string> tags = {};
};

enum class TokenKind { kNamedUserKey, kSession, kDeviceKey, kProvisioningKey };

struct TokenSpec {
  std::string token = {};  // empty: generated, 32 alphanumerics
  TokenKind kind = TokenKind::kNamedUserKey;
  std::string name = {};
  bool allFleets = false;                // blanket permission, as openBalena's only user has
  std::vector<std::string> fleets = {};  // slugs of what else it sees; of a provisioning key: one
  std::string device = {};               // uuid, of a device key
  std::optional<TimePoint> expires = {};
};

struct BalenaSettings {
  // How long after a device got its target release its service_install rows appear; nullopt: never.
  std::optional<Duration> installDelay = Duration(0);
  // Reads over HTTP see the state as it was this long ago. 0: as it is.
  Duration staleness{0};
};

struct TargetService {
  std::string name;
  std::int64_t id = 0;
  std::map<std::string, std::string> environment;
};

// What /device/v3/<uuid>/state tells a device.
struct TargetState {
  std::string etag;  // changes if and only if something else here does
  std::int64_t fleetId = 0;
  std::string fleetSlug;
  std::string commit;  // empty: no release, then no services either
  std::vector<TargetService> services;
  std::map<std::string, std::string> config;
};

class BalenaCloud {
 public:
  // `seed` fixes generated uuids, tokens, id gaps and the shuffling of unordered results.
  explicit BalenaCloud(BalenaHooks hooks, std::uint64_t seed = 1);
  ~BalenaCloud();
  BalenaCloud(const BalenaCloud&) = delete;
  BalenaCloud& operator=(const BalenaCloud&) = delete;

  // Answers one request to the API host.
  [[nodiscard]] server::Reply handle(const server::Request& request);

  // The administrator's side: as if done in the dashboard or by somebody else's key. Changes notify
  // devices exactly as the same change over the API would. kNotFound: no such fleet, device, token
  // or service; kAlreadyExists: the slug, uuid or token is taken.
  Status addFleet(const FleetSpec& spec);
  // Returns the uuid.
  Result<std::string> addDevice(const DeviceSpec& spec);
  // `count` devices with generated uuids and names, online; returns the uuids.
  Result<std::vector<std::string>> addDevices(std::string_view fleet, std::size_t count);
  Status deleteDevice(std::string_view uuid);
  Status deleteFleet(std::string_view slug);
  Status moveDevice(std::string_view uuid, std::string_view fleet);
  Status renameFleet(std::string_view slug, std::string_view newSlug);
  // Connected to the VPN and heartbeat, both.
  Status setOnline(std::string_view uuid, bool online);
  Status setTag(std::string_view uuid, std::string_view key, std::string_view value);
  Status removeTag(std::string_view uuid, std::string_view key);
  // A new release of all the fleet's services, which becomes its target.
  Status release(std::string_view fleet);
  Status addService(std::string_view fleet, std::string_view service);
  // `service` empty: a device variable, else a device service variable (kNotFound without the
  // service_install).
  Status setVariable(std::string_view uuid, std::string_view service, std::string_view name,
                     std::string_view value);
  Status removeVariable(std::string_view uuid, std::string_view service, std::string_view name);
  // `service` empty: for the whole fleet.
  Status setFleetVariable(std::string_view fleet, std::string_view service, std::string_view name,
                          std::string_view value);

  // Returns the token.
  Result<std::string> addToken(const TokenSpec& spec);
  Status revokeToken(std::string_view token);
  Status expireToken(std::string_view token, TimePoint when);

  [[nodiscard]] const BalenaSettings& settings() const;
  void configure(const BalenaSettings& settings);
  // "device_tag.modified_at": a field this cloud does not have; using it gives an empty 500. The
  // fields of balenaCloud's closed layer (device.is_frozen, ...) are absent from the start.
  Status setFieldAbsent(std::string_view field, bool absent);

  // For the device simulator; always of the present, never stale.
  [[nodiscard]] bool hasDevice(std::string_view uuid) const;
  // Of the VPN: gets notifications and supervisor calls.
  [[nodiscard]] bool isConnected(std::string_view uuid) const;
  // nullopt: no such device.
  [[nodiscard]] std::optional<TargetState> targetState(std::string_view uuid);
  [[nodiscard]] std::vector<std::string> deviceUuids(std::string_view fleet) const;
  // "" when there is none: looks at the device service variable, then at the device variable.
  [[nodiscard]] std::string variable(std::string_view uuid, std::string_view service,
                                     std::string_view name) const;

  // The whole state but for tokens, as JSON: {"device": [...], ...} with v7's row shapes.
  [[nodiscard]] std::string dump() const;
  // The same for one device with its tags, installs and variables; "" when there is none.
  [[nodiscard]] std::string dumpDevice(std::string_view uuid) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bco::sandbox
