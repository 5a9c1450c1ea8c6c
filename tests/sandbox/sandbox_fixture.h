// A whole sandbox on a clock moved by hand, without sockets: requests go in by handle().
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "core/text.h"
#include "crypto/keys.h"
#include "sandbox/sandbox.h"
#include "sandbox/world_file.h"

namespace bco::sandbox {

using nlohmann::json;

// The answer to a request that may not come.
struct Pending {
  std::shared_ptr<std::promise<server::Reply>> promise =
      std::make_shared<std::promise<server::Reply>>();
  std::future<server::Reply> future = promise->get_future();

  [[nodiscard]] bool isAnswered() const {
    return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }
};

class SandboxFixture : public ::testing::Test {
 protected:
  explicit SandboxFixture(std::size_t devices = 1) : sandbox_({.clock = ClockMode::kManual}) {
    const std::lock_guard lock(sandbox_.world().mutex);
    built_ = build(sandbox_, defaultWorld(devices)).value();
    if (devices > 0) uuid_ = sandbox_.balena().deviceUuids("acme/sensors").front();
  }

  Pending start(const std::string& method, const std::string& target, const json& body = {},
                const server::Headers& headers = {}) {
    server::Request request;
    request.method = method;
    request.target = target;
    request.headers = headers;
    request.headers.emplace_back("Host", "cloud.test");
    if (!body.is_null()) {
      request.headers.emplace_back("Content-Type", "application/json");
      request.body = body.dump();
    }
    request.connection = ++connection_;
    Pending pending;
    sandbox_.handle(
        std::move(request),
        [promise = pending.promise](server::Reply reply) { promise->set_value(std::move(reply)); },
        Listener::kHttp);
    return pending;
  }
  // Of a request that is answered at once.
  server::Reply send(const std::string& method, const std::string& target, const json& body = {},
                     const server::Headers& headers = {}) {
    Pending pending = start(method, target, body, headers);
    EXPECT_TRUE(pending.isAnswered()) << target;
    return pending.isAnswered() ? pending.future.get() : server::Reply{};
  }

  server::Headers balenaToken() const {
    return {{"Authorization", "Bearer " + built_.tokens.front()}};
  }
  server::Reply balena(const std::string& method, const std::string& path, const json& body = {}) {
    return send(method, "/v7/" + path, body, balenaToken());
  }
  json control(const std::string& method, const std::string& path, const json& body = {}) {
    const server::Reply reply = send(method, "/_sandbox/" + path, body);
    EXPECT_EQ(reply.status, 200) << path << reply.body;
    return json::parse(reply.body, nullptr, false);
  }
  void advance(const std::string& duration) {
    control("POST", "clock/advance", {{"duration", duration}});
  }

  // Registers the device with this key, as the operator does.
  void registerDevice(const crypto::PrivateKey& key) {
    control("POST", "registrations",
            {{"id", "balena-" + uuid_},
             {"credentials",
              {{{"publicKey", {{"format", "ES256_PEM"}, {"key", key.publicKey().toPem()}}}}}}});
  }
  json variables(const crypto::PrivateKey& key) const {
    return {
        {"GCP_CLIENT_PATH",
         "projects/my-project/locations/us-central1/registries/devices/devices/balena-" + uuid_},
        {"GCP_DATA_TOPIC_ROOT", "/devices/balena-" + uuid_},
        {"GCP_PROJECT_ID", "my-project"},
        {"GCP_PRIVATE_KEY", std::string(crypto::toVariableValue(key).reveal())}};
  }
  void setVariable(const std::string& name, const std::string& value) {
    control("PUT", "devices/" + uuid_ + "/variables/" + name + "?service=relay",
            {{"value", value}});
  }
  void setVariables(const crypto::PrivateKey& key) {
    const json all = variables(key);
    for (const auto& [name, value] : all.items()) setVariable(name, value);
  }
  json runtime() { return control("GET", "devices/" + uuid_)["runtime"]; }

  Sandbox sandbox_;
  BuiltWorld built_;
  std::string uuid_;
  std::uint64_t connection_ = 0;
};

}  // namespace bco::sandbox
