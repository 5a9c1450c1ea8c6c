// Devices that behave as balena's supervisor with a relay container does: they fetch their target
// state when told to and from time to time, recreate a container whose environment has changed, and
// publish with the key they find. Research notes: balena-api.md §10, cloud-relay.md.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "sandbox/balena_cloud.h"
#include "sandbox/clearblade_cloud.h"
#include "sandbox/device_relay.h"
#include "sandbox/relay_calls.h"
#include "sandbox/timers.h"

namespace bco::sandbox {

struct DeviceSettings {
  // Between two fetches of the target state, plus up to a minute; a device variable
  // ..._SUPERVISOR_POLL_INTERVAL and setPollInterval() come before it.
  Duration pollInterval = std::chrono::minutes(15);
  Duration publishInterval = std::chrono::minutes(1);
  // From the end of the relay's old container until the new one is up.
  Duration restartDelay = std::chrono::seconds(1);
  // Whom relays without variables ask for them; nullopt: nobody.
  std::optional<ProvisionUrl> provisionUrl = std::nullopt;
};

// What relays without variables have asked an endpoint.
struct ProvisionCounts {
  std::uint64_t asked = 0;
  std::uint64_t provisioned = 0;                      // any 2xx
  std::uint64_t told = 0;                             // code 6: its supervisor is asked to look
  std::map<std::string, std::uint64_t> refused = {};  // by status; "0": no reply
};

struct DeviceCounts {
  std::uint64_t fetches = 0;
  std::uint64_t notModified = 0;    // fetches answered with what it had
  std::uint64_t starts = 0;         // of containers, the first ones too
  std::uint64_t restarts = 0;       // recreated because the environment had changed
  std::uint64_t partialStarts = 0;  // of a relay that found some of the four variables
  std::uint64_t keyChanges = 0;     // starts with another key than before
  std::uint64_t accepted = 0;       // publishes
  std::map<std::string, std::uint64_t, std::less<>> refused;  // by reason
  ProvisionCounts provision;
};

struct SimulatedContainer {
  std::map<std::string, std::string> environment;
  TimePoint createdAt;
};

struct SimulatedDevice {
  std::string etag;
  std::map<std::string, SimulatedContainer> containers;  // by service
  std::string relayService;
  std::unique_ptr<Relay> relay;
  bool updateLock = false;  // containers are not to be killed
  bool localMode = false;   // doesn't heed the cloud
  bool postponed = false;   // a change waits for the lock
  std::optional<Duration> pollInterval;
  std::string lastKey;  // fingerprint
  DeviceCounts counts;
  TimerId pollTimer;
  TimerId publishTimer;
  TimerId startTimer;          // of the relay's container
  bool asking = false;         // its relay waits for an endpoint
  unsigned relayRestarts = 0;  // in a row, without variables
  TimerId askTimer;
};

// The publish itself: "" when accepted, else why not. May answer later.
using PublishResult = std::function<void(std::string reason)>;
using Publisher = std::function<void(CloudRegistry& registry, const std::string& deviceId,
                                     const std::string& token, PublishResult result)>;

// The world's mutex is to be held around every call.
class DeviceSimulator {
 public:
  DeviceSimulator(World& world, BalenaCloud& balena, ClearBladeCloud& clearBlade,
                  Publisher publisher);

  // How relays ask: `body` to `url`. Before the first is added.
  using Provisioner =
      std::function<void(const ProvisionUrl& url, const std::string& body, RelayCalls::Done done)>;
  void askBy(Provisioner provisioner) { provisioner_ = std::move(provisioner); }

  // Switched off, nothing below does anything.
  void enable(bool enabled) { enabled_ = enabled; }

  // Powers a device of balena's on; it fetches its state within `spread`.
  void add(const std::string& uuid, Duration spread);
  void remove(const std::string& uuid);

  // What balena's hooks are for.
  void notify(const std::string& uuid, Duration delay);
  [[nodiscard]] server::Reply supervisor(const SupervisorCall& call);

  // It has been connected again: fetches at once.
  void cameOnline(const std::string& uuid);
  // Releasing the lock lets a postponed change happen.
  void setUpdateLock(const std::string& uuid, bool locked);
  void setLocalMode(const std::string& uuid, bool local);
  void setPollInterval(const std::string& uuid, std::optional<Duration> interval);

  [[nodiscard]] const DeviceSettings& settings() const { return settings_; }
  // A changed interval begins anew for every device.
  void configure(const DeviceSettings& settings);

  [[nodiscard]] const SimulatedDevice* find(const std::string& uuid) const;
  [[nodiscard]] const std::unordered_map<std::string, std::unique_ptr<SimulatedDevice>>& devices()
      const {
    return devices_;
  }

 private:
  [[nodiscard]] SimulatedDevice* get(const std::string& uuid);
  void fetch(const std::string& uuid, bool force);
  void apply(const std::string& uuid, SimulatedDevice& device, const TargetState& target);
  void startRelay(const std::string& uuid, SimulatedDevice& device);
  void scheduleAsk(const std::string& uuid, Duration delay);
  void ask(const std::string& uuid);
  void answered(const std::string& uuid, const RelayReply& reply);
  void schedulePoll(const std::string& uuid, Duration delay);
  void schedulePublish(const std::string& uuid, Duration delay);
  void publish(const std::string& uuid);
  [[nodiscard]] Duration pollInterval(const SimulatedDevice& device,
                                      const std::optional<TargetState>& target) const;
  [[nodiscard]] Duration spread(Duration longest);

  World& world_;
  BalenaCloud& balena_;
  ClearBladeCloud& clearBlade_;
  const Publisher publisher_;
  Provisioner provisioner_;
  DeviceSettings settings_;
  bool enabled_ = true;
  std::uint64_t random_ = 1;
  std::unordered_map<std::string, std::unique_ptr<SimulatedDevice>> devices_;
};

}  // namespace bco::sandbox
