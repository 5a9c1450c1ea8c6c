#include "core/text.h"
#include "tests/sandbox/clearblade_fixture.h"

namespace bco::sandbox {
namespace {

using crypto::PrivateKey;
using std::chrono::hours;
using std::chrono::minutes;

class ClearBladeBridge : public ClearBladeFixture {
 protected:
  server::Reply publish(const std::string& token) {
    return bridge("name=dev-1&method=publishEvent", token, {{"binaryData", toBase64("21.5")}});
  }
  std::string refusal(const json& tokenClaims, const PrivateKey& key) {
    const auto reply = publish(jwt(tokenClaims, key));
    if (reply.status == 204) return "";
    EXPECT_EQ(reply.status, 401);
    return cloud_.refusedPublishes().back().reason;
  }
  json changed(const std::string& name, const json& value) const {
    json all = claims("dev-1");
    all[name] = value;
    return all;
  }

  PrivateKey key_ = PrivateKey::generate().value();
};

TEST_F(ClearBladeBridge, AcceptsATokenOfAnyUnexpiredCredential) {
  const auto other = PrivateKey::generate().value();
  create("dev-1", {{"credentials", {credential(other), credential(key_)}}});
  EXPECT_EQ(publish(jwt(claims("dev-1"), key_)).status, 204);
  EXPECT_EQ(publish(jwt(claims("dev-1"), other)).status, 204);
  EXPECT_EQ(registry_->find("dev-1")->publishes.accepted, 2U);
  EXPECT_EQ(get("dev-1")["lastEventTime"], "2023-11-14T22:13:20.000000000Z");
}

TEST_F(ClearBladeBridge, RefusesAnotherKeyAndAnExpiredCredentialAndSaysWhich) {
  create("dev-1", {{"credentials", {credential(key_, "2023-11-14T23:13:20Z")}}});
  EXPECT_EQ(refusal(claims("dev-1"), PrivateKey::generate().value()), "signature");
  EXPECT_EQ(refusal(claims("dev-1"), key_), "");
  now_ += hours(1);
  EXPECT_EQ(refusal(claims("dev-1"), key_), "expired credential");
  const auto& counts = registry_->find("dev-1")->publishes;
  EXPECT_EQ(counts.refused.at("signature"), 1U);
  EXPECT_EQ(counts.refused.at("expired credential"), 1U);
  EXPECT_EQ(get("dev-1")["lastErrorStatus"]["code"], 16);
}

TEST_F(ClearBladeBridge, InsistsOnTheClaims) {
  create("dev-1", {{"credentials", {credential(key_)}}});
  EXPECT_EQ(refusal(changed("sk", "other"), key_), "wrong sk");
  EXPECT_EQ(refusal(changed("uid", "dev-2"), key_), "wrong uid");
  EXPECT_EQ(refusal(changed("ut", 2), key_), "wrong ut");
  EXPECT_EQ(refusal(changed("ut", "3"), key_), "wrong ut");
  EXPECT_EQ(refusal(changed("iat", nullptr), key_), "no iat or exp");
  EXPECT_EQ(refusal(changed("iat", seconds() + 601), key_), "issued in the future");
  EXPECT_EQ(refusal(changed("iat", seconds() + 599), key_), "");
  EXPECT_EQ(refusal(changed("exp", seconds() - 601), key_), "expired token");
  EXPECT_EQ(refusal(changed("exp", seconds() - 599), key_), "");
  EXPECT_EQ(refusal(changed("exp", seconds() + 24 * 3600 + 601), key_), "longer than 24 h");
  EXPECT_EQ(refusal(changed("exp", seconds() + 24 * 3600), key_), "");
  EXPECT_EQ(publish("no.token").status, 401);
  EXPECT_EQ(cloud_.refusedPublishes().back().reason, "malformed token");
}

TEST_F(ClearBladeBridge, RefusesBlockedAndUnknownDevices) {
  create("dev-1", {{"credentials", {credential(key_)}}, {"blocked", true}});
  EXPECT_EQ(publish(jwt(claims("dev-1"), key_)).status, 403);
  EXPECT_EQ(bridge("name=dev-9&method=publishEvent", jwt(claims("dev-9"), key_), {}).status, 404);
  EXPECT_EQ(cloud_.refusedPublishes().size(), 2U);
  EXPECT_EQ(cloud_.publish(*registry_, "dev-9", "x"), "not registered");
}

TEST_F(ClearBladeBridge, TakesTheRegistrysOwnTokenToo) {
  create("dev-1");
  EXPECT_EQ(publish(token_).status, 204);
}

TEST_F(ClearBladeBridge, KeepsTheLastTenStatesAndShowsThemPlainOrAsBase64) {
  create("dev-1", {{"credentials", {credential(key_)}}});
  for (int i = 0; i < 11; ++i) {
    EXPECT_EQ(bridge("name=dev-1&method=setState", jwt(claims("dev-1"), key_),
                     {{"state", {{"binaryData", toBase64("state " + std::to_string(i))}}}})
                  .status,
              204);
  }
  const json plain = parsed(call("GET", "cloudiot_devices_states?name=dev-1&numStates=undefined"));
  ASSERT_EQ(plain["deviceStates"].size(), 10U);
  EXPECT_EQ(plain["deviceStates"][0]["binaryData"], "state 10");
  EXPECT_EQ(get("dev-1", "&base64Encode=TRUE")["state"]["binaryData"], toBase64("state 10"));
}

TEST_F(ClearBladeBridge, GivesAConfigNewerThanTheOneKnown) {
  create("dev-1", {{"credentials", {credential(key_)}}});
  call("POST", "cloudiot_devices?name=dev-1&method=modifyCloudToDeviceConfig",
       {{"binaryData", "QUJD"}});
  const auto config = [&](const std::string& version) {
    return send("GET",
                "/api/v/4/webhook/execute/" + systemKey_ +
                    "/cloudiotdevice_devices?name=dev-1&localVersion=" + version,
                jwt(claims("dev-1"), key_));
  };
  EXPECT_EQ(parsed(config("0"))["binaryData"], "QUJD");
  EXPECT_FALSE(parsed(config("2")).contains("binaryData"));
  EXPECT_EQ(statusOf(config("3")), "OUT_OF_RANGE");
}

}  // namespace
}  // namespace bco::sandbox
