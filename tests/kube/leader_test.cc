#include "kube/leader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kube/leader_world.h"

namespace bco::kube {
namespace {

using namespace std::chrono_literals;
using test::Course;
using test::LeaseWorld;
using test::Process;

constexpr Duration kAttempt = 15s;  // of a write to a cloud

// A world in which the first of `count` processes leads.
class Leader : public ::testing::Test {
 protected:
  void start(int count) {
    first_ = &world_.add();
    world_.runFor(1s);
    for (int i = 1; i < count; ++i) others_.push_back(&world_.add());
    world_.runFor(20s);
    ASSERT_EQ(world_.writers(), std::vector{first_});
  }
  void TearDown() override {
    EXPECT_LE(world_.mostWriters, 1U);
    EXPECT_THAT(world_.server.defects, ::testing::IsEmpty());
    for (const auto& process : world_.processes) EXPECT_FALSE(process->wroteWhenLost);
  }
  // How long until one of the others may write.
  Duration untilTakeOver(Duration longest) {
    const Duration start = world_.now;
    while (world_.now < start + longest) {
      world_.runFor(1ms);
      for (const Process* other : others_) {
        if (other->mayWrite()) return world_.now - start;
      }
    }
    return Duration::max();
  }

  LeaseWorld world_;
  Process* first_ = nullptr;
  std::vector<Process*> others_;
};

TEST_F(Leader, IsWhoCreatesTheLease) {
  start(1);
  EXPECT_TRUE(first_->elector->isLeader());
  EXPECT_TRUE(first_->elector->mayWrite(kAttempt));
  EXPECT_EQ(first_->started, 1);
  EXPECT_EQ(world_.server.holders, std::vector<std::string>{"1.1"});
  EXPECT_EQ(world_.server.lease["spec"]["leaseDurationSeconds"], 60);
}

TEST_F(Leader, StaysAndNobodyElseStartsWhileAllIsWell) {
  start(3);
  world_.runFor(30min);
  EXPECT_EQ(world_.writers(), std::vector{first_});
  EXPECT_EQ(first_->started, 1);
  EXPECT_EQ(others_[0]->started + others_[1]->started, 0);
}

TEST_F(Leader, CostsARequestEveryRetryPeriodAndThoseStandingByNone) {
  start(3);
  world_.runFor(1min);
  const std::size_t before = first_->calls;
  const std::size_t beforeOther = others_[0]->calls;
  world_.runFor(15min);
  EXPECT_NEAR(static_cast<double>(first_->calls - before), 60, 1);
  EXPECT_EQ(others_[0]->calls, beforeOther);
}

TEST_F(Leader, IsOneOfThreeThatStartTogether) {
  for (int i = 0; i < 3; ++i) world_.add();
  world_.runFor(2s);
  EXPECT_EQ(world_.writers().size(), 1U);
}

TEST_F(Leader, IsFollowedWithinHalfASecondOfACleanRelease) {
  start(3);
  first_->restartAfter = 5min;
  const std::size_t before = others_[0]->calls + others_[1]->calls;
  first_->stop(true);
  EXPECT_LE(untilTakeOver(1s), 510ms);
  EXPECT_EQ(others_[0]->calls + others_[1]->calls, before + 1) << "they did not all try at once";
  const auto& spec = world_.server.lease["spec"];
  EXPECT_EQ(spec["leaseTransitions"], 1);
  EXPECT_EQ(spec["acquireTime"], spec["renewTime"]);
}

TEST_F(Leader, IsFollowedAfterTheLeaseDurationWhenItCrashes) {
  start(3);
  first_->crash();
  const Duration took = untilTakeOver(2min);
  EXPECT_GE(took, 40s);
  EXPECT_LE(took, 61s);
}

TEST_F(Leader, IsFollowedAlsoByThoseWhoseWatchIsDead) {
  start(2);
  others_[0]->cutWatch(1h);
  world_.runFor(5min);
  first_->crash();
  EXPECT_LE(untilTakeOver(3min), 81s) << "the lease's duration and one look period";
  EXPECT_EQ(first_->started, 1);
}

TEST_F(Leader, LeavesTheLeaseToItsEndWhenAWriteMayStillTakeEffect) {
  start(2);
  first_->restartAfter = 5min;
  first_->stop(false);
  const Duration took = untilTakeOver(2min);
  EXPECT_GE(took, 40s);
  EXPECT_LE(took, 61s);
}

TEST_F(Leader, WritesNoMoreOnceItReleases) {
  start(1);
  world_.course = [](Process&) { return Course{2s, 2s}; };
  first_->stop(true);
  world_.runFor(1s);
  ASSERT_TRUE(first_->elector) << "still asking";
  EXPECT_FALSE(first_->elector->mayWrite(0ms));
  EXPECT_FALSE(first_->elector->isLeader());
  world_.runFor(10s);
  EXPECT_EQ(world_.server.holders.at(1), "");
}

TEST_F(Leader, ReleasesWhatARenewalOfUnknownOutcomeHasLeft) {
  start(1);
  first_->restartAfter = 5min;
  // The renewal is stored and its answer lost; the stop comes while it is waited for.
  world_.course = [](Process&) { return Course{1ms, 10s}; };
  world_.runFor(14s);
  first_->stop(true);
  world_.course = [](Process&) { return Course{}; };
  world_.runFor(10s);
  EXPECT_EQ(world_.server.holders.back(), "");
}

TEST_F(Leader, OutlivesThirtySecondsWithoutAnApiServer) {
  start(2);
  for (const Duration phase : {0s, 5s, 10s, 14s}) {
    world_.runFor(phase);
    world_.server.down = true;
    world_.runFor(30s);
    world_.server.down = false;
    world_.runFor(20s);
    EXPECT_EQ(world_.writers(), std::vector{first_});
  }
  EXPECT_EQ(first_->started, 1);
}

TEST_F(Leader, WritesAgainWhenItCouldRenewAfterItsDeadlineBeforeAnybodyTookOver) {
  start(2);
  world_.runFor(15s - *first_->elector->renewalAge() - 1ms);
  world_.server.down = true;
  world_.runFor(30s);
  EXPECT_FALSE(first_->mayWrite());
  EXPECT_EQ(first_->lost, 0);
  world_.server.down = false;
  world_.runFor(3s);
  EXPECT_EQ(world_.writers(), std::vector{first_});
  EXPECT_EQ(first_->started, 1);
}

TEST_F(Leader, OutlivesThirtySecondsOfAnApiServerThatNeverAnswers) {
  start(2);
  for (const Duration phase : {0s, 5s, 10s, 14s}) {
    world_.runFor(phase);
    world_.course = [](Process&) {
      Course course;
      course.lost = true;
      return course;
    };
    world_.runFor(30s);
    world_.course = [](Process&) { return Course{}; };
    world_.runFor(20s);
    EXPECT_EQ(world_.writers(), std::vector{first_});
  }
  EXPECT_EQ(first_->started, 1);
}

TEST_F(Leader, StopsWritingBeforeItsDeadlineAndHasLostAtTheLeasesEnd) {
  start(1);
  const Duration age = *first_->elector->renewalAge();
  world_.server.down = true;
  world_.runFor(40s - age - kAttempt - 100ms);
  EXPECT_TRUE(first_->elector->mayWrite(kAttempt));
  world_.runFor(200ms);
  EXPECT_FALSE(first_->elector->mayWrite(kAttempt)) << "an attempt could outlast the lease";
  EXPECT_TRUE(first_->elector->mayWrite(kAttempt - 1s));
  EXPECT_TRUE(first_->elector->isLeader());
  EXPECT_EQ(first_->lost, 0);
  world_.runFor(kAttempt);
  EXPECT_FALSE(first_->mayWrite());
  EXPECT_EQ(first_->lost, 0);
  world_.runFor(20s);
  EXPECT_EQ(first_->lost, 1);
}

TEST_F(Leader, CountsARenewalFromWhenItWasSent) {
  start(1);
  world_.course = [](Process&) { return Course{2s, 2s}; };
  world_.runFor(1min);
  // Just after an answer.
  while (*first_->elector->renewalAge() > 4001ms) world_.runFor(1ms);
  EXPECT_EQ(*first_->elector->renewalAge(), 4000ms);
  EXPECT_FALSE(first_->elector->mayWrite(36s));
  EXPECT_TRUE(first_->elector->mayWrite(36s - 1ms));
}

TEST_F(Leader, KnowsAfterAFreezeThatItsLeaseIsOver) {
  start(2);
  first_->freeze(5min);
  world_.runFor(2min);
  EXPECT_FALSE(first_->mayWrite()) << "the gate asks the clock, not the thread that renews";
  EXPECT_TRUE(others_[0]->mayWrite());
  EXPECT_EQ(first_->lost, 0);
  world_.runFor(4min);
  EXPECT_EQ(first_->lost, 1);
  EXPECT_EQ(world_.writers(), std::vector{others_[0]});
}

TEST_F(Leader, DoesNotBelieveAnAnswerThatItReadsTooLate) {
  Process& late = world_.add();
  world_.course = [](Process&) { return Course{1ms, 100ms}; };
  while (world_.server.lease.is_null()) world_.runFor(1ms);
  late.freeze(10min);
  others_ = {&world_.add()};
  world_.runFor(9min);
  ASSERT_EQ(world_.writers(), std::vector{others_[0]});
  world_.runFor(5min);
  EXPECT_EQ(late.started, 0);
  EXPECT_EQ(world_.writers(), std::vector{others_[0]});
}

TEST_F(Leader, GoesOnWhenSomebodyEditsTheLease) {
  start(2);
  for (int i = 0; i < 3; ++i) {
    world_.runFor(20s);
    world_.server.touch();
  }
  world_.runFor(20s);
  EXPECT_EQ(world_.writers(), std::vector{first_});
  EXPECT_EQ(first_->started, 1);
  EXPECT_TRUE(world_.server.lease["metadata"].contains("labels"));
}

TEST_F(Leader, LearnsAtOnceThatAnotherWasPutInItsPlace) {
  start(1);
  world_.server.lease["spec"]["holderIdentity"] = "somebody";
  world_.server.touch();
  world_.runFor(10ms);
  EXPECT_EQ(first_->lost, 1);
  EXPECT_FALSE(first_->mayWrite());
}

TEST_F(Leader, StepsDownWhenTheLeaseIsDeletedAndNobodyTakesItEarly) {
  start(2);
  first_->restartAfter = 5min;
  world_.server.remove();
  world_.runFor(10ms);
  EXPECT_EQ(first_->lost, 1);
  const Duration took = untilTakeOver(2min);
  EXPECT_GE(took, 40s);
  EXPECT_LE(took, 61s);
}

TEST_F(Leader, TakesUpItsOwnLeaseWhoseAnswerWasLost) {
  int calls = 0;
  world_.course = [&calls](Process&) {
    // The second call is the creation.
    return ++calls == 2 ? Course{1ms, 10s} : Course{};
  };
  start(1);
  EXPECT_EQ(world_.server.holders, std::vector<std::string>{"1.1"});
  EXPECT_EQ(world_.server.lease["spec"]["leaseTransitions"], 0);
}

TEST_F(Leader, IsUnhealthyOnceItsLoopHangs) {
  start(2);
  world_.runFor(10min);
  EXPECT_TRUE(first_->elector->healthy());
  EXPECT_TRUE(others_[0]->elector->healthy());
  first_->freeze(10min);
  others_[0]->freeze(10min);
  world_.runFor(44s);
  EXPECT_TRUE(first_->elector->healthy());
  EXPECT_TRUE(others_[0]->elector->healthy());
  world_.runFor(36s);
  EXPECT_FALSE(first_->elector->healthy());
  EXPECT_FALSE(others_[0]->elector->healthy());
}

TEST_F(Leader, AsksNoMoreThanNowAndThenWhileTheServerRefuses) {
  Process& alone = world_.add();
  world_.server.down = true;
  world_.runFor(10min);
  EXPECT_TRUE(alone.elector->healthy());
  EXPECT_GT(alone.calls, 40U);
  EXPECT_LT(alone.calls, 120U);
  world_.server.down = false;
  world_.runFor(16s);
  EXPECT_TRUE(alone.mayWrite());
}

TEST(LeaderOptions, MustLeaveTimeBetweenEachOther) {
  EXPECT_TRUE(validate({}));
  EXPECT_TRUE(validate({{}, "", 15s, 10s, 2s})) << "client-go's defaults";
  EXPECT_EQ(validate({{}, "", 40s, 40s, 15s}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(validate({{}, "", 60s, 18s, 15s}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(validate({{}, "", 60s, 40s, 0s}).error().code, ErrorCode::kInvalid);
}

TEST(LeaderIdentity, IsTheHostAndSomethingOfItsOwn) {
  test::FakeRandom random;
  const std::string first = makeIdentity("operator-7d9f", random);
  EXPECT_THAT(first, ::testing::MatchesRegex("operator-7d9f_[0-9a-f]+"));
  EXPECT_EQ(first.size(), 14U + 16U);
  EXPECT_NE(makeIdentity("operator-7d9f", random), first);
}

}  // namespace
}  // namespace bco::kube
