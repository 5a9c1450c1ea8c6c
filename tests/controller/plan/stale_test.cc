// When an absence is believed, and by what name a set goes.
#include "plan/stale.h"

#include <gmock/gmock.h>

#include "tests/controller/plan/builders.h"

namespace bco {
namespace {

using namespace std::chrono_literals;
using test::kNow;

constexpr Duration kAfter = 24h;
constexpr Duration kGap = 1h;

StaleRegistration registration(int n, std::uint8_t life = 1,
                               std::optional<TimePoint> since = std::nullopt) {
  return {"7cf02a69e4d34c9da573914963cf000" + std::to_string(n), {life}, since};
}

class Absence : public testing::Test {
 protected:
  // One pair of snapshots at `at`, with the registry's side as old as `registryAge` says.
  std::optional<TimePoint> sweep(TimePoint at, std::vector<StaleRegistration> absent,
                                 Duration registryAge = 0ms) {
    log_.note(absent, {at, at - registryAge}, before_, kGap);
    return absent.empty() ? std::nullopt : absent.front().since;
  }
  // Sweeps every half hour from `from` to `to`, both included.
  void sweeps(TimePoint from, TimePoint to, const std::vector<StaleRegistration>& absent) {
    for (TimePoint at = from; at <= to; at += 30min) sweep(at, absent);
  }
  bool isDue(TimePoint now, int n = 1, std::uint8_t life = 1) {
    return log_.isDue(registration(n, life), kAfter, now);
  }

  AbsenceLog log_;
  std::optional<TimePoint> before_;
};

TEST_F(Absence, IsBelievedAfterItsTimeAndNotBefore) {
  sweeps(kNow, kNow + kAfter - 30min, {registration(1)});
  EXPECT_FALSE(isDue(kNow + kAfter - 1ms));
  sweep(kNow + kAfter, {registration(1)});
  EXPECT_TRUE(isDue(kNow + kAfter));
  EXPECT_FALSE(isDue(kNow - 1ms)) << "a clock that went back";
}

TEST_F(Absence, NeedsTwoPairsHoweverShortTheTime) {
  sweep(kNow, {registration(1)});
  EXPECT_FALSE(log_.isDue(registration(1), 0ms, kNow));
  sweep(kNow + 1min, {registration(1)});
  EXPECT_TRUE(log_.isDue(registration(1), 0ms, kNow + 1min));
}

TEST_F(Absence, IsUndatedWhereNobodyWhoWasLookingHasRecordedIt) {
  before_ = kNow - 30min;
  sweep(kNow, {registration(1), registration(2, 1, kNow - 2h)});
  EXPECT_TRUE(log_.isUndated(registration(1)));
  EXPECT_FALSE(log_.isUndated(registration(1, 2))) << "another life";
  EXPECT_FALSE(log_.isUndated(registration(2)));
  sweep(kNow + 30min, {registration(1), registration(3)});
  EXPECT_TRUE(log_.isUndated(registration(1)));
  EXPECT_FALSE(log_.isUndated(registration(3))) << "seen to leave";
}

// Another process, or a pass, has seen it back between two pairs of ours and taken the record away;
// then it left again.
TEST_F(Absence, BeginsAnewWhenTheRecordSaysThatItWasBack) {
  const auto recorded = [](std::optional<TimePoint> since) {
    StaleRegistration each = registration(1, 1, since);
    each.hasRecord = true;
    return each;
  };
  sweep(kNow, {recorded(std::nullopt)});
  sweeps(kNow + 30min, kNow + kAfter - 30min, {recorded(kNow)});
  EXPECT_EQ(sweep(kNow + kAfter, {recorded(std::nullopt)}), kNow + kAfter);
  EXPECT_FALSE(isDue(kNow + kAfter));
  sweeps(kNow + kAfter + 30min, kNow + 2 * kAfter, {recorded(kNow + kAfter)});
  EXPECT_TRUE(isDue(kNow + 2 * kAfter));
  const TimePoint later = kNow + kAfter + 1h;
  EXPECT_EQ(sweep(kNow + 2 * kAfter + 30min, {recorded(later)}), later);
  EXPECT_FALSE(isDue(kNow + 2 * kAfter + 30min));
}

// That it is not recorded need not mean that it was back: perhaps nobody could record it.
TEST_F(Absence, IsUndatedUntilItIsRecordedForTheFirstTime) {
  const auto recorded = [](std::optional<TimePoint> since) {
    StaleRegistration each = registration(1, 1, since);
    each.hasRecord = true;
    return each;
  };
  sweep(kNow, {recorded(std::nullopt)});
  EXPECT_FALSE(log_.isUndated(registration(1))) << "seen to leave";
  EXPECT_EQ(sweep(kNow + 30min, {recorded(std::nullopt)}), kNow + 30min);
  EXPECT_TRUE(log_.isUndated(registration(1)));
  sweep(kNow + 1h, {recorded(kNow + 30min)});
  EXPECT_TRUE(log_.isUndated(registration(1))) << "whatever is recorded later";
  sweep(kNow + 90min, {});
  sweep(kNow + 2h, {recorded(std::nullopt)});
  sweep(kNow + 150min, {recorded(kNow + 2h)});
  sweep(kNow + 3h, {recorded(std::nullopt)});
  EXPECT_FALSE(log_.isUndated(registration(1))) << "the record was taken away";
}

// Where nobody was looking the time that is recorded does not count.
TEST_F(Absence, GoesOnWhenTheRecordSaysAnEarlierTime) {
  StaleRegistration each = registration(1, 1, kNow - 1h);
  each.hasRecord = true;
  sweep(kNow, {each});
  EXPECT_EQ(sweep(kNow + 30min, {each}), kNow);
}

TEST_F(Absence, IsDatedWhereNobodyWasLooking) {
  sweep(kNow, {registration(1)});
  EXPECT_FALSE(log_.isUndated(registration(1)));
}

TEST_F(Absence, DoesNotCountASnapshotTwice) {
  sweep(kNow, {registration(1)});
  sweep(kNow + 1min, {registration(1)}, 1min);  // the registry's side is the same one
  EXPECT_FALSE(log_.isDue(registration(1), 0ms, kNow + 1min));
  sweep(kNow + 2min, {registration(1)}, 1min);
  EXPECT_TRUE(log_.isDue(registration(1), 0ms, kNow + 2min));
}

TEST_F(Absence, BeginsAnewWithEveryReturn) {
  sweeps(kNow, kNow + 23h, {registration(1)});
  sweep(kNow + 23h + 30min, {});
  sweeps(kNow + kAfter, kNow + kAfter + 1h, {registration(1)});
  EXPECT_FALSE(isDue(kNow + kAfter + 1h));
}

TEST_F(Absence, OfARegistrationThatWasMadeAnewIsAnother) {
  sweeps(kNow, kNow + kAfter, {registration(1, 1)});
  sweep(kNow + kAfter + 30min, {registration(1, 2)});
  EXPECT_FALSE(isDue(kNow + kAfter + 30min, 1, 1));
  EXPECT_FALSE(isDue(kNow + kAfter + 30min, 1, 2));
}

TEST_F(Absence, GoesOnWhereAnEarlierProcessLeftOff) {
  const auto recorded = registration(1, 1, kNow - 30h);
  before_ = kNow - 10min;
  EXPECT_EQ(sweep(kNow, {recorded}), kNow - 30h);
  EXPECT_FALSE(isDue(kNow)) << "this process has seen it once";
  sweep(kNow + 5min, {recorded});
  EXPECT_TRUE(isDue(kNow + 5min));
}

TEST_F(Absence, IsNotTakenFromARecordThatNobodyWatchedOver) {
  const auto recorded = registration(1, 1, kNow - 30h);
  for (const auto before : std::vector<std::optional<TimePoint>>{
           std::nullopt, kNow - kGap - 1ms, kNow + 1ms /* by a clock ahead */}) {
    log_ = {};
    before_ = before;
    EXPECT_EQ(sweep(kNow, {recorded}), kNow);
    sweep(kNow + 5min, {recorded});
    EXPECT_FALSE(isDue(kNow + 5min));
  }
}

TEST_F(Absence, IsNotTakenFromARecordOfTheFuture) {
  before_ = kNow - 5min;
  EXPECT_EQ(sweep(kNow, {registration(1, 1, kNow + 48h)}), kNow);
}

TEST_F(Absence, OfARecordIsOfNoUseOnceItHasBeenSeenBack) {
  before_ = kNow - 5min;
  sweep(kNow, {});
  EXPECT_EQ(sweep(kNow + 5min, {registration(1, 1, kNow - 30h)}), kNow + 5min);
}

TEST_F(Absence, BeginsAnewAfterAGapAndWhenTheClockGoesBack) {
  sweeps(kNow, kNow + 23h + 30min, {registration(1)});
  const TimePoint late = kNow + 23h + 30min + kGap + 1ms;
  EXPECT_EQ(sweep(late, {registration(1)}), late);
  EXPECT_FALSE(isDue(late));
  sweep(late + 5min, {registration(1)});
  EXPECT_EQ(sweep(late, {registration(1)}), late);
  EXPECT_FALSE(log_.isDue(registration(1), 0ms, late)) << "the pairs count anew, too";
}

TEST(HashOfASet, NamesTheRegistrationsWhateverTheirOrderAndTime) {
  const std::vector<StaleRegistration> set = {registration(1), registration(2)};
  const std::vector<StaleRegistration> same = {registration(2, 1, kNow), registration(1)};
  EXPECT_EQ(hashOf(set), hashOf(same));
  EXPECT_THAT(hashOf(set), testing::MatchesRegex("[0-9a-f]{16}"));
  EXPECT_EQ(hashOf({}), "");
}

TEST(HashOfASet, IsAnotherForAnyOtherSet) {
  const std::vector<StaleRegistration> set = {registration(1), registration(2)};
  const std::vector<StaleRegistration> others[] = {
      {registration(1)},
      {registration(1), registration(3)},
      {registration(1), registration(2), registration(3)},
      {registration(1), registration(2, 2)}};
  for (const auto& other : others) EXPECT_NE(hashOf(set), hashOf(other));
}

}  // namespace
}  // namespace bco
