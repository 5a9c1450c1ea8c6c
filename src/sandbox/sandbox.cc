#include "sandbox/sandbox.h"

#include "core/text.h"

namespace bco::sandbox {

Sandbox::Sandbox(const SandboxOptions& options)
    : advertisedUrl_(options.advertisedUrl),
      deviceTrafficOverHttp_(options.deviceTrafficOverHttp),
      world_(options.clock),
      balena_(
          {.now = [this] { return world_.clock.now(); },
           .onDeviceUpdate = [this](const std::string& uuid,
                                    Duration delay) { devices_.notify(uuid, delay); },
           .supervisor = [this](const SupervisorCall& call) { return devices_.supervisor(call); }},
          options.seed),
      clearBlade_([this] { return world_.clock.now(); }, random_),
      devices_(
          world_, balena_, clearBlade_,
          [this](CloudRegistry& registry, const std::string& deviceId, const std::string& token,
                 const PublishResult& result) { publish(registry, deviceId, token, result); }),
      wire_(world_.mutex),
      relayCalls_(world_.mutex),
      front_(world_, [this](const Kind& kind, const server::Request& request,
                            Listener listener) { return takeEffect(kind, request, listener); }),
      control_(*this) {
  devices_.enable(options.simulateDevices);
  devices_.askBy([this](const ProvisionUrl& url, const std::string& body, RelayCalls::Done done) {
    relayCalls_.post(url, body, std::move(done));
  });
}

Sandbox::~Sandbox() { world_.stop(); }

void Sandbox::handle(server::Request request, server::Responder responder, Listener listener) {
  if (request.target.starts_with("/_sandbox/")) return responder(control_.handle(request));
  front_.handle(std::move(request), std::move(responder), listener);
}

void Sandbox::publish(CloudRegistry& registry, const std::string& deviceId,
                      const std::string& token, const PublishResult& result) {
  if (!deviceTrafficOverHttp_) return result(clearBlade_.publish(registry, deviceId, token));
  wire_.post("/api/v/4/webhook/execute/" + registry.systemKey +
                 "/cloudiotdevice_devices?method=publishEvent&name=" + percentEncode(deviceId),
             token, R"({"binaryData":"MjEuNQ=="})", [result](int status, const std::string&) {
               result(status == 204 ? "" : "status " + std::to_string(status));
             });
}

server::Reply Sandbox::takeEffect(const Kind& kind, const server::Request& request,
                                  Listener listener) {
  if (!kind.clearBlade) return balena_.handle(request);
  std::string url = advertisedUrl_;
  if (url.empty()) {
    url = listener == Listener::kHttps ? "https://" : "http://";
    url += request.header("Host").value_or("localhost");
  }
  return clearBlade_.handle(*kind.clearBlade, request, url);
}

}  // namespace bco::sandbox
