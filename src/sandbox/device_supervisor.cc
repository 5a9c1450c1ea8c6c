// The device's side of balena's supervisor proxy.
#include <nlohmann/json.hpp>

#include "sandbox/clearblade_reply.h"
#include "sandbox/device_simulator.h"

namespace bco::sandbox {

using nlohmann::json;

server::Reply DeviceSimulator::supervisor(const SupervisorCall& call) {
  const SimulatedDevice* device = get(call.uuid);
  if (device == nullptr) return bareReply(204);
  if (call.path == "ping" || call.path == "v1/ping") return textReply(200, "OK");
  if (call.path == "v1/update") {
    const json data = json::parse(call.data, nullptr, false);
    const bool force = data.is_object() && data.value("force", false);
    // Starts a check and does not wait for it; not now, for the cloud is in the middle of a call.
    world_.clock.after(Duration(0), [this, uuid = call.uuid, force] { fetch(uuid, force); });
    return bareReply(204);
  }
  if (call.path == "v2/state/status") {
    json containers = json::array();
    for (const auto& [service, container] : device->containers) {
      containers.push_back({{"status", "Running"},
                            {"serviceName", service},
                            {"createdAt", formatRfc3339(container.createdAt)}});
    }
    return jsonReply(200, json{{"status", "success"},
                               {"appState", device->postponed ? "applying" : "applied"},
                               {"containers", containers}}
                              .dump());
  }
  return textReply(404, "Not found");
}

}  // namespace bco::sandbox
