#include "balena/client.h"

#include <gmock/gmock.h>

#include "tests/support/fake_clock.h"
#include "tests/support/scripted_transport.h"

namespace bco::balena {
namespace {

using http::CallClass;
using http::Method;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

const std::string kUuid = "7cf02a69e4d34c9da573914963cf54fd";
constexpr std::string_view kKey = "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t";
constexpr std::string_view kToken = "s3cretToken";

class BalenaClient : public testing::Test {
 protected:
  test::ScriptedTransport transport_;
  test::FakeClock clock_;
  SharedSecret token_ = shareSecret(SecretBytes(kToken));
  Urls urls_{"https://api.balena-cloud.com"};
  Client client_{transport_, clock_, "https://api.balena-cloud.com", [this] { return token_; }};

  void expectWhoami(int status) {
    transport_.expect(Method::kGet, urls_.whoami())
        .reply(status, status == 200 ? "{\"id\":1}" : "");
  }

  // No error ever says what must stay secret.
  static void expectSilent(const Error& error) {
    EXPECT_THAT(error.message, Not(HasSubstr(std::string(kKey))));
    EXPECT_THAT(error.message, Not(HasSubstr(std::string(kToken))));
  }
};

VariableWrite writeOf(std::string_view name, std::string_view value, bool exists) {
  return {std::string(name), SecretBytes(value), exists};
}

// ---- fleet

TEST_F(BalenaClient, ReadsAFleetWithItsServices) {
  transport_.expect(Method::kGet, urls_.fleet("acme/sensors"))
      .reply(200,
             R"({"d":[{"id":5,"slug":"acme/sensors","should_be_running__release":{"__id":9},)"
             R"("service":[{"id":77,"service_name":"relay"},{"id":78,"service_name":"main"}]}]})");
  const auto fleet = client_.getFleet("acme/sensors");
  ASSERT_TRUE(fleet) << fleet.error().message;
  EXPECT_EQ(fleet->id, 5);
  EXPECT_EQ(fleet->slug, "acme/sensors");
  EXPECT_TRUE(fleet->hasRelease);
  ASSERT_EQ(fleet->services.size(), 2U);
  EXPECT_EQ(fleet->services[0].id, 77);
  EXPECT_EQ(fleet->services[0].name, "relay");
  const auto& request = transport_.seen().front();
  EXPECT_EQ(request.kind, "balena.fleet.get");
  EXPECT_EQ(request.callClass, CallClass::kRead);
  EXPECT_EQ(request.credential, "Authorization: Bearer s3cretToken");
}

TEST_F(BalenaClient, ReadsAFleetWithoutARelease) {
  transport_.expect(Method::kGet, urls_.fleet("a/b"))
      .reply(200,
             R"({"d":[{"id":5,"slug":"a/b","should_be_running__release":null,"service":[]}]})");
  EXPECT_FALSE(client_.getFleet("a/b")->hasRelease);
}

TEST_F(BalenaClient, SaysThatAFleetIsNotThereOnlyWithATokenThatIsAccepted) {
  transport_.expect(Method::kGet, urls_.fleet("a/b")).reply(200, R"({"d":[]})");
  expectWhoami(200);
  EXPECT_EQ(client_.getFleet("a/b").error().code, ErrorCode::kNotFound);

  transport_.expect(Method::kGet, urls_.fleet("a/b")).reply(200, R"({"d":[]})");
  expectWhoami(401);
  EXPECT_EQ(client_.getFleet("a/b").error().code, ErrorCode::kUnauthenticated);
}

TEST_F(BalenaClient, RefusesAnotherFleetThanItAskedFor) {
  transport_.expect(Method::kGet, urls_.fleet("a/b"))
      .reply(200,
             R"({"d":[{"id":5,"slug":"a/c","should_be_running__release":null,"service":[]}]})");
  EXPECT_EQ(client_.getFleet("a/b").error().code, ErrorCode::kInternal);
}

// ---- one device

constexpr std::string_view kDevice =
    R"({"d":[{"id":12,"uuid":"7cf02a69e4d34c9da573914963cf54fd","device_name":"lively\u001b[2J-meadow",)"
    R"("is_online":true,"last_connectivity_event":"2026-11-23T07:00:00.250Z",)"
    R"("belongs_to__application":[{"id":5}],)"
    R"("device_environment_variable":[{"name":"GCP_PROJECT_ID","value":"p"}],)"
    R"("service_install":[{"id":55,"installs__service":[{"id":77,"service_name":"relay"}],)"
    R"("device_service_environment_variable":[{"name":"GCP_PRIVATE_KEY","value":"a\"b"}]},)"
    R"({"id":56,"installs__service":[{"id":78}],)"
    R"("device_service_environment_variable":[]}]}]})";

TEST_F(BalenaClient, ReadsADeviceWithItsVariablesAtBothLevels) {
  transport_.expect(Method::kGet, urls_.device(kUuid)).reply(200, std::string(kDevice));
  const auto device = client_.getDevice(kUuid);
  ASSERT_TRUE(device) << device.error().message;
  EXPECT_EQ(device->id, 12);
  EXPECT_EQ(device->uuid, kUuid);
  EXPECT_EQ(device->name, "lively\xef\xbf\xbd[2J-meadow") << "shown to people as it stands";
  EXPECT_EQ(device->fleetId, 5);
  EXPECT_TRUE(device->isOnline);
  EXPECT_EQ(device->lastConnectivityEvent, parseRfc3339("2026-11-23T07:00:00.250Z"));
  ASSERT_EQ(device->deviceVariables.size(), 1U);
  EXPECT_EQ(device->deviceVariables[0].name, "GCP_PROJECT_ID");
  EXPECT_EQ(device->deviceVariables[0].value.reveal(), "p");
  ASSERT_EQ(device->installs.size(), 2U);
  EXPECT_EQ(device->installs[0].id, 55);
  EXPECT_EQ(device->installs[0].serviceId, 77);
  EXPECT_EQ(device->installs[0].serviceName, "relay");
  EXPECT_EQ(device->installs[1].serviceName, "");
  ASSERT_EQ(device->installs[0].variables.size(), 1U);
  EXPECT_EQ(device->installs[0].variables[0].value.reveal(), "a\"b");
  EXPECT_TRUE(device->installs[1].variables.empty());
  EXPECT_EQ(transport_.seen().front().kind, "balena.device.get");
  EXPECT_FALSE(transport_.seen().front().mayCompress) << "the answer holds the private key";
}

TEST_F(BalenaClient, ReadsADeviceThatWasNeverOnline) {
  transport_.expect(Method::kGet, urls_.device(kUuid))
      .reply(200, R"({"d":[{"id":12,"uuid":")" + kUuid +
                      R"(","device_name":null,"is_online":null,"last_connectivity_event":null,)"
                      R"("belongs_to__application":[{"id":5}],)"
                      R"("device_environment_variable":[],"service_install":[]}]})");
  const auto device = client_.getDevice(kUuid);
  ASSERT_TRUE(device) << device.error().message;
  EXPECT_FALSE(device->isOnline);
  EXPECT_EQ(device->lastConnectivityEvent, std::nullopt);
}

TEST_F(BalenaClient, TakesAnEmptyListForNotFound) {
  transport_.expect(Method::kGet, urls_.device(kUuid)).reply(200, R"({"d":[]})");
  EXPECT_EQ(client_.getDevice(kUuid).error().code, ErrorCode::kNotFound);
}

TEST_F(BalenaClient, AsksForNoUuidThatIsNone) {
  for (const char* uuid : {"", "7cf02a6", "7CF02A69E4D34C9DA573914963CF54FD", "12"}) {
    EXPECT_EQ(client_.getDevice(uuid).error().code, ErrorCode::kInvalid) << uuid;
  }
}

TEST_F(BalenaClient, QuotesNothingOfAnAnswerItDoesNotUnderstand) {
  for (const std::string body :
       {"", "<html>", "{\"d\":", "[]", R"({"d":[{"id":"LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t"}]})",
        R"({"d":[{"id":12,"uuid":"LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t"}]})", R"({"d":7})"}) {
    transport_.expect(Method::kGet, urls_.device(kUuid)).reply(200, body);
    const auto device = client_.getDevice(kUuid);
    ASSERT_FALSE(device);
    EXPECT_EQ(device.error().code, ErrorCode::kInternal) << body;
    expectSilent(device.error());
  }
}

// ---- 401

TEST_F(BalenaClient, BelievesA401OnlyFromWhoami) {
  transport_.expect(Method::kGet, urls_.device(kUuid)).reply(401);
  expectWhoami(401);
  EXPECT_EQ(client_.getDevice(kUuid).error().code, ErrorCode::kUnauthenticated);

  transport_.expect(Method::kGet, urls_.device(kUuid)).reply(401);
  expectWhoami(200);
  EXPECT_EQ(client_.getDevice(kUuid).error().code, ErrorCode::kForbidden);
  EXPECT_EQ(transport_.seen().back().kind, "balena.whoami");

  transport_.expect(Method::kGet, urls_.device(kUuid)).reply(401);
  transport_.expect(Method::kGet, urls_.whoami())
      .fails({ErrorCode::kDeadline, "no answer", std::nullopt, false});
  EXPECT_EQ(client_.getDevice(kUuid).error().code, ErrorCode::kDeadline);

  transport_.expect(Method::kGet, urls_.device(kUuid)).reply(401);
  expectWhoami(503);
  const auto device = client_.getDevice(kUuid);
  EXPECT_EQ(device.error().code, ErrorCode::kUnavailable);
  expectSilent(device.error());
}

TEST_F(BalenaClient, AsksWhoamiOnceForAllWritesThatWereDenied) {
  const std::array writes = {writeOf(kProjectId, "p", false), writeOf(kPrivateKey, kKey, true)};
  transport_
      .expect(Method::kPost, urls_.newVariable({.serviceInstallId = 55}),
              R"({"service_install":55,"name":"GCP_PROJECT_ID","value":"p"})")
      .reply(401);
  transport_
      .expect(Method::kPatch, urls_.variable({.serviceInstallId = 55}, kPrivateKey)->text(),
              "{\"value\":\"" + std::string(kKey) + "\"}")
      .reply(401);
  expectWhoami(200);
  const auto results = client_.writeVariables({.serviceInstallId = 55}, writes);
  EXPECT_EQ(results[0].error().code, ErrorCode::kConflict) << "a POST whose parent is not there";
  EXPECT_EQ(results[1].error().code, ErrorCode::kForbidden);
}

// ---- the token

TEST_F(BalenaClient, UsesARotatedTokenAtOnce) {
  for (const char* text : {"first", "second\n"}) {
    token_ = shareSecret(SecretBytes(text));
    transport_.expect(Method::kGet, urls_.device(kUuid)).reply(200, R"({"d":[]})");
    EXPECT_FALSE(client_.getDevice(kUuid));
  }
  EXPECT_EQ(transport_.seen()[0].credential, "Authorization: Bearer first");
  EXPECT_EQ(transport_.seen()[1].credential, "Authorization: Bearer second");
}

TEST_F(BalenaClient, SendsNothingWithoutAToken) {
  for (const char* text : {"", " \n", "two\nlines", "a b"}) {
    token_ = shareSecret(SecretBytes(text));
    EXPECT_EQ(client_.getDevice(kUuid).error().code, ErrorCode::kUnauthenticated) << text;
  }
  token_ = nullptr;
  EXPECT_EQ(client_.getDevice(kUuid).error().code, ErrorCode::kUnauthenticated);
  const std::array writes = {writeOf(kPrivateKey, kKey, false)};
  EXPECT_EQ(client_.writeVariables({.deviceId = 1}, writes)[0].error().code,
            ErrorCode::kUnauthenticated);
  EXPECT_EQ(client_.deleteVariables({.deviceId = 1}, {1, 5, "projects/p"}).error().code,
            ErrorCode::kUnauthenticated);
}

// ---- writes

TEST_F(BalenaClient, WritesAllInOneBatchWithPostForAbsentAndPatchForPresent) {
  const std::array writes = {writeOf(kClientPath, "projects/p", true),
                             writeOf(kDataTopicRoot, "/devices/x", false),
                             writeOf(kPrivateKey, kKey, false)};
  const std::string created = urls_.newVariable({.deviceId = 12});
  transport_
      .expect(Method::kPatch, urls_.variable({.deviceId = 12}, kClientPath)->text(),
              R"({"value":"projects/p"})")
      .reply(200, "", {{"Content-Type", "application/json"}});
  transport_
      .expect(Method::kPost, created,
              R"({"device":12,"name":"GCP_DATA_TOPIC_ROOT","value":"/devices/x"})")
      .reply(201, R"({"id":1})");
  transport_
      .expect(Method::kPost, created,
              R"({"device":12,"name":"GCP_PRIVATE_KEY","value":")" + std::string(kKey) + "\"}")
      .reply(201, R"({"id":2})");
  for (const Status& status : client_.writeVariables({.deviceId = 12}, writes)) {
    EXPECT_TRUE(status);
  }
  EXPECT_THAT(transport_.batches(), ElementsAre(3U));
  const auto& patch = transport_.seen()[0];
  EXPECT_EQ(patch.kind, "balena.variable.update");
  EXPECT_EQ(patch.callClass, CallClass::kUpdate);
  EXPECT_THAT(patch.headers, testing::Contains(Pair("Content-Type", "application/json")));
  const auto& post = transport_.seen()[1];
  EXPECT_EQ(post.kind, "balena.variable.create");
  EXPECT_EQ(post.callClass, CallClass::kCreateDelete);
  EXPECT_EQ(post.credential, "Authorization: Bearer s3cretToken");
  for (const auto& request : transport_.seen()) {
    EXPECT_THAT(request.url, Not(HasSubstr(std::string(kKey))));
    EXPECT_THAT(request.url, Not(HasSubstr(std::string(kToken))));
  }
}

TEST_F(BalenaClient, GivesEachWriteItsOwnResult) {
  const std::array writes = {writeOf(kClientPath, "a", false), writeOf(kDataTopicRoot, "b", false),
                             writeOf(kProjectId, "c", false), writeOf(kPrivateKey, kKey, false)};
  const std::string url = urls_.newVariable({.deviceId = 12});
  const auto body = [](std::string_view name, std::string_view value) {
    return R"({"device":12,"name":")" + std::string(name) + R"(","value":")" + std::string(value) +
           "\"}";
  };
  transport_.expect(Method::kPost, url, body(kClientPath, "a")).reply(201, R"({"id":1})");
  transport_.expect(Method::kPost, url, body(kDataTopicRoot, "b"))
      .reply(409, R"("\"device\" and \"name\" must be unique.")");
  transport_.expect(Method::kPost, url, body(kProjectId, "c"))
      .reply(409, R"("Data is referenced by device.")");
  transport_.expect(Method::kPost, url, body(kPrivateKey, kKey))
      .fails({ErrorCode::kDeadline, "no answer in time", std::nullopt, true});
  const auto results = client_.writeVariables({.deviceId = 12}, writes);
  ASSERT_EQ(results.size(), 4U);
  EXPECT_TRUE(results[0]);
  EXPECT_EQ(results[1].error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(results[2].error().code, ErrorCode::kConflict);
  EXPECT_FALSE(results[2].error().outcomeUnknown);
  EXPECT_EQ(results[3].error().code, ErrorCode::kDeadline);
  EXPECT_TRUE(results[3].error().outcomeUnknown) << "kept from the transport";
  EXPECT_EQ(results[3].error().message, "writing GCP_PRIVATE_KEY: no answer in time");
}

TEST_F(BalenaClient, RefusesValuesThatBalenaWouldRefuse) {
  const std::array writes = {
      writeOf(kClientPath, "two\nlines", false), writeOf(kDataTopicRoot, "two\rlines", true),
      writeOf(kProjectId, std::string(100001, 'x'), false), writeOf("PATH", "x", true)};
  for (const Status& status : client_.writeVariables({.deviceId = 12}, writes)) {
    EXPECT_EQ(status.error().code, ErrorCode::kInvalid);
    expectSilent(status.error());
  }
  const std::array good = {writeOf(kProjectId, "p", false), writeOf(kPrivateKey, kKey, true)};
  for (const VariableParent& parent :
       {VariableParent{}, VariableParent{1, 2}, VariableParent{0, std::nullopt}}) {
    for (const Status& status : client_.writeVariables(parent, good)) {
      EXPECT_EQ(status.error().code, ErrorCode::kInvalid);
    }
  }
}

TEST_F(BalenaClient, EscapesWhatJsonWantsEscaped) {
  const std::array writes = {writeOf(kProjectId, "a\"b\\c\td\x01", true)};
  transport_
      .expect(Method::kPatch, urls_.variable({.deviceId = 12}, kProjectId)->text(),
              R"({"value":"a\"b\\c\td\u0001"})")
      .reply(200);
  EXPECT_TRUE(client_.writeVariables({.deviceId = 12}, writes)[0]);
}

TEST_F(BalenaClient, SendsWritesOnTheTermsTheyWereGiven) {
  const CallTerms terms{Lane::kSweep, SteadyPoint(std::chrono::minutes(90))};
  transport_
      .expect(Method::kPatch, urls_.variable({.deviceId = 12}, kProjectId)->text(),
              R"({"value":"p"})")
      .reply(200);
  EXPECT_TRUE(client_.writeVariables({.deviceId = 12}, std::array{writeOf(kProjectId, "p", true)},
                                     terms)[0]);
  EXPECT_EQ(transport_.seen().back().lane, Lane::kSweep);
  EXPECT_EQ(transport_.seen().back().sendBefore, terms.sendBefore);
  const DeleteGuard guard{12, 5, "path"};
  transport_.expect(Method::kDelete, urls_.guardedVariables({.deviceId = 12}, guard)->text())
      .reply(200);
  EXPECT_TRUE(client_.deleteVariables({.deviceId = 12}, guard, terms));
  EXPECT_EQ(transport_.seen().back().lane, Lane::kSweep);
  EXPECT_EQ(transport_.seen().back().sendBefore, terms.sendBefore);
}

TEST_F(BalenaClient, RemovesVariablesInOneGuardedRequest) {
  const DeleteGuard guard{12, 5, "projects/p/devices/x"};
  transport_.expect(Method::kDelete,
                    urls_.guardedVariables({.serviceInstallId = 55}, guard)->text());
  EXPECT_TRUE(client_.deleteVariables({.serviceInstallId = 55}, guard));
  EXPECT_EQ(transport_.seen()[0].kind, "balena.variable.delete");
  EXPECT_EQ(transport_.seen()[0].callClass, CallClass::kCreateDelete);
}

TEST_F(BalenaClient, RemovesNothingWithoutAGuard) {
  EXPECT_EQ(client_.deleteVariables({}, {12, 5, "p"}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(client_.deleteVariables({.deviceId = 12}, {12, 5, ""}).error().code,
            ErrorCode::kInvalid);
}

}  // namespace
}  // namespace bco::balena
