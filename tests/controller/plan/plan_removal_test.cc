#include <gmock/gmock.h>

#include "tests/controller/plan/builders.h"

namespace bco {
namespace {

using test::kDevicePath;
using test::kNow;
using test::Observed;
using test::outline;
using test::stepOf;

Plan removal(const Observed& observed) {
  DesiredDevice desired = test::desiredDevice();
  desired.present = false;
  return plan(desired, observed.get(), kNow);
}

Observed provisioned() {
  return Observed().hasPublicVariables().stores(1).registered().credential(1).marked().lists(1);
}

TEST(Removal, RemovesTheRegistrationByNumberFirstAndThenTheVariables) {
  const Plan planned = removal(provisioned());
  EXPECT_EQ(planned.verdict, Verdict::kAct);
  EXPECT_EQ(planned.reason, Reason::kDeprovisioning);
  EXPECT_EQ(outline(planned), "delete 4711 | unset on device 42");
}

TEST(Removal, GuardsTheVariablesByDeviceFleetAndPath) {
  const auto guard = stepOf<DeleteVariables>(removal(provisioned())).guard;
  EXPECT_EQ(guard.deviceId, test::kDeviceId);
  EXPECT_EQ(guard.fleetId, test::kFleetId);
  EXPECT_EQ(guard.clientPath, kDevicePath);
}

TEST(Removal, IsDoneWhenNothingIsLeft) {
  for (const Observed& observed : {Observed(), Observed().withoutDevice()}) {
    const Plan planned = removal(observed);
    EXPECT_EQ(planned.verdict, Verdict::kInSync);
    EXPECT_EQ(planned.reason, Reason::kDeprovisioned);
    EXPECT_EQ(planned.next, std::nullopt);
  }
}

TEST(Removal, FinishesWhatWasHalfDone) {
  EXPECT_EQ(outline(removal(Observed().hasPublicVariables().stores(1))), "unset on device 42");
  EXPECT_EQ(outline(removal(Observed().registered().marked().lists(1))), "delete 4711");
}

TEST(Removal, RemovesTheRegistrationOfADeviceThatHasGone) {
  EXPECT_EQ(outline(removal(provisioned().withoutDevice())), "delete 4711");
}

TEST(Removal, LeavesVariablesThatPointElsewhere) {
  EXPECT_EQ(outline(removal(provisioned().variable(balena::kClientPath, kDevicePath + "0"))),
            "delete 4711");
  EXPECT_EQ(removal(Observed().variable(balena::kClientPath, "elsewhere").stores(1)).verdict,
            Verdict::kInSync);
}

TEST(Removal, NamesAKeyOfWhichNobodyKnowsWhoseItIs) {
  const Plan planned = removal(Observed().stores(1));
  EXPECT_EQ(planned.verdict, Verdict::kRefuse);
  EXPECT_EQ(planned.reason, Reason::kVariablesLeft);
  EXPECT_THAT(planned.message, testing::HasSubstr("GCP_PRIVATE_KEY"));
}

TEST(Removal, RemovesTheRegistrationFirstAndComesBackAtOnceToNameWhatIsLeft) {
  const Plan planned = removal(Observed().stores(2).registered().credential(1).marked().lists(1));
  EXPECT_EQ(outline(planned), "delete 4711");
  EXPECT_THAT(planned.message, testing::HasSubstr("GCP_PRIVATE_KEY"));
  EXPECT_EQ(planned.next, kNow);
}

TEST(Removal, KnowsVariablesWithoutAPathByTheRegistrationsKeyAndClaimsThemFirst) {
  const Plan planned = removal(Observed().stores(1).registered().credential(1).marked().lists(1));
  EXPECT_EQ(outline(planned), "write GCP_CLIENT_PATH | delete 4711 | unset on device 42");
  EXPECT_EQ(planned.next, std::nullopt);
}

TEST(Removal, IsNotHeldUpByVariablesWithoutAKey) {
  EXPECT_EQ(removal(Observed().variable(balena::kProjectId, "p")).verdict, Verdict::kInSync);
}

TEST(Removal, ReachesBothLevels) {
  EXPECT_EQ(outline(removal(provisioned().otherLevel(900, kDevicePath).otherLevel(901, "else"))),
            "delete 4711 | unset on device 42 | unset on service 900");
  EXPECT_EQ(outline(removal(provisioned().otherLevel(900, kDevicePath).withoutTarget())),
            "delete 4711 | unset on service 900");
}

TEST(Removal, LeavesAnUnmarkedRegistrationAlone) {
  const Plan planned =
      removal(Observed().hasPublicVariables().stores(1).registered().credential(1));
  EXPECT_EQ(planned.verdict, Verdict::kRefuse);
  EXPECT_EQ(planned.reason, Reason::kNotOurs);
  EXPECT_TRUE(planned.steps.empty());
}

TEST(Removal, LeavesAnotherOwnersRegistrationAlone) {
  const Plan planned = removal(Observed().hasPublicVariables().registered().marked("site-b"));
  EXPECT_EQ(planned.verdict, Verdict::kRefuse);
  EXPECT_EQ(planned.reason, Reason::kNotOurs);
  EXPECT_TRUE(planned.steps.empty());
}

TEST(Removal, RemovesWhatTheFleetThatTheDeviceCameFromHasMarked) {
  EXPECT_EQ(outline(removal(Observed()
                                .hasPublicVariables()
                                .registered()
                                .marked("site-a", test::kOtherFleetId)
                                .lists(1))),
            "delete 4711 | unset on device 42");
}

TEST(Removal, LeavesARegistrationOfAnotherFleetsMarkAloneUnlessTheDeviceIsHere) {
  const Plan planned = removal(
      Observed().withoutDevice().registered().marked("site-a", test::kOtherFleetId).lists(1));
  EXPECT_EQ(planned.verdict, Verdict::kRefuse);
  EXPECT_EQ(planned.reason, Reason::kMovedToAnotherFleet);
  EXPECT_TRUE(planned.steps.empty());
}

}  // namespace
}  // namespace bco
