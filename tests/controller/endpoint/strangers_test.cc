// Callers who try UUIDs, beside those whose devices are ours.
#include <gmock/gmock.h>

#include "tests/controller/endpoint/endpoint_world.h"

namespace bco::endpoint {
namespace {

TEST_F(EndpointTest, LetsNobodyTryUuidsAtOthersExpense) {
  fleetSpec().enrol = true;
  options_.strangers = {1, 2};
  balena().addDevice(uuidOf(1), kFleetId);
  addDevice(2);
  start();
  EXPECT_EQ(post(7).status, 400);
  EXPECT_EQ(post(8).status, 400);
  forgetCalls();
  EXPECT_EQ(post(9).status, 429);
  EXPECT_EQ(balena().log().count("getDevice"), 0);
  EXPECT_EQ(post(2).status, 201) << "it is known";
  auto other = ask("POST", 1);
  other.peer = "192.0.2.2";
  EXPECT_EQ(await(send(std::move(other))).status, 201) << "somebody else";
  clock_.advance(1s);
  EXPECT_EQ(post(9).status, 400);
}

TEST_F(EndpointTest, LetsNotAllTogetherTryUuidsAtOthersExpense) {
  fleetSpec().enrol = true;
  options_.perAddress = {};
  options_.strangers = {};  // as behind a proxy
  options_.allStrangers = {1, 2};
  balena().addDevice(uuidOf(1), kFleetId);
  addDevice(2);
  start();
  EXPECT_EQ(post(7).status, 400);
  EXPECT_EQ(balena().log().termsOf("getDevice").lane, Lane::kSweep) << "after all passes";
  EXPECT_EQ(post(8).status, 400);
  forgetCalls();
  const auto limited = post(9);
  EXPECT_EQ(limited.status, 429);
  EXPECT_EQ(headerOf(limited, "Retry-After"), "1");
  EXPECT_EQ(balena().log().count("getDevice"), 0);
  EXPECT_EQ(post(2).status, 201) << "it is known";
  auto trusted = ask("POST", 1);
  trusted.headers.emplace_back("Authorization", kBearer);
  EXPECT_EQ(await(send(std::move(trusted))).status, 201) << "no stranger";
  clock_.advance(1s);
  EXPECT_EQ(post(9).status, 400);
}

// Somebody tries UUIDs, and has used up what strangers may.
class Besieged : public EndpointTest {
 protected:
  Besieged() {
    options_.strangers = {};  // as behind a proxy
    options_.allStrangers = {1e-6, 2};
    balena().addDevice(uuidOf(1), kFleetId);
    balena().addDevice(uuidOf(2), kFleetId);
  }
  void besiege() {
    EXPECT_EQ(post(7).status, 400);
    EXPECT_EQ(post(8).status, 400);
    forgetCalls();
    EXPECT_EQ(post(9).status, 429);
  }
  bool isListed(int n) { return !views_.rolls().fleetsOf(uuidOf(n)).empty(); }
  void untilListed(int n) {
    while (!isListed(n)) std::this_thread::yield();
  }
  // No list is begun while another is under way: tries until then.
  void untilListedAnew(int n) {
    while (!isListed(n)) {
      clock_.advance(Lookup::kListsLast);
      EXPECT_EQ(post(9).status, 429);
    }
  }
};

TEST_F(Besieged, ADeviceOfTheFleetIsServedByItsList) {
  for (const bool enrols : {false, true}) {
    const int n = enrols ? 2 : 1;
    fleetSpec().enrol = enrols;
    fleetSpec().devices = enrols ? api::DeviceSource::kDeclared : api::DeviceSource::kAll;
    start();
    besiege();
    untilListed(n);
    EXPECT_EQ(post(9).status, 429) << "no device of ours";
    EXPECT_EQ(post(n).status, 201) << "no stranger";
    expectConnected(n);
    EXPECT_EQ(balena().log().count("getDevice"), 1) << "what is looked up is the pass's first read";
    EXPECT_EQ(balena().log().count("listFleet"), 1);
    stop();
  }
}

TEST_F(Besieged, ADeviceThatJoinsIsOnTheListAMinuteLaterWhichIsRenewedNoMoreOften) {
  fleetSpec().enrol = true;
  start();
  besiege();
  untilListed(1);
  balena().addDevice(uuidOf(3), kFleetId);
  clock_.advance(Lookup::kListsLast - 1ms);
  EXPECT_EQ(post(3).status, 429);
  EXPECT_EQ(balena().log().count("listFleet"), 1);
  untilListedAnew(3);
  EXPECT_EQ(post(3).status, 201);
}

TEST_F(Besieged, ADeviceThatHasLeftIsAStrangerAgain) {
  fleetSpec().enrol = true;
  start();
  besiege();
  untilListed(1);
  balena().removeDevice(uuidOf(1));
  EXPECT_EQ(post(1).status, 400);
  EXPECT_EQ(post(1).status, 429);
  EXPECT_EQ(balena().log().count("getDevice"), 1);
}

TEST_F(Besieged, ADeviceThatNobodyDesiresIsAnsweredAsAnUnknownOne) {
  start();
  besiege();
  views_.rolls().put(test::kFleetKey, {*DeviceUuid::parse(uuidOf(1))}, clock_.now());
  EXPECT_EQ(post(1).body, post(9).body);
  EXPECT_EQ(post(1).status, 429);
  EXPECT_EQ(balena().log().count("listFleet"), 0) << "nobody could be taken in by it";
}

TEST_F(Besieged, AListThatFailsIsNoAnswer) {
  fleetSpec().enrol = true;
  start();
  balena().log().failNext("listFleet", {ErrorCode::kUnavailable, "S3CRET"});
  besiege();
  EXPECT_EQ(post(1).status, 429);
  untilListedAnew(1);
  EXPECT_EQ(post(1).status, 201);
}

TEST_F(Besieged, ASweepsListWillDo) {
  fleetSpec().enrol = true;
  start(true);
  untilListed(1);
  EXPECT_EQ(post(7).status, 400);
  EXPECT_EQ(post(8).status, 400);
  EXPECT_EQ(post(1).status, 201) << "before anybody has been turned away";
}

TEST_F(EndpointTest, NobodyKeepsAnOwnerFromRemovingADevice) {
  addDevice(1);
  options_.perAddress = {0.1, 3};
  options_.perDevice = {0.1, 2};
  options_.total = {0.1, 3};
  start();
  EXPECT_EQ(post(1).status, 201);
  EXPECT_EQ(post(1).status, 409);
  EXPECT_EQ(post(1).status, 429) << "the device's limit";
  EXPECT_EQ(post(1).status, 429) << "the address's, and everybody's";
  EXPECT_EQ(remove(1).status, 200);
  EXPECT_EQ(remove(1).status, 200);
  EXPECT_EQ(remove(1).status, 429) << "his own";
}

}  // namespace
}  // namespace bco::endpoint
