#include <set>

#include "core/text.h"

#include "tests/sandbox/clearblade_fixture.h"

namespace bco::sandbox {
namespace {

using crypto::PrivateKey;
using std::chrono::hours;

class ClearBladeDevices : public ClearBladeFixture {};

TEST_F(ClearBladeDevices, ExchangeRefusesAWrongTokenAnUnknownRegistryAndAForeignProject) {
  EXPECT_EQ(statusOf(exchange("wrong")), "UNAUTHENTICATED");
  EXPECT_EQ(statusOf(exchange(account_.token, "reg2")), "NOT_FOUND");
  const auto foreign =
      send("POST", "/api/v/1/code/" + account_.systemKey + "/getRegistryCredentials",
           account_.token, R"({"project":"q","region":"us-central1","registry":"reg1"})");
  EXPECT_EQ(statusOf(foreign), "PERMISSION_DENIED");
  const json body = parsed(exchange(account_.token));
  EXPECT_EQ(body.size(), 3U);
  EXPECT_EQ(body["url"], "https://regional");
}

TEST_F(ClearBladeDevices, ATokenEndsWhenItExpiresOrIsRevokedAndAnExchangeGivesAnother) {
  cloud_.configure({.tokenLifetime = hours(1)});
  cloud_.revokeRegionalTokens();
  EXPECT_EQ(call("GET", "cloudiot_devices?name=dev").status, 401);
  token_ = parsed(exchange(account_.token))["serviceAccountToken"];
  EXPECT_EQ(call("GET", "cloudiot_devices?name=dev").status, 404);
  now_ += hours(1);
  EXPECT_EQ(call("GET", "cloudiot_devices?name=dev").status, 401);
  const std::string expired = token_;
  token_ = parsed(exchange(account_.token))["serviceAccountToken"];
  EXPECT_NE(token_, expired);
  EXPECT_EQ(call("GET", "cloudiot_devices?name=dev").status, 404);
}

TEST_F(ClearBladeDevices, ATokenOpensItsOwnRegistryAlone) {
  const auto& other = cloud_.addRegistry("p", "us-central1", "reg2");
  const std::string path = "/api/v/4/webhook/execute/" + other.systemKey + "/cloudiot";
  EXPECT_EQ(send("GET", path, token_).status, 401);
  EXPECT_EQ(
      send("GET", path, parsed(exchange(account_.token, "reg2"))["serviceAccountToken"]).status,
      200);
}

TEST_F(ClearBladeDevices, PathsMayHavePrefixesAndDoubledSlashes) {
  create("dev-1");
  const auto reply =
      send("GET", "/x:443//api/v/4//webhook/execute/" + systemKey_ + "/cloudiot_devices?name=dev-1",
           token_);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(lastKind_, "clearblade.device.get");
}

TEST_F(ClearBladeDevices, CreatedOnesHaveEveryFieldInTheShapeThatAllSdksRead) {
  const auto key = PrivateKey::generate().value();
  const json device =
      create("dev-1", {{"credentials", {credential(key)}},
                       {"metadata", {{"a", "b"}}},
                       {"name", "dev-1"},
                       {"numId", "17"},
                       {"config", {{"version", ""}, {"cloudUpdateTime", nullptr}}}});
  EXPECT_TRUE(device["numId"].is_string());
  EXPECT_NE(device["numId"], "17");
  EXPECT_EQ(device["credentials"][0]["expirationTime"], "");
  EXPECT_EQ(device["credentials"][0]["publicKey"]["key"], key.publicKey().toPem());
  EXPECT_EQ(device["config"]["version"], "1");
  EXPECT_EQ(device["config"]["cloudUpdateTime"], "2023-11-14T22:13:20.000000000Z");
  EXPECT_EQ(device["lastErrorStatus"]["code"], 0);
  EXPECT_EQ(device["lastEventTime"], "");
  EXPECT_EQ(device["metadata"], json({{"a", "b"}}));
  EXPECT_EQ(device["gatewayConfig"]["gatewayType"], "NON_GATEWAY");
  EXPECT_EQ(device.size(), 17U);
}

TEST_F(ClearBladeDevices, AnIdIsTakenOnce) {
  create("dev-1");
  const auto reply = call("POST", "cloudiot_devices", {{"id", "dev-1"}});
  EXPECT_EQ(reply.status, 409);
  EXPECT_EQ(statusOf(reply), "ALREADY_EXISTS");
}

TEST_F(ClearBladeDevices, BadIdsKeysTimesAndMetadataAreRefused) {
  const auto key = PrivateKey::generate().value();
  const json one = credential(key);
  json badKey = one;
  badKey["publicKey"]["key"] = "-----BEGIN PUBLIC KEY-----\nMFkwEw\n-----END PUBLIC KEY-----\n";
  json badFormat = one;
  badFormat["publicKey"]["format"] = "UNSPECIFIED_PUBLIC_KEY_FORMAT";
  const std::vector<json> bodies = {
      {{"id", "1st"}},
      {{"id", "ab"}},
      {{"id", "google-1"}},
      {{"id", "a/b"}},
      {{"credentials", json::array()}},
      {{"id", "dev"}, {"credentials", {one, one, one, one}}},
      {{"id", "dev"}, {"credentials", {badKey}}},
      {{"id", "dev"}, {"credentials", {badFormat}}},
      {{"id", "dev"}, {"credentials", {credential(key, "tomorrow")}}},
      {{"id", "dev"}, {"metadata", {{"a/b", "c"}}}},
      {{"id", "dev"}, {"metadata", {{"a", 1}}}},
      {{"id", "dev"}, {"metadata", {{"a", std::string(32 * 1024 + 1, 'x')}}}},
      {{"id", "dev"}, {"logLevel", "LOUD"}},
  };
  for (const json& body : bodies) {
    const auto reply = call("POST", "cloudiot_devices", body);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_EQ(statusOf(reply), "INVALID_ARGUMENT") << body;
  }
  EXPECT_TRUE(registry_->devices.empty());
}

TEST_F(ClearBladeDevices, ABodyCutShortByASdkThatCountsCharactersClosesTheConnection) {
  const auto reply = send("POST", "/api/v/4/webhook/execute/" + systemKey_ + "/cloudiot_devices",
                          token_, R"({"id":"dev-1","metadata":{"city":"Z)");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(statusOf(reply), "INVALID_ARGUMENT");
  EXPECT_TRUE(reply.close);
}

TEST_F(ClearBladeDevices, AreFoundByFullPathBareIdAndNumIdEncodedOrRaw) {
  const json device = create("a+b%c~d");
  const std::string path = "projects/p/locations/us-central1/registries/reg1/devices/";
  const std::string numId = device["numId"];
  for (const std::string& name :
       {std::string("a+b%c~d"), std::string("a%2Bb%25c~d"), path + "a+b%c~d",
        std::string(
            "projects%2Fp%2Flocations%2Fus-central1%2Fregistries%2Freg1%2Fdevices%2Fa%2Bb%25c%7Ed"),
        numId, path + numId}) {
    EXPECT_EQ(get(name)["numId"], device["numId"]) << name;
  }
  EXPECT_EQ(
      call("GET",
           "cloudiot_devices?name=projects/p/locations/us-central1/registries/other/devices/" +
               numId)
          .status,
      404);
}

TEST_F(ClearBladeDevices, AFieldMaskLimitsWhatIsShown) {
  create("dev-1");
  EXPECT_EQ(get("dev-1", "&fieldMask=credentials,last_event_time").size(), 4U);
  EXPECT_EQ(get("dev-1", "&fieldMask=metadata&fieldMask=blocked%2Cid").size(), 4U);
  EXPECT_EQ(call("GET", "cloudiot_devices?name=dev-1&fieldMask=colour").status, 400);
}

TEST_F(ClearBladeDevices, PagesShowEachDeviceOnceAndTheLastHasNoToken) {
  std::set<std::string> created;
  for (int i = 0; i < 25; ++i) {
    created.insert(create("dev-" + std::to_string(i))["id"].get<std::string>());
  }
  std::set<std::string> seen;
  std::string token;
  int pages = 0;
  while (true) {
    const json page = parsed(call("GET",
                                  "cloudiot_devices?parent=projects/p/locations/us-central1/"
                                  "registries/reg1&pageSize=10&fieldMask=id" +
                                      (token.empty() ? "" : "&pageToken=" + token)));
    ++pages;
    for (const json& device : page["devices"]) EXPECT_TRUE(seen.insert(device["id"]).second);
    if (!page.contains("nextPageToken")) break;
    token = percentEncode(page["nextPageToken"].get<std::string>());
  }
  EXPECT_EQ(seen, created);
  EXPECT_EQ(pages, 3);
}

TEST_F(ClearBladeDevices, APageHasAtMost500AndWithoutASizeAHundred) {
  for (int i = 0; i < 501; ++i) create("dev-" + std::to_string(i));
  const std::string list =
      "cloudiot_devices?parent=projects%2Fp%2Flocations%2Fus-central1%2Fregistries%2Freg1";
  EXPECT_EQ(parsed(call("GET", list + "&pageSize=1000"))["devices"].size(), 500U);
  EXPECT_EQ(parsed(call("GET", list))["devices"].size(), 100U);
  EXPECT_EQ(call("GET", list + "&pageToken=nonsense").status, 400);
}

TEST_F(ClearBladeDevices, ListsCanBeLimitedToIdsAndGateways) {
  create("gw-1", {{"gatewayConfig", {{"gatewayType", "GATEWAY"}}}});
  create("dev-1");
  const json other = create("dev-2");
  EXPECT_EQ(call("POST", "cloudiot?method=bindDeviceToGateway",
                 {{"gatewayId", "gw-1"}, {"deviceId", "dev-1"}})
                .status,
            200);
  const auto ids = [&](const std::string& filter) {
    std::set<std::string> found;
    const json page = parsed(
        call("GET",
             "cloudiot_devices?parent=projects/p/locations/us-central1/registries/reg1&" + filter));
    for (const json& device : page["devices"]) found.insert(device["id"]);
    return found;
  };
  using Ids = std::set<std::string>;
  EXPECT_EQ(ids("deviceIds=dev-1&deviceNumIds=" + other["numId"].get<std::string>()),
            (Ids{"dev-1", "dev-2"}));
  EXPECT_EQ(ids("gatewayListOptions.gatewayType=GATEWAY"), Ids{"gw-1"});
  EXPECT_EQ(ids("gatewayListOptions.associationsGatewayId=gw-1"), Ids{"dev-1"});
  EXPECT_EQ(ids("gatewayListOptions.associationsDeviceId=dev-1"), Ids{"gw-1"});
  EXPECT_EQ(ids("gatewayListOptions.associationsGatewayId=nobody"), Ids{});
}

TEST_F(ClearBladeDevices, APatchReplacesWhatIsMaskedAndIgnoresTheRest) {
  const auto key = PrivateKey::generate().value();
  create("dev-1", {{"credentials", {credential(key)}}, {"metadata", {{"a", "b"}, {"c", "d"}}}});
  const auto reply = call("PATCH", "cloudiot_devices?name=dev-1&updateMask=metadata,log_level",
                          {{"metadata", {{"a", "x"}}},
                           {"logLevel", "DEBUG"},
                           {"credentials", json::array()},
                           {"blocked", true}});
  ASSERT_EQ(reply.status, 200);
  const json device = get("dev-1");
  EXPECT_EQ(device, parsed(reply));
  EXPECT_EQ(device["metadata"], json({{"a", "x"}}));
  EXPECT_EQ(device["logLevel"], "DEBUG");
  EXPECT_EQ(device["credentials"].size(), 1U);
  EXPECT_EQ(device["blocked"], false);
}

TEST_F(ClearBladeDevices, APatchClearsAMaskedFieldThatTheBodyLacks) {
  const auto key = PrivateKey::generate().value();
  create("dev-1", {{"credentials", {credential(key)}}});
  EXPECT_EQ(
      call("PATCH", "cloudiot_devices?name=dev-1&updateMask=credentials", {{"blocked", false}})
          .status,
      200);
  EXPECT_TRUE(get("dev-1")["credentials"].empty());
}

TEST_F(ClearBladeDevices, APatchNeedsAMaskOfMutableFields) {
  create("dev-1");
  for (const char* mask : {"", "&updateMask=", "&updateMask=undefined", "&updateMask=id",
                           "&updateMask=blocked,lastEventTime", "&updateMask=gatewayConfig"}) {
    const auto reply =
        call("PATCH", "cloudiot_devices?name=dev-1" + std::string(mask), {{"blocked", true}});
    EXPECT_EQ(reply.status, 400) << mask;
  }
  EXPECT_EQ(get("dev-1")["blocked"], false);
}

TEST_F(ClearBladeDevices, AreDeletedByIdOrNumIdAndNumIdsDontComeBack) {
  const std::string first = create("dev-1")["numId"];
  const auto reply = call("DELETE", "cloudiot_devices?name=dev-1");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "{}");
  const std::string second = create("dev-1")["numId"];
  EXPECT_NE(first, second);
  EXPECT_EQ(call("DELETE", "cloudiot_devices?name=" + first).status, 404);
  EXPECT_EQ(call("DELETE", "cloudiot_devices?name=" + second).status, 200);
  EXPECT_EQ(call("GET", "cloudiot_devices?name=dev-1").status, 404);
}

TEST_F(ClearBladeDevices, BoundOnesCantBeDeleted) {
  create("gw-1", {{"gatewayConfig", {{"gatewayType", "GATEWAY"}}}});
  create("dev-1");
  const json pair = {{"gatewayId", "gw-1"}, {"deviceId", "dev-1"}};
  EXPECT_EQ(call("POST", "cloudiot?method=bindDeviceToGateway", pair).body, "{}");
  const auto twice = call("POST", "cloudiot?method=bindDeviceToGateway", pair);
  EXPECT_NE(twice.body.find(" duplicates in bound_devices"), std::string::npos);
  const auto device = call("DELETE", "cloudiot_devices?name=dev-1");
  EXPECT_EQ(statusOf(device), "FAILED_PRECONDITION");
  EXPECT_NE(device.body.find(" it's associated with "), std::string::npos);
  const auto gateway = call("DELETE", "cloudiot_devices?name=gw-1");
  EXPECT_NE(gateway.body.find(" it has associated devices."), std::string::npos);
  EXPECT_EQ(call("POST", "cloudiot?method=unbindDeviceFromGateway", pair).status, 200);
  EXPECT_EQ(call("DELETE", "cloudiot_devices?name=dev-1").status, 200);
}

TEST_F(ClearBladeDevices, ConfigsHaveVersionsThatAnUpdateMayInsistOn) {
  create("dev-1");
  const std::string modify = "cloudiot_devices?name=dev-1&method=modifyCloudToDeviceConfig";
  for (const json& version : {json(1), json("2"), json(""), json(nullptr)}) {
    EXPECT_EQ(call("POST", modify, {{"binaryData", "QUJD"}, {"versionToUpdate", version}}).status,
              200)
        << version;
  }
  EXPECT_EQ(statusOf(call("POST", modify, {{"binaryData", "QUJD"}, {"versionToUpdate", 3}})),
            "ABORTED");
  EXPECT_EQ(call("POST", modify, {{"binaryData", "???"}}).status, 400);
  const json all =
      parsed(call("GET", "cloudiot_devices_configVersions?name=dev-1&numVersions=undefined"));
  EXPECT_EQ(all["deviceConfigs"].size(), 5U);
  EXPECT_EQ(all["deviceConfigs"][0]["version"], "5");
  EXPECT_EQ(parsed(call(
                "GET", "cloudiot_devices_configVersions?name=dev-1&numVersions=2"))["deviceConfigs"]
                .size(),
            2U);
}

TEST_F(ClearBladeDevices, CommandsNeedASubscribedDevice) {
  create("dev-1");
  const std::string command = "cloudiot_devices?name=dev-1&method=sendCommandToDevice";
  const json body = {{"binaryData", "aGk="}, {"subfolder", nullptr}};
  EXPECT_EQ(statusOf(call("POST", command, body)), "FAILED_PRECONDITION");
  registry_->find("dev-1")->takesCommands = true;
  EXPECT_EQ(call("POST", command, body).body, "{}");
}

TEST_F(ClearBladeDevices, ARegistryIsMadeFoundChangedAndDeleted) {
  EXPECT_EQ(admin("POST", "cloudiot?parent=projects/p/locations/us-central1",
                  {{"id", "reg2"}, {"stateNotificationConfig", {{"pubsubTopicName", ""}}}})
                .status,
            200);
  EXPECT_EQ(
      admin("POST", "cloudiot?parent=projects/p/locations/us-central1", {{"id", "reg2"}}).status,
      409);
  EXPECT_EQ(
      admin("POST", "cloudiot?parent=projects/q/locations/us-central1", {{"id", "reg2"}}).status,
      403);
  const json list = parsed(admin("GET", "cloudiot?parent=projects/p/locations/us-central1"));
  EXPECT_EQ(list["deviceRegistries"].size(), 2U);
  EXPECT_EQ(list["nextPageToken"], 0);
  const auto patched =
      call("PATCH", "cloudiot?name=reg1&updateMask=mqttConfig.mqtt_enabled_state,logLevel",
           {{"mqttConfig", {{"mqttEnabledState", "MQTT_DISABLED"}}}, {"logLevel", "INFO"}});
  EXPECT_EQ(patched.status, 200);
  EXPECT_EQ(parsed(call("GET", "cloudiot"))["mqttConfig"]["mqttEnabledState"], "MQTT_DISABLED");
  const auto deleted =
      admin("DELETE", "cloudiot?name=projects/p/locations/us-central1/registries/reg2");
  EXPECT_EQ(deleted.status, 204);
  // Node's SDK has sent a body without a length.
  EXPECT_TRUE(deleted.close);
}

}  // namespace
}  // namespace bco::sandbox
