// Counting what is there, and no longer what has gone.
#include "reconcile/tally.h"

#include <gmock/gmock.h>

namespace bco {
namespace {

using namespace std::chrono_literals;
using api::Phase;
using testing::ElementsAre;

const TimePoint kNoon = *parseRfc3339("2026-11-23T12:00:00Z");
const api::ObjectKey kSensors{"default", "sensors"};
constexpr std::array<Duration, 2> kDayAndWeek = {24h, 24h * 7};

api::BalenaDevice device(const std::string& name, Phase phase,
                         const std::string& fleet = "sensors") {
  api::BalenaDevice made;
  made.meta.key.name = name;
  made.spec.fleet = fleet;
  made.status.phase = phase;
  return made;
}

api::BalenaDevice deviceWithKey(const std::string& name, TimePoint expiresAt, TimePoint rotateAt) {
  auto made = device(name, Phase::kReady);
  made.status.key.emplace();
  made.status.key->expiresAt = expiresAt;
  made.status.key->rotateAt = rotateAt;
  return made;
}

class TallyTest : public testing::Test {
 protected:
  void set(const api::BalenaDevice& each) { tally_.set(each, each.status); }
  FleetNumbers numbers(TimePoint now = kNoon) { return tally_.numbers(now, kDayAndWeek)[kSensors]; }
  int countOf(Phase phase) { return numbers().byPhase[static_cast<std::size_t>(phase)]; }
  Tally tally_;
};

TEST_F(TallyTest, CountsADeviceOnceWhereItStandsNow) {
  set(device("a", Phase::kPending));
  set(device("a", Phase::kReady));
  set(device("b", Phase::kReady));
  EXPECT_EQ(countOf(Phase::kReady), 2);
  EXPECT_EQ(countOf(Phase::kPending), 0);
}

TEST_F(TallyTest, ForgetsAFleetWithItsLastDevice) {
  set(device("a", Phase::kReady));
  tally_.remove(device("a", Phase::kReady).meta.key);
  EXPECT_THAT(tally_.numbers(kNoon, {}), testing::IsEmpty());
  EXPECT_EQ(tally_.counts().total, 0);
}

TEST_F(TallyTest, MovesADeviceToItsNewFleet) {
  set(device("a", Phase::kReady));
  set(device("a", Phase::kReady, "gateways"));
  const auto all = tally_.numbers(kNoon, {});
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all.begin()->first.name, "gateways");
}

TEST_F(TallyTest, KnowsWhenKeysEnd) {
  EXPECT_EQ(numbers().firstExpiry, std::nullopt);
  set(deviceWithKey("a", kNoon + 12h, kNoon - 1h));
  set(deviceWithKey("b", kNoon + 24h * 3, kNoon + 1h));
  set(deviceWithKey("c", kNoon + 24h * 90, kNoon + 24h * 60));
  set(deviceWithKey("d", kNoon - 1h, kNoon - 2h));
  EXPECT_EQ(numbers().firstExpiry, kNoon - 1h);
  EXPECT_THAT(numbers().expiring, ElementsAre(2, 3)) << "what has ended included";
  EXPECT_EQ(numbers().rotationsDue, 2);
  EXPECT_EQ(numbers(kNoon + 2h).rotationsDue, 3);
  set(deviceWithKey("a", kNoon + 24h * 90, kNoon + 24h * 60));
  tally_.remove({"default", "d"});
  EXPECT_EQ(numbers().firstExpiry, kNoon + 24h * 3);
  EXPECT_THAT(numbers().expiring, ElementsAre(0, 1));
  EXPECT_EQ(numbers().rotationsDue, 0);
}

TEST_F(TallyTest, KnowsWhichKeysEndBeforeTheirRotation) {
  set(deviceWithKey("a", kNoon + 1h, kNoon + 2h));
  set(deviceWithKey("b", kNoon + 2h, kNoon + 1h));
  EXPECT_EQ(numbers().endingUnrotated, 1);
  set(deviceWithKey("a", kNoon + 3h, kNoon + 2h));
  EXPECT_EQ(numbers().endingUnrotated, 0);
}

TEST_F(TallyTest, JudgesByEachKeysOwnTimesWhetherItsRotationIsLate) {
  // One of a month and one of ten days, each in good time until half of it is over.
  set(deviceWithKey("a", kNoon + 24h * 30, kNoon + 24h * 20));
  set(deviceWithKey("b", kNoon + 24h * 10, kNoon + 24h * 8));
  EXPECT_EQ(numbers(kNoon + 24h * 9).endingUnrotated, 0);
  EXPECT_EQ(numbers(kNoon + 24h * 9 + 1min).endingUnrotated, 1);
  EXPECT_EQ(numbers(kNoon + 24h * 26).endingUnrotated, 2);
  set(deviceWithKey("b", kNoon + 24h * 60, kNoon + 24h * 50));
  EXPECT_EQ(numbers(kNoon + 24h * 26).endingUnrotated, 1);
}

TEST_F(TallyTest, CountsNoKeyOfADeviceThatHasGoneOrIsToGo) {
  for (const Phase phase : {Phase::kStale, Phase::kDeprovisioning, Phase::kAbsent}) {
    auto gone = deviceWithKey("a", kNoon + 1h, kNoon - 1h);
    set(gone);
    ASSERT_EQ(numbers(kNoon + 30min).endingUnrotated, 1);
    gone.status.phase = phase;
    set(gone);
    const FleetNumbers after = numbers(kNoon + 30min);
    EXPECT_EQ(countOf(phase), 1);
    EXPECT_EQ(after.firstExpiry, std::nullopt);
    EXPECT_THAT(after.expiring, ElementsAre(0, 0));
    EXPECT_EQ(after.rotationsDue, 0);
    EXPECT_EQ(after.endingUnrotated, 0);
  }
}

TEST_F(TallyTest, AddsOnlyWhatItDoesNotKnow) {
  set(device("a", Phase::kReady));
  tally_.add(device("a", Phase::kFailed));
  tally_.add(device("b", Phase::kFailed));
  EXPECT_EQ(countOf(Phase::kReady), 1);
  EXPECT_EQ(countOf(Phase::kFailed), 1);
}

}  // namespace
}  // namespace bco
