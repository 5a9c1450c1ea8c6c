// On what terms a pass makes its calls: until when its writes may be sent, and whose turn they
// take.
#include "plan/key_schedule.h"
#include "reconcile/apply.h"
#include "tests/controller/reconcile/world.h"

namespace bco {
namespace {

using namespace std::chrono_literals;
using test::uuidOf;

class Terms : public test::World {
 protected:
  Terms() {
    // Every call takes a minute.
    balena().log().onCall([this](const std::string&) { clock_.advance(1min); });
    registry().log().onCall([this](const std::string&) { clock_.advance(1min); });
  }
  SteadyPoint sendBefore(test::CallLog& log, const std::string& call) {
    const auto terms = log.termsOf(call);
    EXPECT_TRUE(terms.sendBefore) << call;
    return terms.sendBefore.value_or(SteadyPoint());
  }
};

TEST_F(Terms, WritesAreNotSentLaterThanTheirObservationLasts) {
  addDevice(1);
  apply();
  sweep();
  SteadyPoint firstRead = clock_.steadyNow();
  reconcile(1);
  const SteadyPoint latest = firstRead + kObservationLifetime;
  EXPECT_EQ(sendBefore(registry().log(), "createRegistration"), latest);
  EXPECT_EQ(sendBefore(balena().log(), "write GCP_PRIVATE_KEY"), latest);
  EXPECT_EQ(sendBefore(balena().log(), "write GCP_CLIENT_PATH"), latest);
}

TEST_F(Terms, SoAreThoseOfARotationAndOfARemoval) {
  addDevice(1);
  apply();
  syncAll();
  converge(1);
  clock_.advance(24h * 80);
  SteadyPoint firstRead = clock_.steadyNow();
  reconcile(1);
  EXPECT_EQ(sendBefore(registry().log(), "patchRegistration"), firstRead + kObservationLifetime);

  deviceSpec(1).state = api::DesiredState::kAbsent;
  apply();
  sweep();
  firstRead = clock_.steadyNow();
  reconcile(1);
  EXPECT_EQ(sendBefore(registry().log(), "deleteRegistration"), firstRead + kObservationLifetime);
  EXPECT_EQ(sendBefore(balena().log(), "deleteVariables"), firstRead + kObservationLifetime);
}

TEST_F(Terms, CallsTakeTheTurnOfTheLaneInWhichTheirDeviceCame) {
  addDevice(1);
  apply();
  sweep();
  for (const Lane came : {Lane::kSweep, Lane::kFresh}) {
    registry().remove(test::idOf(1));
    clock_.advance(1h);
    sweep();
    Lane lane = came;
    ASSERT_TRUE(reconciler_.reconcile(uuidOf(1), lane));
    EXPECT_EQ(balena().log().termsOf("getDevice").lane, came);
    EXPECT_EQ(registry().log().termsOf("createRegistration").lane, came);
    EXPECT_EQ(balena().log().termsOf("write GCP_PRIVATE_KEY").lane, came);
    EXPECT_EQ(lane, Lane::kSweep) << "what is in order is only verified";
  }
}

TEST_F(Terms, WhatIsNotDoneYetKeepsItsTurn) {
  addDevice(1);
  apply();
  sweep();
  balena().log().failNext("getDevice", {ErrorCode::kThrottled, "429"});
  Lane lane = Lane::kFresh;
  ASSERT_TRUE(reconciler_.reconcile(uuidOf(1), lane));
  EXPECT_EQ(lane, Lane::kFresh);
}

}  // namespace
}  // namespace bco
