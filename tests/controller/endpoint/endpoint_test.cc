// The endpoint before a running engine and two clouds in memory.
#include <gmock/gmock.h>

#include "tests/controller/endpoint/endpoint_world.h"
#include "tests/controller/endpoint/late_store.h"

namespace bco::endpoint {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST_F(EndpointTest, ProvisionsADeclaredDeviceInThreeCalls) {
  addDevice(1);
  start();
  const auto reply = post(1);
  EXPECT_EQ(reply.status, 201) << reply.body;
  EXPECT_EQ(reply.body, "device created");
  expectConnected(1);
  // The four variables are one call here.
  EXPECT_EQ(balena().log().count("getDevice"), 1);
  EXPECT_EQ(registry().log().count("createRegistration"), 1);
  EXPECT_EQ(registry().log().count("getRegistration"), 0);
}

TEST_F(EndpointTest, ALookUpCostsNoCallOfItsOwn) {
  fleetSpec().devices = api::DeviceSource::kAll;
  balena().addDevice(uuidOf(1), kFleetId);
  start();
  EXPECT_EQ(post(1).status, 201);
  expectConnected(1);
  EXPECT_EQ(balena().log().count("getDevice"), 1);
  EXPECT_TRUE(object(1)->meta.isDiscovered()) << "as its sweep would have made it";
}

TEST_F(EndpointTest, AnswersTheSameAgainWithCode6) {
  addDevice(1);
  start();
  EXPECT_EQ(post(1).status, 201);
  forgetCalls();
  for (const Duration later : {Duration(0), Duration(1min)}) {
    clock_.advance(later);
    const auto again = post(1);
    EXPECT_EQ(again.status, 409);
    EXPECT_THAT(again.body, HasSubstr(R"("code":6)"));
  }
  EXPECT_EQ(writes(), 0);
  EXPECT_EQ(balena().log().count("getDevice"), 1) << "the later one was verified";
}

TEST_F(EndpointTest, HealsADeviceThatCountsAsReady) {
  addDevice(1);
  start();
  EXPECT_EQ(post(1).status, 201);
  variables(1).erase("GCP_PRIVATE_KEY");
  clock_.advance(1min);
  EXPECT_EQ(post(1).status, 201);
  expectConnected(1);
  EXPECT_EQ(registry().size(), 1U);
}

TEST_F(EndpointTest, AfterARestartKnowsWhatIsThereAlready) {
  addDevice(1);
  start();
  EXPECT_EQ(post(1).status, 201);
  stop();
  store_.apply({});
  forgetCalls();
  start();
  EXPECT_THAT(post(1).body, HasSubstr(R"("code":6)"));
  EXPECT_EQ(writes(), 0);
}

TEST_F(EndpointTest, RemovesADeviceForGoodUntilItIsPostedAgain) {
  addDevice(1);
  start();
  EXPECT_EQ(post(1).status, 201);
  const auto gone = remove(1);
  EXPECT_EQ(gone.status, 200) << gone.body;
  EXPECT_EQ(gone.body, "device deleted");
  EXPECT_FALSE(registry().has(idOf(1)));
  EXPECT_TRUE(variables(1).empty());
  EXPECT_EQ(remove(1).status, 200) << "it was gone already";
  apply();
  EXPECT_EQ(object(1)->spec.state, api::DesiredState::kAbsent) << "also when files are read again";
  EXPECT_EQ(post(1).status, 201);
  expectConnected(1);
}

TEST_F(EndpointTest, AFileThatChangesItsMindIsHeard) {
  addDevice(1);
  start();
  EXPECT_EQ(remove(1).status, 200);
  deviceSpec(1).state = api::DesiredState::kAbsent;
  apply();
  deviceSpec(1).state = api::DesiredState::kPresent;
  apply();
  EXPECT_EQ(object(1)->spec.state, api::DesiredState::kPresent);
}

TEST_F(EndpointTest, RemovesADeviceThatNobodyDesires) {
  balena().addDevice(uuidOf(1), kFleetId);
  start();
  EXPECT_EQ(remove(1).status, 200);
  EXPECT_EQ(object(1)->spec.state, api::DesiredState::kAbsent);
  apply();
  EXPECT_NE(object(1), nullptr) << "no document names it, and none takes it away";
}

TEST_F(EndpointTest, LooksAgainBeforeADeviceCountsAsOneThatNoObjectNames) {
  addDevice(1);
  fleetSpec().enrol = true;
  start();
  EXPECT_EQ(post(1).status, 201);
  for (const std::string method : {"POST", "DELETE"}) {
    test::LateStore late(store_);
    const Context context{late, views_, tally_, clock_, random_, log_, events_, context_.backoff};
    endpoint_.reset();
    endpoint_ = std::make_unique<Endpoint>(context, engine_->fleets(), options_,
                                           [this] { return notReady_; });
    endpoint_->setTokens(*parseTokens(SecretBytes(kToken)));
    const auto reply = method == "POST" ? post(1) : remove(1);
    EXPECT_EQ(reply.status, method == "POST" ? 409 : 200) << reply.body;
    EXPECT_THAT(reply.body, HasSubstr(method == "POST" ? R"("code":6)" : "deleted"));
    EXPECT_EQ(store_.devicesByUuid(uuidOf(1)).size(), 1U) << "a second one would be a conflict";
    endpoint_.reset();
  }
}

TEST_F(EndpointTest, EnrolsADeviceOfAFleetThatLetsIt) {
  balena().addDevice(uuidOf(1), kFleetId);
  start();
  EXPECT_EQ(post(1).status, 400);
  EXPECT_EQ(object(1), nullptr);
  fleetSpec().enrol = true;
  apply();
  untilLookedAt();
  EXPECT_EQ(post(1).status, 201);
  expectConnected(1);
  apply();
  EXPECT_NE(object(1), nullptr);
}

TEST_F(EndpointTest, SaysTheSameOfEveryDeviceItMayNotProvision) {
  balena().addDevice(uuidOf(1), kFleetId);
  balena().addDevice(uuidOf(2), kOtherFleetId);
  declare(4);  // and balena does not know it
  start();
  const auto undesired = post(1);
  EXPECT_EQ(undesired.status, 400);
  for (const int n : {2, 3, 4}) {
    const auto reply = post(n);
    EXPECT_EQ(reply.status, 400) << n;
    EXPECT_EQ(reply.body, undesired.body) << n;
  }
  EXPECT_EQ(writes(), 0);
}

TEST_F(EndpointTest, RefusesAnotherServiceThanTheFleets) {
  addDevice(1);
  start();
  EXPECT_EQ(post(1, R"(,"balena_service":"main")").status, 400);
  EXPECT_EQ(writes(), 0);
  EXPECT_EQ(post(1, R"(,"balena_service":"undefined")").status, 201);
}

TEST_F(EndpointTest, TenCallersAtOnceCauseOneProvisioning) {
  addDevice(1);
  start();
  std::vector<std::future<server::Reply>> replies;
  replies.reserve(10);
  for (int i = 0; i < 10; ++i) replies.push_back(send(ask("POST", 1)));
  for (auto& each : replies) {
    const auto reply = await(std::move(each));
    EXPECT_TRUE(reply.status == 201 || reply.body.find(R"("code":6)") != std::string::npos)
        << reply.body;
  }
  EXPECT_EQ(registry().log().count("createRegistration"), 1);
  expectConnected(1);
}

TEST_F(EndpointTest, TenCallersAtOnceForADeviceThatMustBeLookedUpCauseOneProvisioning) {
  fleetSpec().enrol = true;
  balena().addDevice(uuidOf(1), kFleetId);
  start();
  std::vector<std::future<server::Reply>> replies;
  replies.reserve(10);
  for (int i = 0; i < 10; ++i) replies.push_back(send(ask("POST", 1)));
  for (auto& each : replies) {
    const auto reply = await(std::move(each));
    EXPECT_TRUE(reply.status == 201 || reply.body.find(R"("code":6)") != std::string::npos)
        << reply.body;
  }
  EXPECT_EQ(registry().log().count("createRegistration"), 1);
  expectConnected(1);
}

TEST_F(EndpointTest, SaysWhenACloudIsAwayAndThePlainRetrySucceeds) {
  addDevice(1);
  start();
  registry().log().failNext("createRegistration", {ErrorCode::kUnavailable, "S3CRET"});
  const auto failed = post(1);
  EXPECT_EQ(failed.status, 503);
  EXPECT_NE(headerOf(failed, "Retry-After"), "");
  EXPECT_THAT(failed.body, Not(HasSubstr("S3CRET")));
  EXPECT_EQ(post(1).status, 201);
  expectConnected(1);
}

TEST_F(EndpointTest, SaysWhenACloudThrottles) {
  addDevice(1);
  start();
  balena().log().failNext("getDevice", {ErrorCode::kThrottled, "slow down", 7s});
  const auto throttled = post(1);
  EXPECT_EQ(throttled.status, 429);
  EXPECT_NE(headerOf(throttled, "Retry-After"), "");
}

TEST_F(EndpointTest, SaysWhenTheLookUpFails) {
  fleetSpec().enrol = true;
  balena().addDevice(uuidOf(1), kFleetId);
  start();
  balena().log().failNext("getDevice", {ErrorCode::kUnavailable, "S3CRET"});
  const auto failed = post(1);
  EXPECT_EQ(failed.status, 503);
  EXPECT_THAT(failed.body, Not(HasSubstr("S3CRET")));
  EXPECT_EQ(post(1).status, 201);
}

TEST_F(EndpointTest, ACreateThatFindsARegistrationGoesOnWithIt) {
  addDevice(1);
  start();
  // The reply is lost, and the next process knows nothing of it.
  registry().log().failNext("createRegistration", {ErrorCode::kUnavailable, "reset"},
                            test::Moment::kAfter);
  EXPECT_EQ(post(1).status, 503);
  stop();
  store_.apply({});
  start();
  EXPECT_EQ(post(1).status, 201);
  EXPECT_EQ(registry().size(), 1U);
  expectConnected(1);
}

TEST_F(EndpointTest, TellsAnInterruptedCallerAtTheDeadlineAndGoesOn) {
  addDevice(1);
  start();
  std::promise<void> held;
  std::promise<void> release;
  balena().log().onCall([&, first = true](const std::string& call) mutable {
    if (call != "getDevice" || !std::exchange(first, false)) return;
    held.set_value();
    release.get_future().wait();
  });
  auto reply = send(ask("POST", 1));
  held.get_future().wait();
  clock_.advance(options_.deadline);
  const auto late = await(std::move(reply));
  EXPECT_EQ(late.status, 504);
  release.set_value();
  const auto next = post(1);
  EXPECT_TRUE(next.status == 201 || next.status == 409) << next.body;
  expectConnected(1);
}

TEST_F(EndpointTest, TellsACallerAtTheDeadlineThatTheLookUpTakesLongAndGoesOn) {
  fleetSpec().enrol = true;
  balena().addDevice(uuidOf(1), kFleetId);
  Gate gate(balena());
  start();
  gate.close("getDevice");
  auto reply = send(ask("POST", 1));
  gate.untilReached();
  clock_.advance(options_.deadline);
  const auto late = await(std::move(reply));
  EXPECT_EQ(late.status, 504);
  EXPECT_NE(headerOf(late, "Retry-After"), "");
  gate.open();
  const auto next = post(1);
  EXPECT_TRUE(next.status == 201 || next.status == 409) << next.body;
  expectConnected(1);
}

TEST_F(EndpointTest, DoesNotKnowADeviceOfAFleetThatCouldNotBeLookedAt) {
  fleetSpec().enrol = true;
  balena().addDevice(uuidOf(1), kFleetId);
  balena().log().failNext("getFleet", {ErrorCode::kUnavailable, "S3CRET"});
  start();
  const auto failed = post(1);
  EXPECT_EQ(failed.status, 503) << failed.body;
  EXPECT_NE(headerOf(failed, "Retry-After"), "");
  EXPECT_EQ(post(7).status, 400) << "balena has no such device";
}

TEST_F(EndpointTest, ChecksTokens) {
  addDevice(1);
  options_.authenticatePosts = true;
  start();
  for (const std::string method : {"POST", "DELETE"}) {
    EXPECT_EQ(await(send(ask(method, 1))).status, 401) << method;
    auto wrong = ask(method, 1);
    wrong.headers.emplace_back("authorization", kBearer + "0");
    const auto reply = await(send(wrong));
    EXPECT_EQ(reply.status, 401) << method;
    EXPECT_EQ(headerOf(reply, "WWW-Authenticate"), "Bearer");
  }
  EXPECT_EQ(requests() - balena().log().count("getFleet") - registry().log().count("getRegistry"),
            0);
  auto right = ask("POST", 1);
  right.headers.emplace_back("authorization", kBearer);
  EXPECT_EQ(await(send(right)).status, 201);
}

TEST_F(EndpointTest, NeedsATokenToRemoveThoughNoneToProvision) {
  addDevice(1);
  start();
  EXPECT_EQ(post(1).status, 201);
  EXPECT_EQ(await(send(ask("DELETE", 1))).status, 401);
  expectConnected(1);
}

TEST_F(EndpointTest, KnowsItsMethodsAndDescribesItself) {
  start();
  for (const char* method : {"GET", "PUT", "PATCH", "OPTIONS", "HEAD", "TRACE", "BREW"}) {
    const auto reply = await(send({.method = method, .target = "/"}));
    EXPECT_EQ(reply.status, 405) << method;
    EXPECT_EQ(headerOf(reply, "Allow"), "POST, DELETE") << method;
  }
  EXPECT_EQ(await(send({.method = "POST", .target = "/"})).status, 400);
  const auto described = await(send({.method = "GET", .target = "/openapi.json?x"}));
  EXPECT_EQ(described.status, 200);
  EXPECT_THAT(described.body, HasSubstr(R"("openapi": "3.1.0")"));
}

TEST_F(EndpointTest, LimitsAddressesDevicesAndAll) {
  addDevice(1);
  addDevice(2);
  options_.perDevice = {0.1, 2};
  options_.perAddress = {0.1, 3};
  options_.total = {0.1, 5};
  start();
  const auto statusFrom = [&](int n, const char* peer) {
    auto request = ask("POST", n);
    request.peer = peer;
    return await(send(std::move(request)));
  };
  EXPECT_EQ(statusFrom(1, "192.0.2.1").status, 201);
  EXPECT_EQ(statusFrom(1, "192.0.2.2").status, 409);
  EXPECT_EQ(statusFrom(1, "192.0.2.3").status, 429) << "the device's";
  EXPECT_EQ(statusFrom(2, "192.0.2.1").status, 201);
  EXPECT_EQ(statusFrom(2, "192.0.2.1").status, 409);
  EXPECT_EQ(statusFrom(2, "192.0.2.1").status, 429) << "the address's";
  const auto all = statusFrom(2, "192.0.2.9");
  EXPECT_EQ(all.status, 429) << "everybody's";
  EXPECT_NE(headerOf(all, "Retry-After"), "");
  clock_.advance(1min);
  EXPECT_EQ(statusFrom(2, "192.0.2.9").status, 409);
}

TEST_F(EndpointTest, ServesNobodyBeforeItIsReadyNorAfterItsEnd) {
  addDevice(1);
  notReady_ = "not yet";
  start();
  EXPECT_EQ(post(1).status, 503);
  notReady_.clear();
  endpoint_->drain(clock_.steadyNow());
  EXPECT_EQ(post(1).status, 503);
  EXPECT_EQ(writes(), 0);
}

TEST_F(EndpointTest, CountsAndLogsWhatItAnswers) {
  addDevice(1);
  start();
  (void)post(1);
  (void)post(1);
  (void)post(2);
  const auto refusal = endpoint_->refuse(431, "192.0.2.1");
  EXPECT_EQ(refusal.status, 431);
  EXPECT_THAT(refusal.body, HasSubstr(R"("message":"the head is too long")"));
  std::map<std::string, std::uint64_t> counts;
  const auto counters = endpoint_->counting()->snapshot();
  for (const auto& row : counters.rows) counts[std::string(row.outcome)] = row.requests;
  EXPECT_EQ(counts.at("created"), 1U);
  EXPECT_EQ(counts.at("already_provisioned"), 1U);
  EXPECT_EQ(counts.at("unknown_device"), 1U);
  EXPECT_EQ(counts.at("unauthenticated"), 0U);
  EXPECT_EQ(counters.malformed, 1U);
  EXPECT_EQ(counters.waiting, 0U);
  stop();
  EXPECT_THAT(logged_.str(), HasSubstr("method=POST peer=192.0.2.1 uuid=" + uuidOf(1) +
                                       " status=201 outcome=created"));
}

TEST_F(EndpointTest, WorksBesideSweepsToo) {
  fleetSpec().devices = api::DeviceSource::kAll;
  balena().addDevice(uuidOf(1), kFleetId);
  start(true);
  const auto reply = post(1);
  EXPECT_TRUE(reply.status == 201 || reply.status == 409) << reply.body;
  expectConnected(1);
  EXPECT_EQ(remove(1).status, 200);
  EXPECT_FALSE(registry().has(idOf(1)));
}

}  // namespace
}  // namespace bco::endpoint
