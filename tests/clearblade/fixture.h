// A ClearBlade client on a scripted transport.
#pragma once

#include <gmock/gmock.h>

#include "clearblade/client.h"
#include "tests/support/fake_clock.h"
#include "tests/support/scripted_transport.h"

namespace bco::clearblade {

inline constexpr std::string_view kAdminToken = "adm1nSecret";
inline constexpr std::string_view kToken = "reg1nSecret";
inline const std::string kExchangeUrl =
    "https://iot.clearblade.com/api/v/1/code/adminkey/getRegistryCredentials";
inline const std::string kExchangeBody =
    R"({"region":"us-central1","registry":"devices","project":"p-1"})";
inline const std::string kWebhook =
    "https://us-central1.clearblade.com/api/v/4/webhook/execute/regkey/";
inline const std::string kRegistryPath =
    "projects%2Fp-1%2Flocations%2Fus-central1%2Fregistries%2Fdevices";
inline const std::string kListMask = "&fieldMask=id%2CnumId%2Ccredentials%2Cmetadata%2Cblocked";
inline const std::string kMask = kListMask + "%2ClastEventTime%2ClastStateTime%2ClastHeartbeatTime";
inline const std::string kId = "balena-7cf02a69e4d34c9da573914963cf54fd";

inline std::string accessAnswer(std::string_view token = kToken,
                                std::string_view url = "https://us-central1.clearblade.com/") {
  return R"({"systemKey":"regkey","serviceAccountToken":")" + std::string(token) + R"(","url":")" +
         std::string(url) + "\"}";
}

inline std::string problem(int code, std::string_view status, std::string_view message = "no") {
  return R"({"error":{"code":)" + std::to_string(code) + R"(,"message":")" + std::string(message) +
         R"(","status":")" + std::string(status) + "\"}}";
}

// As ClearBlade answers: research/clearblade-api.md, section 8, point 10.
inline std::string deviceAnswer(std::string_view numId = "2912345678901234") {
  return R"({"id":")" + kId + R"(","name":")" + kId + R"(","numId":")" + std::string(numId) +
         R"(","credentials":[{"publicKey":{"format":"ES256_PEM","key":"PEM-1\n"},)"
         R"("expirationTime":""},{"publicKey":{"format":"ES256_PEM","key":"PEM-2"},)"
         R"("expirationTime":"2030-01-01T00:00:00.000000000Z"}],)"
         R"("lastHeartbeatTime":"","lastEventTime":"2026-11-23T07:00:00.25Z",)"
         R"("lastStateTime":"2026-11-22T07:00:00Z","lastErrorStatus":{"code":0,"message":""},"blocked":true,)"
         R"("config":{"version":"1","binaryData":""},"logLevel":"NONE",)"
         R"("metadata":{"bco-owner":"site-a","city":"Zürich"},)"
         R"("gatewayConfig":{"gatewayType":"NON_GATEWAY"}})";
}

class ClearBladeFixture : public testing::Test {
 protected:
  ClearBladeFixture() {
    account_.systemKey = "adminkey";
    account_.token = shareSecret(SecretBytes(kAdminToken));
    account_.url = "https://iot.clearblade.com";
    account_.project = "p-1";
  }

  void expectExchange() {
    transport_.expect(http::Method::kPost, kExchangeUrl, kExchangeBody).reply(200, accessAnswer());
  }
  // Neither token appears in any error.
  static void expectSilent(const Error& error) {
    EXPECT_THAT(error.message, testing::Not(testing::HasSubstr(std::string(kToken))));
    EXPECT_THAT(error.message, testing::Not(testing::HasSubstr(std::string(kAdminToken))));
  }

  test::ScriptedTransport transport_;
  test::FakeClock clock_;
  ServiceAccount account_;
  const RegistryName registry_{"p-1", "us-central1", "devices"};
};

}  // namespace bco::clearblade
