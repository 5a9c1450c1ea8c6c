// Both clouds, the devices and what stands before them, in one.
#pragma once

#include <cstdint>
#include <string>

#include "crypto/hash.h"
#include "sandbox/balena_cloud.h"
#include "sandbox/clearblade_cloud.h"
#include "sandbox/control.h"
#include "sandbox/device_simulator.h"
#include "sandbox/device_wire.h"
#include "sandbox/front.h"
#include "sandbox/timers.h"

namespace bco::sandbox {

struct SandboxOptions {
  ClockMode clock = ClockMode::kReal;
  std::uint64_t seed = 1;
  bool simulateDevices = true;
  // Devices publish through the HTTP listener (see publishOverHttp()) instead of within the
  // process.
  bool deviceTrafficOverHttp = false;
  // What the exchange hands out; empty: the scheme and Host by which it was asked.
  std::string advertisedUrl = {};
};

class Sandbox {
 public:
  explicit Sandbox(const SandboxOptions& options);
  ~Sandbox();

  // What the listeners call. Thread-safe; call it without the mutex.
  void handle(server::Request request, server::Responder responder, Listener listener);

  // With deviceTrafficOverHttp: where the HTTP listener is. Once, after it has started.
  void publishOverHttp(const std::string& address, std::uint16_t port) {
    wire_.connectTo(address, port);
  }

  [[nodiscard]] World& world() { return world_; }
  // With the mutex held.
  [[nodiscard]] BalenaCloud& balena() { return balena_; }
  [[nodiscard]] ClearBladeCloud& clearBlade() { return clearBlade_; }
  [[nodiscard]] DeviceSimulator& devices() { return devices_; }
  [[nodiscard]] Front& front() { return front_; }

 private:
  [[nodiscard]] server::Reply takeEffect(const Kind& kind, const server::Request& request,
                                         Listener listener);
  void publish(CloudRegistry& registry, const std::string& deviceId, const std::string& token,
               const PublishResult& result);

  const std::string advertisedUrl_;
  const bool deviceTrafficOverHttp_;
  crypto::SystemRandom random_;
  World world_;
  BalenaCloud balena_;
  ClearBladeCloud clearBlade_;
  DeviceSimulator devices_;
  DeviceWire wire_;
  RelayCalls relayCalls_;
  Front front_;
  Control control_;
};

}  // namespace bco::sandbox
