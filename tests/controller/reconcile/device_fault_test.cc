// A device when a call fails: an error at each, and how long it waits.
#include <gmock/gmock.h>

#include "tests/controller/reconcile/device_world.h"

namespace bco {
namespace {

using namespace std::chrono_literals;
using api::Phase;
using test::Device;
using test::idOf;
using testing::IsEmpty;

TEST_F(Device, DoesNotActOnWhatItObservedTooLongAgo) {
  addDevice(1);
  apply();
  sweep();
  registry().log().onCall([&](const std::string& call) {
    if (call == "createRegistration") clock_.advance(5min);
  });
  reconcile(1);
  EXPECT_EQ(phaseOf(1), Phase::kPending);
  EXPECT_THAT(variables(1), IsEmpty());
  registry().log().onCall({});
  converge(1);
  expectConnected(1);
}

// ---- an error at each call

struct Strike {
  const char* name;
  bool atBalena;
  const char* call;
};

class Faulty : public Device,
               public testing::WithParamInterface<std::tuple<Strike, test::Moment, ErrorCode>> {
 protected:
  void strike() {
    const auto& [at, moment, code] = GetParam();
    auto& log = at.atBalena ? balena().log() : registry().log();
    log.failNext(at.call, Error{code, "struck", std::nullopt, true}, moment);
  }
};

TEST_P(Faulty, ProvisioningConvergesToOneRegistrationWithTheStoredKey) {
  addDevice(1);
  apply();
  sweep();
  strike();
  converge(1);
  EXPECT_EQ(phaseOf(1), Phase::kReady);
  EXPECT_EQ(registry().size(), 1U);
  EXPECT_EQ(registry().at(idOf(1)).credentials.size(), 1U);
  expectConnected(1);
  forgetCalls();
  clock_.advance(10min);
  syncAll();
  reconcile(1);
  EXPECT_EQ(writes(), 0);
}

TEST_P(Faulty, RepairConverges) {
  provision();
  registry().at(idOf(1)).credentials.clear();
  variables(1) = {{"GCP_PRIVATE_KEY", "nonsense"}};
  strike();
  converge(1);
  EXPECT_EQ(phaseOf(1), Phase::kReady);
  expectConnected(1);
}

TEST_P(Faulty, RemovalConverges) {
  provision();
  deviceSpec(1).state = api::DesiredState::kAbsent;
  apply();
  strike();
  converge(1);
  EXPECT_EQ(phaseOf(1), Phase::kAbsent);
  EXPECT_EQ(registry().size(), 0U);
  EXPECT_THAT(variables(1), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    EveryCall, Faulty,
    testing::Combine(testing::Values(Strike{"GetDevice", true, "getDevice"},
                                     Strike{"GetRegistration", false, "getRegistration"},
                                     Strike{"Create", false, "createRegistration"},
                                     Strike{"Patch", false, "patchRegistration"},
                                     Strike{"DeleteRegistration", false, "deleteRegistration"},
                                     Strike{"WritePath", true, "write GCP_CLIENT_PATH"},
                                     Strike{"WriteKey", true, "write GCP_PRIVATE_KEY"},
                                     Strike{"DeleteVariables", true, "deleteVariables"}),
                     testing::Values(test::Moment::kBefore, test::Moment::kAfter),
                     testing::Values(ErrorCode::kUnavailable, ErrorCode::kDeadline,
                                     ErrorCode::kConflict, ErrorCode::kThrottled,
                                     ErrorCode::kUnauthenticated)),
    [](const auto& each) {
      return std::string(std::get<0>(each.param).name) +
             (std::get<1>(each.param) == test::Moment::kBefore ? "Before" : "After") +
             std::string(traitsOf(std::get<2>(each.param)).reason);
    });

TEST_F(Device, WaitsLongerTheMoreOftenItFails) {
  addDevice(1);
  apply();
  sweep();
  registry().log().failAll(Error{ErrorCode::kUnavailable, "down"});
  Duration longest{0};
  for (int i = 1; i <= 12; ++i) {
    const auto next = reconcile(1);
    ASSERT_TRUE(next);
    EXPECT_GE(*next, 500ms);
    EXPECT_LE(*next, std::min<Duration>(5min, 1s * (1 << (i - 1))));
    EXPECT_EQ(object(1)->status.failureCount, i);
    longest = std::max(longest, *next);
  }
  EXPECT_GT(longest, 30s);
  EXPECT_EQ(phaseOf(1), Phase::kFailed);
  EXPECT_EQ(readyOf(1).reason, "Unavailable");
  registry().log().failAll(std::nullopt);
  converge(1);
  EXPECT_EQ(object(1)->status.failureCount, 0);
}

TEST_F(Device, WaitsAsLongAsItIsAskedTo) {
  addDevice(1);
  apply();
  sweep();
  balena().log().failNext("getDevice", Error{ErrorCode::kThrottled, "slow down", 100s});
  EXPECT_GE(*reconcile(1), 100s);
}

TEST_F(Device, ThatIsReadyStaysReadyWhileItCantBeRead) {
  provision();
  balena().log().failNext("getDevice", Error{ErrorCode::kUnavailable, "down"});
  reconcile(1);
  EXPECT_EQ(phaseOf(1), Phase::kReady);
  EXPECT_EQ(object(1)->status.failureCount, 1);
}

TEST_F(Device, WaitsForItsFleet) {
  addDevice(1);
  apply();
  EXPECT_EQ(reconcile(1), std::nullopt);
  EXPECT_EQ(object(1)->status.observedGeneration, -1) << "nothing is known yet";
  EXPECT_EQ(requests(), 0);
}

TEST_F(Device, ThatFailedInAnEarlierProcessComesBackWithTheFirstSweepOfItsFleet) {
  addDevice(1);
  apply();
  api::DeviceStatus failed;
  failed.observedGeneration = object(1)->meta.generation;
  failed.phase = Phase::kFailed;
  failed.failureCount = 1;
  ASSERT_TRUE(store_.devices().setStatus(object(1)->meta.key, object(1)->meta.uid, failed));
  balena().log().failNext("getFleet", Error{ErrorCode::kUnavailable, "down"});
  sweep();
  EXPECT_EQ(takeQueued().size(), 0U);
  sweep();
  EXPECT_EQ(takeQueued().size(), 1U);
  sweep();
  EXPECT_EQ(takeQueued().size(), 0U) << "it has its own time now";
}

TEST_F(Device, WaitsForTheSweepOfAFleetThatHasChanged) {
  addDevice(1);
  apply();
  sweep();
  fleetSpec().keys.lifetime += 1h;
  apply();
  forgetCalls();
  EXPECT_EQ(reconcile(1), fleetSpec().syncInterval);
  EXPECT_EQ(requests(), 0);
  sweep();
  reconcile(1);
  expectConnected(1);
}

}  // namespace
}  // namespace bco
