// What each kind of credential sees and may do.
#include "tests/sandbox/balena_fixture.h"

namespace bco::sandbox::test {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

class BalenaCredentials : public BalenaTest {
 protected:
  std::vector<std::string> devices(const std::string& token) {
    std::vector<std::string> names;
    for (const auto& row : get("device?$select=device_name&$orderby=device_name", token)) {
      names.push_back(row["device_name"]);
    }
    return names;
  }
};

TEST_F(BalenaCredentials, SeeTheirFleetsAlone) {
  EXPECT_THAT(devices("admin"), ElementsAre("oven", "press"));
  EXPECT_THAT(devices("plant"), ElementsAre("press"));
  EXPECT_THAT(devices("device"), ElementsAre("press"));
  EXPECT_EQ(get("application?$select=slug", "plant"), Json::parse(R"([{"slug":"acme/plant"}])"));
  EXPECT_EQ(get("service_install/$count", "plant"), 2);
  EXPECT_EQ(get("device(uuid='" + std::string(kOther) + "')", "plant"), Json::array());
  // Everybody sees a public fleet, but not who is in it.
  ASSERT_TRUE(cloud.addFleet({.slug = "acme/open", .isPublic = true}));
  ASSERT_TRUE(cloud.addDevice({.name = "hidden", .fleet = "acme/open"}));
  EXPECT_EQ(get("application?$filter=slug eq 'acme/open'", "plant").size(), 1U);
  EXPECT_THAT(devices("plant"), ElementsAre("press"));
  // Nor may a filter look where the key may not.
  EXPECT_EQ(get("device_type?$filter=describes__device/any(d:d/device_name eq 'oven')", "plant"),
            Json::array());
}

TEST_F(BalenaCredentials, SayWhoTheyAre) {
  const auto whoami = [&](const std::string& token) {
    const auto reply = call("GET", "/actor/v1/whoami", "", token);
    return reply.status == 200 ? Json::parse(reply.body) : Json(reply.status);
  };
  EXPECT_EQ(whoami("admin")["actorType"], "user");
  EXPECT_EQ(whoami("admin")["username"], "sandbox");
  EXPECT_EQ(whoami("device")["actorType"], "device");
  EXPECT_EQ(whoami("device")["uuid"], kUuid);
  EXPECT_EQ(whoami("join")["actorType"], "application");
  EXPECT_EQ(whoami("join")["slug"], "acme/plant");
  EXPECT_EQ(whoami("wrong"), 401);
  EXPECT_EQ(call("GET", "/user/v1/whoami", "", "admin").status, 200);
  EXPECT_EQ(call("GET", "/user/v1/whoami", "", "device").status, 401);
}

TEST_F(BalenaCredentials, ComeAsAHeaderOrAsAParameterThatWins) {
  EXPECT_EQ(call("GET", "device", "", "", {{"Authorization", "bearer admin"}}).status, 200);
  EXPECT_EQ(call("GET", "device?apikey=admin", "", "wrong").status, 200);
  EXPECT_EQ(call("GET", "device?apikey=wrong", "", "admin").status, 401);
}

TEST_F(BalenaCredentials, EndWhenTheyExpireOrAreRevoked) {
  ASSERT_TRUE(cloud.expireToken("plant", now + std::chrono::seconds(1)));
  EXPECT_EQ(call("GET", "device", "", "plant").status, 200);
  now += std::chrono::seconds(1);
  EXPECT_EQ(call("GET", "device", "", "plant").status, 401);
  EXPECT_EQ(call("GET", "/actor/v1/whoami", "", "plant").status, 401);
  ASSERT_TRUE(cloud.revokeToken("admin"));
  EXPECT_EQ(call("GET", "device", "", "admin").status, 401);
}

TEST_F(BalenaCredentials, OfAUserListTheirKeysButNeverTheSecret) {
  ASSERT_TRUE(cloud.addToken({.token = "named",
                              .name = "operator",
                              .fleets = {"acme/plant"},
                              .expires = now + std::chrono::hours(1)}));
  const auto keys = get("api_key?$select=id,name,expiry_date,description", "named");
  ASSERT_EQ(keys.size(), 1U);
  EXPECT_EQ(keys[0]["name"], "operator");
  EXPECT_THAT(keys[0]["expiry_date"].get<std::string>(), StartsWith("20"));
  EXPECT_THAT(call("GET", "api_key", "", "named").body, testing::Not(testing::HasSubstr("named")));
}

TEST_F(BalenaCredentials, OfADeviceReadItsSecretsAndWriteItsOwnVariables) {
  ASSERT_TRUE(cloud.setVariable(kUuid, "main", "GCP_PRIVATE_KEY", "secret"));
  ASSERT_TRUE(cloud.setVariable(kOther, "main", "GCP_PRIVATE_KEY", "other"));
  const auto seen = get("device_service_environment_variable?$select=value", "device");
  EXPECT_EQ(seen, Json::parse(R"([{"value":"secret"}])"));
  EXPECT_EQ(
      call("POST", "device_environment_variable", variable("device", deviceId, "A", "1"), "device")
          .status,
      201);
  EXPECT_EQ(call("POST", "device_tag",
                 Json{{"device", deviceId}, {"tag_key", "k"}, {"value", "v"}}.dump(), "device")
                .status,
            201);
  // Foreign rows: nothing happens, and nothing is said.
  const auto patch =
      call("PATCH", "device_service_environment_variable", R"({"value":"taken"})", "device");
  EXPECT_EQ(patch.status, 200);
  EXPECT_EQ(cloud.variable(kOther, "main", "GCP_PRIVATE_KEY"), "other");
  EXPECT_EQ(cloud.variable(kUuid, "main", "GCP_PRIVATE_KEY"), "taken");
  EXPECT_EQ(call("DELETE", "device(" + std::to_string(deviceId) + ")", "", "device").status, 401);
}

TEST_F(BalenaCredentials, OfAFleetOnlyLetDevicesJoinIt) {
  const auto type = get("device_type?$select=id")[0]["id"].get<std::int64_t>();
  const auto lab = idOf("application(slug='acme/lab')");
  const auto join = [&](std::int64_t fleet, const std::string& uuid) {
    return call(
               "POST", "device",
               Json{
                   {"uuid", uuid}, {"belongs_to__application", fleet}, {"is_of__device_type", type}}
                   .dump(),
               "join")
        .status;
  };
  EXPECT_EQ(join(fleetId, std::string(32, 'a')), 201);
  EXPECT_EQ(join(lab, std::string(32, 'b')), 401);
  EXPECT_EQ(join(fleetId, std::string(32, 'a')), 409);
  EXPECT_EQ(call("GET", "device", "", "join").status, 401);
  EXPECT_EQ(
      get("service_install?$filter=device/any(d:d/uuid eq '" + std::string(32, 'a') + "')").size(),
      2U);
}

TEST_F(BalenaCredentials, OfASessionMakeKeysButKeysDoNot) {
  const auto session =
      call("POST", "/login_", R"({"username":"sandbox","password":"sandbox"})", "");
  ASSERT_EQ(session.status, 200);
  EXPECT_EQ(split(session.body, '.').size(), 3U);
  const auto key = call("POST", "/api-key/user/full", R"({"name":"new"})", session.body);
  ASSERT_EQ(key.status, 200);
  EXPECT_EQ(devices(Json::parse(key.body)).size(), 2U);
  EXPECT_EQ(call("POST", "/api-key/user/full", R"({"name":"new"})", "admin").status, 401);
  EXPECT_EQ(call("POST", "/login_", R"({"username":"sandbox","password":"x"})", "").status, 401);
}

}  // namespace
}  // namespace bco::sandbox::test
