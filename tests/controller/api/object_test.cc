#include "api/object.h"

#include <gtest/gtest.h>

#include "api/device.h"

namespace bco::api {
namespace {

using namespace std::chrono_literals;

const TimePoint kChanged = *parseRfc3339("2026-11-23T07:00:00Z");

TEST(Conditions, KeepTheTimeOfTheirLastTransition) {
  Conditions conditions;
  EXPECT_TRUE(setCondition(conditions, {"Ready", false, "A", "m", 1, kChanged}));
  EXPECT_TRUE(setCondition(conditions, {"Ready", false, "B", "m", 1, kChanged + 1h}));
  EXPECT_EQ(findCondition(conditions, "Ready")->reason, "B");
  EXPECT_EQ(findCondition(conditions, "Ready")->lastTransition, kChanged);
  EXPECT_TRUE(setCondition(conditions, {"Ready", true, "B", "m", 1, kChanged + 2h}));
  EXPECT_EQ(findCondition(conditions, "Ready")->lastTransition, kChanged + 2h);
  EXPECT_EQ(conditions.size(), 1U);
}

TEST(Conditions, TellWhetherAnythingChanged) {
  Conditions conditions;
  setCondition(conditions, {"Ready", true, "A", "m", 1, kChanged});
  EXPECT_FALSE(setCondition(conditions, {"Ready", true, "A", "m", 2, kChanged + 1h}));
  EXPECT_EQ(conditions[0].observedGeneration, 2);
  EXPECT_TRUE(setCondition(conditions, {"Ready", true, "A", "other", 2, kChanged}));
  EXPECT_TRUE(setCondition(conditions, {"Stalled", true, "A", "m", 2, kChanged}));
  EXPECT_EQ(findCondition(conditions, "Blocked"), nullptr);
}

TEST(Names, AreTheReferences) {
  EXPECT_EQ(nameOf(ObjectKind::kRegistry), "ClearBladeRegistry");
  EXPECT_EQ(nameOf(ObjectKind::kFleet), "BalenaFleet");
  EXPECT_EQ(nameOf(ObjectKind::kDevice), "BalenaDevice");
  EXPECT_EQ(nameOf(Phase::kDeprovisioning), "Deprovisioning");
  EXPECT_EQ(registrationId("7cf0"), "balena-7cf0");
}

}  // namespace
}  // namespace bco::api
