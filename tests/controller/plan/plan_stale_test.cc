// What a pass makes of a registration that a sweep has cleared for removal.
#include <gmock/gmock.h>

#include "plan/planner.h"
#include "tests/controller/plan/builders.h"

namespace bco {
namespace {

using test::days;
using test::kFleetId;
using test::kNow;
using test::kOtherFleetId;
using test::Observed;
using test::outline;

class PlanStale : public testing::Test {
 protected:
  PlanStale() {
    desired_.present = false;
    desired_.managedFleets = {kFleetId, kOtherFleetId};
  }
  // `observed` as a sweep had it: absent, with the registration that was cleared.
  static Observed absent() {
    Observed observed;
    observed.registered().credential(0).marked().lists(0).withoutDevice();
    return observed;
  }
  Plan planOf(const ObservedDevice& observed, bool allFleetsKnown = true) {
    return planStaleRemoval(desired_, observed, cleared_, allFleetsKnown, kNow);
  }
  void expectKept(const ObservedDevice& observed, Reason reason, bool allFleetsKnown = true) {
    const Plan plan = planOf(observed, allFleetsKnown);
    EXPECT_EQ(plan.verdict, Verdict::kRefuse);
    EXPECT_EQ(plan.reason, reason) << nameOf(plan.reason);
    EXPECT_TRUE(plan.steps.empty()) << outline(plan);
  }

  DesiredDevice desired_ = test::desiredDevice();
  crypto::Incarnation cleared_ = absent().get().mark.mark.incarnation;
};

TEST_F(PlanStale, RemovesTheRegistrationOfADeviceThatHasGone) {
  const Plan plan = planOf(absent().get());
  EXPECT_EQ(plan.reason, Reason::kStaleRemoved);
  EXPECT_EQ(outline(plan), "delete 4711");
}

TEST_F(PlanStale, RemovesItAndWhatNamesItWhereTheDeviceIsInAFleetOfOthers) {
  Observed observed;
  observed.registered().credential(0).marked().lists(0).stores(0).hasPublicVariables().inFleet(99);
  const Plan plan = planOf(observed.get());
  EXPECT_EQ(outline(plan), "delete 4711 | unset on device 42");
  EXPECT_EQ(test::stepOf<DeleteVariables>(plan).guard.fleetId, 99);
  expectKept(observed.get(), Reason::kMovedToAnotherFleet, false);
}

TEST_F(PlanStale, KeepsItWhereTheDeviceIsBackOrInAnotherFleetOfOurs) {
  Observed back;
  back.registered().credential(0).marked().lists(0);
  expectKept(back.get(), Reason::kSynced);
  expectKept(back.inFleet(kOtherFleetId).get(), Reason::kMovedToAnotherFleet);
}

TEST_F(PlanStale, KeepsWhatIsNotTheRegistrationThatWasCleared) {
  const auto of = [](auto... mark) {
    Observed observed;
    observed.registered().credential(0).marked(mark...).lists(0).withoutDevice();
    return observed;
  };
  expectKept(of("site-b").get(), Reason::kNotOurs);
  expectKept(of("site-a", kOtherFleetId).get(), Reason::kMovedToAnotherFleet);
  expectKept(Observed().registered().credential(0).withoutDevice().get(), Reason::kNotOurs);
  ObservedDevice broken = absent().get();
  broken.mark = {MarkState::kBroken, {}};
  expectKept(broken, Reason::kNotOurs);
  cleared_[0] ^= 1;
  expectKept(absent().get(), Reason::kTakenOver);
}

TEST_F(PlanStale, IsDoneWhereNothingIsRegistered) {
  const Plan plan = planOf(Observed().withoutDevice().get());
  EXPECT_EQ(plan.verdict, Verdict::kInSync);
  EXPECT_EQ(plan.reason, Reason::kStaleRemoved);
}

}  // namespace
}  // namespace bco
