// What devices are told, and what happens to rows when people move things about.
#include "tests/sandbox/balena_fixture.h"

namespace bco::sandbox::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class BalenaState : public BalenaTest {
 protected:
  std::map<std::string, std::string> environment(const std::string& service) {
    const auto state = cloud.targetState(kUuid);
    for (const auto& each : state->services) {
      if (each.name == service) return each.environment;
    }
    return {};
  }
  std::size_t installs(std::int64_t device) {
    return get("service_install?$filter=device eq " + std::to_string(device)).size();
  }
};

TEST_F(BalenaState, LetsTheNarrowerVariableWin) {
  ASSERT_TRUE(cloud.setFleetVariable("acme/plant", "", "A", "fleet"));
  ASSERT_TRUE(cloud.setFleetVariable("acme/plant", "", "F", "fleet"));
  EXPECT_THAT(environment("main"), ElementsAre(Pair("A", "fleet"), Pair("F", "fleet")));
  ASSERT_TRUE(cloud.setFleetVariable("acme/plant", "main", "A", "fleet service"));
  EXPECT_EQ(environment("main")["A"], "fleet service");
  ASSERT_TRUE(cloud.setVariable(kUuid, "", "A", "device"));
  EXPECT_EQ(environment("main")["A"], "device");
  EXPECT_EQ(environment("cloud-relay")["A"], "device");
  ASSERT_TRUE(cloud.setVariable(kUuid, "main", "A", "device service"));
  EXPECT_EQ(environment("main")["A"], "device service");
  EXPECT_EQ(environment("cloud-relay")["A"], "device");
  EXPECT_EQ(environment("main")["F"], "fleet");
}

TEST_F(BalenaState, ChangesItsTagWithTheStateAlone) {
  const auto etag = cloud.targetState(kUuid)->etag;
  ASSERT_TRUE(cloud.setTag(kUuid, "k", "v"));
  EXPECT_EQ(cloud.targetState(kUuid)->etag, etag);
  ASSERT_TRUE(cloud.setVariable(kUuid, "", "A", "1"));
  const auto withVariable = cloud.targetState(kUuid)->etag;
  EXPECT_NE(withVariable, etag);
  now += std::chrono::hours(1);
  ASSERT_TRUE(cloud.setVariable(kUuid, "", "A", "1"));
  EXPECT_EQ(cloud.targetState(kUuid)->etag, withVariable);
}

TEST_F(BalenaState, IsServedToTheDeviceWithAnEtag) {
  ASSERT_TRUE(cloud.setVariable(kUuid, "main", "GCP_PRIVATE_KEY", "secret"));
  const auto target = "/device/v3/" + std::string(kUuid) + "/state";
  const auto reply = call("GET", target, "", "device");
  ASSERT_EQ(reply.status, 200);
  const auto state = cloud.targetState(kUuid);
  const Json app = Json::parse(reply.body)[kUuid]["apps"].front();
  EXPECT_EQ(app["releases"][state->commit]["services"]["main"]["environment"]["GCP_PRIVATE_KEY"],
            "secret");
  EXPECT_EQ(Json::parse(reply.body)[kUuid]["config"]["RESIN_SUPERVISOR_POLL_INTERVAL"], "600000");
  const auto again = call("GET", target, "", "device", {{"If-None-Match", state->etag}});
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
  ASSERT_TRUE(cloud.setVariable(kUuid, "main", "GCP_PRIVATE_KEY", "new"));
  EXPECT_EQ(call("GET", target, "", "device", {{"If-None-Match", state->etag}}).status, 200);
}

TEST_F(BalenaState, IsKeptFromOthersAndGoneWithTheDevice) {
  const auto target = "/device/v3/" + std::string(kUuid) + "/state";
  EXPECT_EQ(call("GET", target, "", "admin").status, 200);
  EXPECT_EQ(call("GET", target, "", "wrong").status, 401);
  EXPECT_EQ(call("GET", "/device/v3/" + std::string(kOther) + "/state", "", "device").status, 401);
  ASSERT_TRUE(cloud.deleteDevice(kUuid));
  EXPECT_EQ(call("GET", target, "", "device").status, 304);
  EXPECT_EQ(cloud.targetState(kUuid), std::nullopt);
}

TEST_F(BalenaState, HasNoServicesWithoutARelease) {
  ASSERT_TRUE(cloud.addFleet({.slug = "acme/new", .services = {"main"}, .release = false}));
  const auto uuid = *cloud.addDevice({.fleet = "acme/new"});
  EXPECT_THAT(cloud.targetState(uuid)->services, IsEmpty());
  EXPECT_EQ(cloud.setVariable(uuid, "main", "A", "1").error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(cloud.release("acme/new"));
  EXPECT_EQ(cloud.targetState(uuid)->services.size(), 1U);
  EXPECT_TRUE(cloud.setVariable(uuid, "main", "A", "1"));
}

TEST_F(BalenaState, GetsANewServicesInstallWithTheNextRelease) {
  ASSERT_TRUE(cloud.setVariable(kUuid, "main", "A", "1"));
  ASSERT_TRUE(cloud.addService("acme/plant", "third"));
  EXPECT_EQ(installs(deviceId), 2U);
  ASSERT_TRUE(cloud.release("acme/plant"));
  EXPECT_EQ(installs(deviceId), 3U);
  EXPECT_EQ(cloud.variable(kUuid, "main", "A"), "1");
}

TEST_F(BalenaState, LosesServiceVariablesInAMoveAndNeverGetsThemBack) {
  ASSERT_TRUE(cloud.setVariable(kUuid, "main", "S", "1"));
  ASSERT_TRUE(cloud.setVariable(kUuid, "", "D", "1"));
  ASSERT_TRUE(cloud.setTag(kUuid, "k", "v"));
  ASSERT_TRUE(cloud.moveDevice(kUuid, "acme/lab"));
  EXPECT_EQ(installs(deviceId), 1U);
  EXPECT_EQ(get("device_service_environment_variable"), Json::array());
  const auto lab = idOf("application(slug='acme/lab')");
  const auto patch = call("PATCH", "device(" + std::to_string(deviceId) + ")",
                          Json{{"belongs_to__application", fleetId}}.dump());
  EXPECT_EQ(patch.status, 200);
  EXPECT_EQ(installs(deviceId), 2U);
  EXPECT_EQ(get("device_service_environment_variable"), Json::array());
  EXPECT_EQ(cloud.variable(kUuid, "", "D"), "1");
  EXPECT_EQ(get("device_tag").size(), 1U);
  EXPECT_EQ(idOf("device(uuid='" + std::string(kUuid) + "')"), deviceId);
  EXPECT_EQ(get("device/$count?$filter=belongs_to__application eq " + std::to_string(lab)), 1);
}

TEST_F(BalenaState, TakesEverythingOfADeviceWithIt) {
  ASSERT_TRUE(cloud.setVariable(kUuid, "main", "S", "1"));
  ASSERT_TRUE(cloud.setVariable(kUuid, "", "D", "1"));
  ASSERT_TRUE(cloud.setTag(kUuid, "k", "v"));
  EXPECT_EQ(call("DELETE", "device(" + std::to_string(deviceId) + ")").status, 200);
  EXPECT_FALSE(cloud.hasDevice(kUuid));
  EXPECT_EQ(installs(deviceId), 0U);
  for (const char* resource :
       {"device_environment_variable", "device_tag", "device_service_environment_variable"}) {
    EXPECT_EQ(get(resource), Json::array());
  }
  ASSERT_TRUE(cloud.deleteFleet("acme/lab"));
  EXPECT_FALSE(cloud.hasDevice(kOther));
}

TEST_F(BalenaState, CanBeLateWithInstallsOrNeverMakeThem) {
  cloud.configure({.installDelay = Duration(500)});
  const auto late = *cloud.addDevice({.fleet = "acme/plant"});
  const auto lateId = idOf("device(uuid='" + late + "')");
  EXPECT_EQ(installs(lateId), 0U);
  now += Duration(500);
  EXPECT_EQ(installs(lateId), 2U);
  cloud.configure({.installDelay = std::nullopt});
  const auto never = *cloud.addDevice({.fleet = "acme/plant"});
  now += std::chrono::hours(1);
  EXPECT_EQ(installs(idOf("device(uuid='" + never + "')")), 0U);
}

TEST_F(BalenaState, CanShowReadersWhatWasAWhileAgo) {
  cloud.configure({.staleness = Duration(1000)});
  const auto post =
      call("POST", "device_environment_variable", variable("device", deviceId, "A", "1"));
  EXPECT_EQ(post.status, 201);
  EXPECT_EQ(Json::parse(post.body)["value"], "1");
  EXPECT_EQ(get("device_environment_variable"), Json::array());
  // Writers are never stale.
  EXPECT_EQ(
      call("POST", "device_environment_variable", variable("device", deviceId, "A", "1")).status,
      409);
  EXPECT_EQ(cloud.variable(kUuid, "", "A"), "1");
  now += Duration(999);
  EXPECT_EQ(get("device_environment_variable"), Json::array());
  now += Duration(1);
  EXPECT_EQ(get("device_environment_variable").size(), 1U);
  call("DELETE", "device_environment_variable?$filter=name eq 'A'");
  EXPECT_EQ(get("device_environment_variable").size(), 1U);
  cloud.configure({});
  EXPECT_EQ(get("device_environment_variable"), Json::array());
}

TEST_F(BalenaState, ShowsWhetherADeviceIsThere) {
  EXPECT_TRUE(cloud.isConnected(kUuid));
  now += std::chrono::hours(1);
  ASSERT_TRUE(cloud.setOnline(kUuid, false));
  EXPECT_FALSE(cloud.isConnected(kUuid));
  const auto row = get("device(" + std::to_string(deviceId) +
                       ")?$select=is_online,is_connected_to_vpn,api_heartbeat_state,"
                       "last_connectivity_event,overall_status")[0];
  EXPECT_EQ(row["is_online"], false);
  EXPECT_EQ(row["api_heartbeat_state"], "offline");
  EXPECT_EQ(row["overall_status"], "disconnected");
  // Fetching its state is a sign of life of the supervisor, not of the VPN.
  ASSERT_EQ(call("GET", "/device/v3/" + std::string(kUuid) + "/state", "", "device").status, 200);
  EXPECT_EQ(get("device(" + std::to_string(deviceId) + ")")[0]["api_heartbeat_state"], "online");
  EXPECT_FALSE(cloud.isConnected(kUuid));
}

TEST_F(BalenaState, PassesSupervisorCallsOnToConnectedDevices) {
  const auto ask = [&](const std::string& uuid, const std::string& token) {
    return call("POST", "/supervisor/v1/update", Json{{"uuid", uuid}}.dump(), token);
  };
  EXPECT_EQ(ask(kUuid, "admin").status, 204);
  EXPECT_EQ(ask(kUuid, "wrong").status, 401);
  EXPECT_EQ(ask(kOther, "plant").status, 404);
  ASSERT_TRUE(cloud.setOnline(kUuid, false));
  const auto offline = ask(kUuid, "admin");
  EXPECT_EQ(offline.status, 404);
  EXPECT_EQ(offline.body, "\"No online device(s) found\"");
}

TEST_F(BalenaState, IsDumpedWithoutTokens) {
  ASSERT_TRUE(cloud.setVariable(kUuid, "main", "S", "1"));
  const Json all = Json::parse(cloud.dump());
  EXPECT_EQ(all["device"].size(), 2U);
  EXPECT_EQ(all["device_service_environment_variable"][0]["value"], "1");
  EXPECT_EQ(cloud.dump().find("admin\""), std::string::npos);
  const Json one = Json::parse(cloud.dumpDevice(kUuid));
  EXPECT_EQ(one["uuid"], kUuid);
  EXPECT_EQ(one["service_install"].size(), 2U);
  EXPECT_EQ(cloud.dumpDevice("nobody"), "");
}

TEST_F(BalenaState, RefusesAnAdministratorsMistakes) {
  EXPECT_EQ(cloud.addFleet({.slug = "acme/lab"}).error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(cloud.addFleet({.slug = "nohandle"}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(cloud.addDevice({.uuid = kUuid, .fleet = "acme/lab"}).error().code,
            ErrorCode::kAlreadyExists);
  EXPECT_EQ(cloud.addDevice({.fleet = "acme/none"}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(cloud.moveDevice(kUuid, "acme/none").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(cloud.setOnline("nobody", true).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(cloud.setVariable(kUuid, "nothing", "A", "1").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(cloud.revokeToken("nobody").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(cloud.addToken({.token = "admin"}).error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(cloud.setFieldAbsent("device.unicorn", true).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(cloud.renameFleet("acme/plant", "acme/works"));
  EXPECT_EQ(get("application(slug='acme/works')?$select=app_name")[0]["app_name"], "works");
  EXPECT_EQ(get("application(slug='acme/plant')"), Json::array());
}

}  // namespace
}  // namespace bco::sandbox::test
