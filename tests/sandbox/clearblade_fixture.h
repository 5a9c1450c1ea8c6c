// A ClearBlade cloud with one registry, and requests to it as an SDK would write them.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "crypto/hash.h"
#include "crypto/jwt.h"
#include "crypto/keys.h"
#include "sandbox/clearblade_cloud.h"

namespace bco::sandbox {

using nlohmann::json;

class ClearBladeFixture : public ::testing::Test {
 protected:
  ClearBladeFixture() : cloud_([this] { return now_; }, random_) {
    registry_ = &cloud_.addRegistry("p", "us-central1", "reg1");
    account_ = cloud_.addServiceAccount({"", "", "p"});
    const json body = parsed(exchange(account_.token));
    token_ = body["serviceAccountToken"];
    systemKey_ = body["systemKey"];
  }

  server::Reply send(const std::string& method, const std::string& target, const std::string& token,
                     const std::string& body = {}) {
    server::Request request;
    request.method = method;
    request.target = target;
    request.headers = {{"Clearblade-Usertoken", token}};
    request.body = body;
    const auto call = ClearBladeCloud::classify(request);
    EXPECT_TRUE(call.has_value());
    lastKind_ = std::string(call->kind);
    return cloud_.handle(*call, request, "https://regional");
  }
  server::Reply exchange(const std::string& token, const std::string& registry = "reg1") {
    return send("POST", "/api/v/1/code/" + account_.systemKey + "/getRegistryCredentials", token,
                json{{"project", "p"}, {"region", "us-central1"}, {"registry", registry}}.dump());
  }
  // On the regional plane: `path` is what follows the system key.
  server::Reply call(const std::string& method, const std::string& path, const json& body = {}) {
    return send(method, "/api/v/4/webhook/execute/" + systemKey_ + '/' + path, token_,
                body.is_null() ? "" : body.dump());
  }
  server::Reply admin(const std::string& method, const std::string& path, const json& body = {}) {
    return send(method, "/api/v/4/webhook/execute/" + account_.systemKey + '/' + path,
                account_.token, body.is_null() ? "" : body.dump());
  }
  server::Reply bridge(const std::string& path, const std::string& token, const json& body) {
    return send("POST",
                "/api/v/4/webhook/execute/" + systemKey_ + "/cloudiotdevice_devices?" + path, token,
                body.dump());
  }

  static json parsed(const server::Reply& reply) { return json::parse(reply.body, nullptr, false); }
  static std::string statusOf(const server::Reply& reply) {
    const json body = parsed(reply);
    EXPECT_EQ(body["error"]["code"], reply.status);
    return body["error"]["status"];
  }

  static json credential(const crypto::PrivateKey& key, const std::string& expires = {}) {
    json entry = {{"publicKey", {{"format", "ES256_PEM"}, {"key", key.publicKey().toPem()}}}};
    if (!expires.empty()) entry["expirationTime"] = expires;
    return entry;
  }
  json create(const std::string& id, const json& more = json::object()) {
    json body = more;
    body["id"] = id;
    const auto reply = call("POST", "cloudiot_devices", body);
    EXPECT_EQ(reply.status, 200) << reply.body;
    return parsed(reply);
  }
  json get(const std::string& id, const std::string& more = {}) {
    return parsed(call("GET", "cloudiot_devices?name=" + id + more));
  }

  std::int64_t seconds() const {
    return std::chrono::floor<std::chrono::seconds>(now_).time_since_epoch().count();
  }
  json claims(const std::string& id) const {
    return {
        {"sk", systemKey_}, {"uid", id}, {"ut", 3}, {"iat", seconds()}, {"exp", seconds() + 3600}};
  }
  static std::string jwt(const json& claims, const crypto::PrivateKey& key) {
    return crypto::signJwt(claims.dump(), key).value();
  }

  TimePoint now_{Duration{1'700'000'000'000}};
  crypto::SystemRandom random_;
  ClearBladeCloud cloud_;
  CloudRegistry* registry_ = nullptr;
  ServiceAccount account_;
  std::string token_;
  std::string systemKey_;
  std::string lastKind_;
};

}  // namespace bco::sandbox
