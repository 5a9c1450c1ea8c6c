#include "http/breaker.h"

#include <gtest/gtest.h>

#include "tests/http/stepping_clock.h"

namespace bco::http {
namespace {

using namespace std::chrono_literals;

class BreakerTest : public testing::Test {
 protected:
  void fail(int times) {
    for (int i = 0; i < times; ++i) breaker_.failed("no answer");
  }

  test::SteppingClock clock_;
  Breaker breaker_{{.failures = 3, .openFor = 10s}, clock_};
};

TEST_F(BreakerTest, OpensAfterFailuresInARow) {
  fail(2);
  breaker_.answered();
  fail(2);
  EXPECT_TRUE(breaker_.allow());
  EXPECT_EQ(breaker_.state(), Breaker::State::kClosed);
  fail(1);
  EXPECT_EQ(breaker_.state(), Breaker::State::kOpen);
  const auto refused = breaker_.allow();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(refused.error().message,
            "it failed repeatedly and is not called for a while; last: no answer");
  EXPECT_EQ(refused.error().retryAfter, 10s);
  EXPECT_FALSE(refused.error().outcomeUnknown);
}

TEST_F(BreakerTest, LetsOneProbeThroughAndClosesWhenItIsAnswered) {
  fail(3);
  clock_.advance(10s);
  EXPECT_TRUE(breaker_.allow());
  EXPECT_EQ(breaker_.state(), Breaker::State::kHalfOpen);
  EXPECT_FALSE(breaker_.allow());
  breaker_.answered();
  EXPECT_TRUE(breaker_.allow());
  EXPECT_TRUE(breaker_.allow());
  fail(2);
  EXPECT_TRUE(breaker_.allow()) << "it counts from zero again";
}

TEST_F(BreakerTest, OpensAgainWhenTheProbeFails) {
  fail(3);
  clock_.advance(10s);
  ASSERT_TRUE(breaker_.allow());
  fail(1);
  EXPECT_FALSE(breaker_.allow());
  clock_.advance(10s);
  EXPECT_TRUE(breaker_.allow());
}

TEST_F(BreakerTest, LetsAnotherProbeThroughWhenTheFirstWasNotMade) {
  fail(3);
  clock_.advance(10s);
  const auto probe = breaker_.allow();
  ASSERT_TRUE(probe);
  breaker_.notMade(*probe);
  EXPECT_TRUE(breaker_.allow());
}

TEST_F(BreakerTest, LetsNoSecondProbeThroughWhenAnEarlierCallWasNotMade) {
  const auto early = breaker_.allow();
  ASSERT_TRUE(early);
  fail(3);
  clock_.advance(10s);
  ASSERT_TRUE(breaker_.allow());
  breaker_.notMade(*early);
  EXPECT_FALSE(breaker_.allow());
}

TEST_F(BreakerTest, TakesNoAnswerAndTheEdgesOwnForAnOutage) {
  for (const int status : {502, 503, 504, 520, 524}) {
    EXPECT_TRUE(isOutage(Response{.status = status})) << status;
  }
  for (const int status : {200, 401, 404, 409, 429, 500, 501}) {
    EXPECT_FALSE(isOutage(Response{.status = status})) << status;
  }
  EXPECT_TRUE(isOutage(bco::fail(ErrorCode::kDeadline, "")));
  EXPECT_TRUE(isOutage(bco::fail(ErrorCode::kUnavailable, "")));
  EXPECT_FALSE(isOutage(bco::fail(ErrorCode::kInternal, "")));
}

}  // namespace
}  // namespace bco::http
