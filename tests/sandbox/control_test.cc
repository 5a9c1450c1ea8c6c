#include "tests/sandbox/sandbox_fixture.h"

namespace bco::sandbox {
namespace {

class SandboxControl : public SandboxFixture {
 protected:
  int status(const std::string& method, const std::string& path, const json& body = {}) {
    return send(method, "/_sandbox/" + path, body).status;
  }
};

TEST_F(SandboxControl, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(status("GET", "nonsense"), 404);
  EXPECT_EQ(status("GET", "devices/nobody"), 404);
  EXPECT_EQ(status("PATCH", "devices/nobody", {{"online", true}}), 404);
  EXPECT_EQ(status("DELETE", "traffic"), 400);
  EXPECT_EQ(status("POST", "fleets", {{"services", {"main"}}}), 400);
  EXPECT_EQ(status("POST", "fleets", {{"slug", "acme/sensors"}}), 409);
  EXPECT_EQ(status("POST", "faults", {{"type", "earthquake"}}), 400);
  EXPECT_EQ(status("POST", "faults", {{"type", "status"}, {"status", "teapot"}}), 400);
  EXPECT_EQ(status("DELETE", "faults/17"), 404);
  EXPECT_EQ(status("POST", "holds/17/release"), 404);
  EXPECT_EQ(status("POST", "clock/advance", {{"duration", "soon"}}), 400);
  EXPECT_EQ(status("PATCH", "settings", {{"devices", {{"publishInterval", "0s"}}}}), 400);
}

TEST_F(SandboxControl, AddsMovesAndDeletesDevices) {
  control("POST", "fleets", {{"slug", "acme/pumps"}, {"services", {"relay", "other"}}});
  const json added = control("POST", "devices", {{"fleet", "acme/pumps"}, {"count", 3}});
  EXPECT_EQ(added["uuids"].size(), 3U);
  const std::string uuid(32, 'a');
  control("POST", "devices",
          {{"fleet", "acme/pumps"}, {"uuid", uuid}, {"tags", {{"site", "north"}}}});
  control("PATCH", "devices/" + uuid, {{"fleet", "acme/sensors"}, {"tags", {{"site", nullptr}}}});
  const json moved = json::parse(
      balena("GET", "device(uuid='" + uuid +
                        "')?$select=id&$expand=device_tag,belongs_to__application($select=slug)")
          .body)["d"][0];
  EXPECT_EQ(moved["belongs_to__application"][0]["slug"], "acme/sensors");
  EXPECT_TRUE(moved["device_tag"].empty());
  advance("10s");
  EXPECT_EQ(control("GET", "summary")["devices"], 5);
  EXPECT_EQ(control("GET", "summary")["starts"], 1 + 3 * 2 + 1);
  control("DELETE", "devices/" + uuid);
  EXPECT_EQ(control("GET", "devices?fleet=acme/sensors")["devices"].size(), 1U);
}

TEST_F(SandboxControl, EditsVariablesBehindEverybodysBack) {
  const std::string path = "devices/" + uuid_ + "/variables/COLOUR";
  control("PUT", path + "?service=relay", {{"value", "red"}});
  EXPECT_EQ(control("GET", path + "?service=relay")["value"], "red");
  control("DELETE", path + "?service=relay");
  EXPECT_EQ(control("GET", path + "?service=relay")["value"], "");
  EXPECT_EQ(status("PUT", path + "?service=unknown", {{"value", "red"}}), 404);
}

TEST_F(SandboxControl, MakesExpiresAndRevokesTokens) {
  const auto works = [&](const std::string& token) {
    return send("GET", "/actor/v1/whoami", {}, {{"Authorization", "Bearer " + token}}).status;
  };
  const std::string token =
      control("POST", "tokens", {{"name", "second"}, {"fleets", {"acme/sensors"}}})["token"];
  EXPECT_EQ(works(token), 200);
  control("PATCH", "tokens/" + token, {{"expires", "2020-01-01T00:00:00Z"}});
  EXPECT_EQ(works(token), 401);
  control("DELETE", "tokens/" + built_.tokens.front());
  EXPECT_EQ(works(built_.tokens.front()), 401);
}

TEST_F(SandboxControl, RenewsAndRemovesServiceAccountsAndEndsTheTokensTheyGot) {
  const json account = control("POST", "service-accounts", {{"project", "my-project"}});
  const std::string systemKey = account["systemKey"];
  const auto exchange = [&](const std::string& token) {
    return send("POST", "/api/v/1/code/" + systemKey + "/getRegistryCredentials",
                {{"project", "my-project"}, {"region", "us-central1"}, {"registry", "devices"}},
                {{"ClearBlade-UserToken", token}})
        .status;
  };
  EXPECT_EQ(exchange(account["token"]), 200);
  EXPECT_EQ(control("DELETE", "exchanged-tokens")["revoked"], 1);
  const std::string renewed = control("POST", "service-accounts/" + systemKey + "/renew")["token"];
  EXPECT_EQ(exchange(account["token"]), 401);
  EXPECT_EQ(exchange(renewed), 200);
  control("DELETE", "service-accounts/" + systemKey);
  EXPECT_EQ(exchange(renewed), 401);
}

TEST_F(SandboxControl, ChangesRegistrationsInAnyRegistry) {
  const std::string path = control(
      "POST", "registries",
      {{"project", "my-project"}, {"region", "europe-west1"}, {"registry", "second"}})["path"];
  const std::string query = "?registry=" + path;
  control("POST", "registrations" + query, {{"id", "dev-1"}, {"metadata", {{"a", "b"}}}});
  EXPECT_EQ(status("GET", "registrations/dev-1"), 404);
  const json changed = control("PATCH", "registrations/dev-1" + query, {{"blocked", true}});
  EXPECT_EQ(changed["blocked"], true);
  EXPECT_EQ(changed["metadata"], json({{"a", "b"}}));
  EXPECT_EQ(status("PATCH", "registrations/dev-1" + query, {{"numId", "1"}}), 400);
  control("DELETE", "registrations/dev-1" + query);
  EXPECT_EQ(status("GET", "registrations/dev-1" + query), 404);
  control("DELETE", "registries/" + path);
  EXPECT_EQ(control("GET", "registries")["registries"].size(), 1U);
}

TEST_F(SandboxControl, SettingsChangeWhatTheyNameAndNothingElse) {
  const json before = control("GET", "settings");
  control("PATCH", "settings",
          {{"balena", {{"installDelay", nullptr}}}, {"clearblade", {{"tokenLifetime", "1h"}}}});
  json expected = before;
  expected["balena"]["installDelay"] = nullptr;
  expected["clearblade"]["tokenLifetime"] = "1h";
  EXPECT_EQ(control("GET", "settings"), expected);
}

TEST_F(SandboxControl, NumbersThatAreNoCountsAreRefused) {
  for (const json& bad : {json(-1), json(1e99), json(1.5), json("2"), json(99999999999)}) {
    EXPECT_EQ(status("POST", "devices", {{"fleet", "acme/sensors"}, {"count", bad}}), 400) << bad;
  }
  for (const json& bad : {json(-1), json(1e99)}) {
    EXPECT_EQ(status("POST", "holds", {{"kind", "balena.whoami"}, {"number", bad}}), 400) << bad;
    for (const char* key : {"count", "skip", "status"}) {
      EXPECT_EQ(status("POST", "faults", {{"type", "hang"}, {key, bad}}), 400) << key << bad;
    }
    EXPECT_EQ(status("POST", "faults/seed", {{"seed", bad}}), 400) << bad;
  }
}

TEST_F(SandboxControl, SettingsThatAreUnknownAreRefused) {
  EXPECT_EQ(status("PATCH", "settings", {{"colour", "red"}}), 400);
  EXPECT_EQ(status("PATCH", "settings", {{"balena", {{"instalDelay", "1s"}}}}), 400);
}

TEST_F(SandboxControl, TheDumpHoldsBothCloudsAndNoToken) {
  const auto key = crypto::PrivateKey::generate().value();
  registerDevice(key);
  setVariables(key);
  const server::Reply reply = send("GET", "/_sandbox/dump");
  const json dump = json::parse(reply.body);
  EXPECT_EQ(dump["balena"]["device"].size(), 1U);
  EXPECT_EQ(dump["registries"][0]["registrations"][0]["id"], "balena-" + uuid_);
  EXPECT_EQ(reply.body.find(built_.tokens.front()), std::string::npos);
  EXPECT_EQ(reply.body.find(built_.serviceAccounts.front().token), std::string::npos);
}

TEST_F(SandboxControl, AnAbsentFieldGivesAnEmpty500UntilItIsBack) {
  control("PUT", "absent-fields/device_tag.modified_at");
  EXPECT_EQ(balena("GET", "device_tag?$select=modified_at").status, 500);
  control("DELETE", "absent-fields/device_tag.modified_at");
  EXPECT_EQ(balena("GET", "device_tag?$select=modified_at").status, 200);
}

}  // namespace
}  // namespace bco::sandbox
