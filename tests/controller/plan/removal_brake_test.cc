// How many registrations may go at once and in a day.
#include "plan/removal_brake.h"

#include <gmock/gmock.h>

#include "tests/controller/plan/builders.h"

namespace bco {
namespace {

using namespace std::chrono_literals;
using test::kNow;
using testing::HasSubstr;

api::StaleRules rules() {
  api::StaleRules rules;
  rules.policy = api::StalePolicy::kDelete;
  return rules;
}

struct BrakeRow {
  int candidates;
  int owned;
  int maxPercent;
  int maxPerSync;
  Brake wanted;
};

TEST(Brake, JudgesTheWholeSetByShareAndNumber) {
  const BrakeRow rows[] = {
      {0, 100, 5, 10, Brake::kNothing},
      {5, 100, 5, 10, Brake::kOpen},
      {6, 100, 5, 10, Brake::kTooManyAtOnce},
      {1, 1, 5, 10, Brake::kOpen},
      {1, 19, 5, 10, Brake::kOpen},
      {2, 39, 5, 10, Brake::kTooManyAtOnce},
      {2, 40, 5, 10, Brake::kOpen},
      {10, 1000, 5, 10, Brake::kOpen},
      {11, 1000, 5, 10, Brake::kTooManyAtOnce},
      {1, 1000, 0, 10, Brake::kOpen},
      {2, 1000, 0, 10, Brake::kTooManyAtOnce},
      {1, 1000, 5, 0, Brake::kTooManyAtOnce},
      {50, 50, 100, 1000, Brake::kOpen},
      {51, 100, 100, 1000, Brake::kTooManyToday},
      {1000000, 2000000000, 5, 1000000, Brake::kTooManyToday},
  };
  for (const BrakeRow& row : rows) {
    api::StaleRules limits = rules();
    limits.maxPercent = row.maxPercent;
    limits.maxPerSync = row.maxPerSync;
    EXPECT_EQ(judgeRemoval(limits, {row.candidates, 0, row.owned, false}, {}, kNow).brake,
              row.wanted)
        << row.candidates << " of " << row.owned << ", " << row.maxPercent << " %, at most "
        << row.maxPerSync;
  }
}

TEST(Brake, RemovesNothingUnlessThePolicySaysSo) {
  api::StaleRules report = rules();
  report.policy = api::StalePolicy::kReport;
  for (const bool approved : {false, true}) {
    EXPECT_EQ(judgeRemoval(report, {1, 0, 100, approved}, {}, kNow).brake, Brake::kReport);
  }
}

TEST(Brake, IsLiftedByApproval) {
  const auto verdict = judgeRemoval(rules(), {60, 0, 100, true}, {{kNow - 1h, 50}}, kNow);
  EXPECT_EQ(verdict.brake, Brake::kApproved);
  EXPECT_TRUE(verdict.isOpen());
  EXPECT_FALSE(verdict.isHalted());
}

TEST(Brake, CountsWhatWentWithinADay) {
  const std::vector<api::RemovalHour> recent = {{kNow - 20h, 30}, {kNow - 2h, 16}};
  EXPECT_EQ(judgeRemoval(rules(), {4, 0, 100, false}, recent, kNow).brake, Brake::kOpen);
  EXPECT_EQ(judgeRemoval(rules(), {5, 0, 100, false}, recent, kNow).brake, Brake::kTooManyToday);
  EXPECT_EQ(judgeRemoval(rules(), {5, 1, 100, false}, recent, kNow).brake, Brake::kOpen)
      << "one of them has been counted already";
  EXPECT_EQ(judgeRemoval(rules(), {5, 0, 100, false}, recent, kNow + 5h).brake, Brake::kOpen);
}

TEST(Brake, ForgetsAnHourWhenItsLastMomentIsADayOld) {
  const TimePoint hour = kNow;  // on the hour
  const std::vector<api::RemovalHour> recent = {{hour, 7}};
  EXPECT_EQ(countRecent(recent, hour), 7);
  EXPECT_EQ(countRecent(recent, hour + 25h - 1ms), 7);
  EXPECT_EQ(countRecent(recent, hour + 25h), 0);
  EXPECT_EQ(countRecent(recent, hour - 48h), 7) << "written by a clock ahead of ours";
}

TEST(Brake, AddsToTheHourAndDropsWhatIsADayOld) {
  const TimePoint hour = kNow;
  std::vector<api::RemovalHour> recent = withRemovals({}, 2, hour + 59min);
  recent = withRemovals(recent, 3, hour);
  EXPECT_EQ(recent, (std::vector<api::RemovalHour>{{hour, 5}}));
  recent = withRemovals(recent, 1, hour + 24h);
  EXPECT_EQ(recent, (std::vector<api::RemovalHour>{{hour, 5}, {hour + 24h, 1}}));
  recent = withRemovals(recent, 1, hour + 25h);
  EXPECT_EQ(recent, (std::vector<api::RemovalHour>{{hour + 24h, 1}, {hour + 25h, 1}}));
}

TEST(Brake, SaysWhenThereIsRoomAgain) {
  const std::vector<api::RemovalHour> recent = {{kNow - 3h, 4}, {kNow - 2h, 4}};
  EXPECT_EQ(roomAt(recent, 9, kNow), kNow);
  EXPECT_EQ(roomAt(recent, 8, kNow), kNow + 22h);
  EXPECT_EQ(roomAt(recent, 4, kNow), kNow + 23h);
  EXPECT_EQ(roomAt(recent, 0, kNow), kNow + 24h);
}

TEST(Brake, SaysWhyAndWhatWouldLetTheSetGo) {
  const RemovalRequest many{6, 0, 100, false};
  const auto halted = judgeRemoval(rules(), many, {}, kNow);
  EXPECT_THAT(explain(halted, rules(), many, "0123456789abcdef"),
              testing::AllOf(HasSubstr("6 registrations of 100"), HasSubstr("more than the 5"),
                             HasSubstr("approve-removals to 0123456789abcdef")));
  const RemovalRequest one{1, 0, 100, false};
  const auto today = judgeRemoval(rules(), one, {{kNow, 50}}, kNow);
  EXPECT_THAT(explain(today, rules(), one, "x"),
              testing::AllOf(HasSubstr("1 registration would"), HasSubstr("after 50 in 24 hours")));
}

}  // namespace
}  // namespace bco
