// A balenaCloud with two fleets, a clock that stands still, and a client that speaks to it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "core/text.h"
#include "sandbox/balena_cloud.h"

namespace bco::sandbox::test {

using Json = nlohmann::json;

inline constexpr const char* kUuid = "7cf02a6a016a4b3c9e3b7a8d5f46e127";
inline constexpr const char* kOther = "11112222333344445555666677778888";

class BalenaTest : public testing::Test {
 protected:
  BalenaTest()
      : cloud({.now = [this] { return now; },
               .onDeviceUpdate = [this](const std::string& uuid,
                                        Duration delay) { notices.emplace_back(uuid, delay); },
               .supervisor = nullptr}) {
    EXPECT_TRUE(cloud.addFleet({.slug = "acme/plant", .services = {"main", "cloud-relay"}}));
    EXPECT_TRUE(cloud.addFleet({.slug = "acme/lab", .services = {"main"}}));
    EXPECT_TRUE(cloud.addDevice({.uuid = kUuid, .name = "press", .fleet = "acme/plant"}));
    EXPECT_TRUE(cloud.addDevice({.uuid = kOther, .name = "oven", .fleet = "acme/lab"}));
    EXPECT_TRUE(cloud.addToken({.token = "admin", .allFleets = true}));
    EXPECT_TRUE(cloud.addToken({.token = "plant", .fleets = {"acme/plant"}}));
    EXPECT_TRUE(
        cloud.addToken({.token = "device", .kind = TokenKind::kDeviceKey, .device = kUuid}));
    EXPECT_TRUE(cloud.addToken(
        {.token = "join", .kind = TokenKind::kProvisioningKey, .fleets = {"acme/plant"}}));
    deviceId = idOf("device(uuid='" + std::string(kUuid) + "')");
    otherId = idOf("device(uuid='" + std::string(kOther) + "')");
    fleetId = idOf("application(slug='acme/plant')");
    serviceId = idOf("service(application=" + std::to_string(fleetId) + ",service_name='main')");
    installId = idOf("service_install(device=" + std::to_string(deviceId) +
                     ",installs__service=" + std::to_string(serviceId) + ")");
  }

  // `what` follows "/v7/"; spaces are encoded.
  server::Reply call(const std::string& method, const std::string& what,
                     const std::string& body = "", const std::string& token = "admin",
                     server::Headers headers = {}) {
    server::Request request;
    request.method = method;
    request.target = what.starts_with("/") ? what : "/v7/" + what;
    for (std::size_t at; (at = request.target.find(' ')) != std::string::npos;) {
      request.target.replace(at, 1, "%20");
    }
    request.headers = std::move(headers);
    if (!token.empty()) request.headers.emplace_back("Authorization", "Bearer " + token);
    if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    request.body = body;
    return cloud.handle(request);
  }
  Json get(const std::string& what, const std::string& token = "admin") {
    const auto reply = call("GET", what, "", token);
    EXPECT_EQ(reply.status, 200) << what << ": " << reply.body;
    return reply.status == 200 ? Json::parse(reply.body)["d"] : Json();
  }
  std::int64_t idOf(const std::string& what) {
    const Json rows = get(what);
    return rows.size() == 1 ? rows[0]["id"].get<std::int64_t>() : 0;
  }
  static std::string variable(const char* ownerField, std::int64_t owner, const std::string& name,
                              const std::string& value) {
    return Json{{ownerField, owner}, {"name", name}, {"value", value}}.dump();
  }
  // The values of one field, in the order of the answer.
  template <class Type = std::string>
  std::vector<Type> column(const std::string& what, const char* field) {
    std::vector<Type> values;
    for (const auto& row : get(what)) values.push_back(row[field].get<Type>());
    return values;
  }

  TimePoint now{std::chrono::hours(24 * 365 * 57)};
  std::vector<std::pair<std::string, Duration>> notices;
  BalenaCloud cloud;
  std::int64_t deviceId = 0;
  std::int64_t otherId = 0;
  std::int64_t fleetId = 0;
  std::int64_t serviceId = 0;
  std::int64_t installId = 0;
};

}  // namespace bco::sandbox::test
