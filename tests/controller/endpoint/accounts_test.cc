// Look-ups at several accounts.
#include "tests/controller/endpoint/endpoint_world.h"

namespace bco::endpoint {
namespace {

// A second account, at a balena cloud of its own.
class OtherAccount : public EndpointTest {
 protected:
  OtherAccount() {
    other_->addFleet(kFleetId, "acme/sensors");
    factory_.addBalena("https://other.example", other_);
    // By its name it comes first.
    auto fleet = fleetNamed(otherKey_.name, "acme/sensors");
    fleet.spec.apiUrl = "https://other.example";
    fleet.spec.enrol = true;
    manifests_.fleets[fleet.meta.key] = fleet;
    fleetSpec().enrol = true;
    balena().addDevice(uuidOf(1), kFleetId);
    balena().addDevice(uuidOf(2), kFleetId);
  }
  const api::ObjectKey otherKey_{"default", "a-fleet"};
  const std::shared_ptr<test::FakeBalena> other_ = std::make_shared<test::FakeBalena>(clock_);
};

TEST_F(OtherAccount, ThatIsSilentKeepsNobodyWaitingWhomAnotherHas) {
  Gate gate(*other_);
  gate.close("getFleet");
  start();
  EXPECT_EQ(post(1).status, 201) << "though the other's fleet has not been looked at";
  gate.close("getDevice");
  auto unknown = send(ask("POST", 7));
  gate.untilReached();
  EXPECT_EQ(post(2).status, 201);
  EXPECT_EQ(unknown.wait_for(0s), std::future_status::timeout) << "the other may have it";
  clock_.advance(options_.deadline);
  EXPECT_EQ(await(std::move(unknown)).status, 504);
}

TEST_F(OtherAccount, ThatCannotSayMakesAMissNoMoreThanUnavailable) {
  start();
  untilLookedAt(otherKey_);
  other_->log().failNext("getDevice", {ErrorCode::kUnavailable, "S3CRET"});
  const auto missed = post(7);
  EXPECT_EQ(missed.status, 503);
  EXPECT_NE(headerOf(missed, "Retry-After"), "");
  EXPECT_EQ(post(7).status, 400) << "both have said so";
  other_->log().failNext("getDevice", {ErrorCode::kUnavailable, "S3CRET"});
  EXPECT_EQ(post(1).status, 201);
}

TEST_F(OtherAccount, ThatCannotSayOpensNoDoorToWhoTriesUuids) {
  options_.strangers = {};
  options_.allStrangers = {1, 2};
  start();
  untilLookedAt(otherKey_);
  other_->log().failAll(Error{ErrorCode::kForbidden, "for good"});
  EXPECT_EQ(post(7).status, 503);
  EXPECT_EQ(post(8).status, 503);
  forgetCalls();
  EXPECT_EQ(post(9).status, 429);
  EXPECT_EQ(balena().log().count("getDevice"), 0);
}

TEST_F(OtherAccount, HasItsOwnIdsOfFleets) {
  // Of no fleet that is configured there, though of one here.
  other_->addFleet(kOtherFleetId, "acme/others");
  other_->addDevice(uuidOf(3), kOtherFleetId);
  manifests_.fleets[{"default", "gateways"}] = [] {
    auto fleet = fleetNamed("gateways", "acme/gateways");
    fleet.spec.enrol = true;
    return fleet;
  }();
  start();
  untilLookedAt(otherKey_);
  EXPECT_EQ(post(3).status, 400);
  EXPECT_EQ(object(3), nullptr) << "what is there is no fleet of ours";
}

TEST_F(OtherAccount, ThatIsSilentKeepsNobodyWaitingForADeviceThatSomebodyElseHasAskedForMeanwhile) {
  options_.threads = 1;
  Gate silent(*other_);
  Gate gate(balena());
  start();
  untilLookedAt(otherKey_);
  silent.close("getDevice");
  gate.close("getDevice");
  auto first = send(ask("POST", 1));
  gate.untilReached();
  silent.untilReached();
  auto second = send(ask("POST", 1));  // waits for its turn, at both
  gate.open();
  EXPECT_EQ(await(std::move(first)).status, 201);
  const auto reply = await(std::move(second));
  EXPECT_TRUE(reply.status == 201 || reply.body.find(R"("code":6)") != std::string::npos)
      << reply.status << reply.body;
}

TEST_F(OtherAccount, IsNotAskedForADeviceThatAListHasShown) {
  start();
  untilLookedAt(otherKey_);
  views_.rolls().put(test::kFleetKey, {*DeviceUuid::parse(uuidOf(7))}, clock_.now());
  other_->log().failAll(Error{ErrorCode::kUnavailable, "away"});
  EXPECT_EQ(post(7).status, 400) << "it has left, says the account that had it";
  EXPECT_EQ(post(7).status, 503) << "and now any account may have it";
}

TEST_F(EndpointTest, WhereNoPassIsMadeNobodyHoldsWhatIsStoredOnADevice) {
  fleetSpec().enrol = true;
  balena().addDevice(uuidOf(1), kFleetId);
  start();
  const auto look = [this] {
    Lookup lookup(context_, engine_->fleets(), 1, 8);
    std::promise<Result<Lookup::Found>> found;
    lookup.find({uuidOf(1),
                 {},
                 clock_.steadyNow() + 1s,
                 [] { return Status(); },
                 [&](Result<Lookup::Found> answer) { found.set_value(std::move(answer)); }});
    auto answer = found.get_future().get();
    lookup.stop();
    return *answer;
  };
  EXPECT_NE(look().read, nullptr) << "for the pass";
  views_.earlyReads().want(false);  // as on a replica that does not lead
  const auto found = look();
  EXPECT_EQ(found.fleet->meta.key, test::kFleetKey);
  EXPECT_EQ(found.read, nullptr);
}

}  // namespace
}  // namespace bco::endpoint
