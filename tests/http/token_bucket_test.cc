#include "http/token_bucket.h"

#include <gtest/gtest.h>

#include "tests/http/stepping_clock.h"

namespace bco::http {
namespace {

using namespace std::chrono_literals;

class TokenBucketTest : public testing::Test {
 protected:
  test::SteppingClock clock_;
  TokenBucket bucket_{{.perSecond = 10, .burst = 5}, clock_};
};

TEST_F(TokenBucketTest, GivesItsBurstAtOnceAndThenItsRate) {
  ASSERT_TRUE(bucket_.take(5, 0ms));
  EXPECT_EQ(clock_.elapsed(), 0ms);
  ASSERT_TRUE(bucket_.take(1, 1s));
  EXPECT_EQ(clock_.elapsed(), 100ms);
  ASSERT_TRUE(bucket_.take(4, 1s));
  EXPECT_EQ(clock_.elapsed(), 500ms);
}

TEST_F(TokenBucketTest, SaysHowLongItWouldTakeInsteadOfWaitingTooLong) {
  ASSERT_TRUE(bucket_.take(5, 0ms));
  const auto refused = bucket_.take(3, 250ms);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kThrottled);
  EXPECT_EQ(refused.error().retryAfter, 300ms);
  EXPECT_EQ(clock_.elapsed(), 0ms);
  EXPECT_TRUE(bucket_.take(2, 250ms)) << "what was refused is not taken";
}

TEST_F(TokenBucketTest, DoesNotSaveUpMoreThanItsBurst) {
  clock_.advance(1h);
  ASSERT_TRUE(bucket_.take(5, 0ms));
  EXPECT_FALSE(bucket_.take(1, 0ms));
}

TEST_F(TokenBucketTest, GivesABatchThatIsLargerThanItsBurst) {
  ASSERT_TRUE(bucket_.take(8, 1s));
  EXPECT_EQ(clock_.elapsed(), 300ms);
}

TEST_F(TokenBucketTest, GivesSuchABatchAtTheSlowestRateToo) {
  TokenBucket bucket({.perSecond = 0.0005, .burst = 2}, clock_);
  EXPECT_TRUE(bucket.take(4, 250ms)) << "the bucket is full, and never holds four";
  EXPECT_EQ(bucket.take(4, 250ms).error().retryAfter, 8000s) << "the debt, and a full bucket";
  EXPECT_EQ(bucket.take(1, 250ms).error().retryAfter, 6000s);
  clock_.advance(8000s);
  EXPECT_TRUE(bucket.take(4, 250ms));
}

TEST_F(TokenBucketTest, LetsNoSweepKeepAFreshCallWaiting) {
  TokenBucket bucket({.perSecond = 10, .burst = 8}, clock_);
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(bucket.take(1, 0ms, {}, Lane::kSweep));
  EXPECT_EQ(bucket.take(1, 0ms, {}, Lane::kSweep).error().retryAfter, 100ms);
  EXPECT_TRUE(bucket.take(2, 0ms)) << "what sweeps leave";
  EXPECT_EQ(bucket.take(1, 0ms, {}, Lane::kSweep).error().retryAfter, 300ms);
  clock_.advance(1s);
  EXPECT_TRUE(bucket.take(8, 0ms, {}, Lane::kSweep)) << "a full bucket serves everybody";
}

TEST_F(TokenBucketTest, LetsARevocationGoAheadOfAllWhoWait) {
  ASSERT_TRUE(bucket_.take(5, 0ms));
  EXPECT_EQ(bucket_.take(1, 0ms).error().retryAfter, 100ms);
  EXPECT_TRUE(bucket_.take(5, 0ms, {}, Lane::kRevocation)) << "a burst in advance";
  EXPECT_EQ(bucket_.take(1, 0ms).error().retryAfter, 600ms) << "the others pay for it";
  EXPECT_EQ(bucket_.take(1, 0ms, {}, Lane::kRevocation).error().retryAfter, 100ms) << "no more";
  bucket_.stopFor(2s);
  EXPECT_EQ(bucket_.take(1, 0ms, {}, Lane::kRevocation).error().retryAfter, 2s)
      << "nobody goes while the cloud asks for a pause";
}

TEST_F(TokenBucketTest, SaysNeverWhereItsRateIsNextToNothing) {
  TokenBucket bucket({.perSecond = 1e-30, .burst = 1}, clock_);
  ASSERT_TRUE(bucket.take(1, 0ms));
  const auto refused = bucket.take(1, 30s);
  ASSERT_FALSE(refused);
  EXPECT_GT(*refused.error().retryAfter, 24h * 365);
}

TEST_F(TokenBucketTest, TellsHowMuchIsLeftAndWhatWasRefused) {
  ASSERT_TRUE(bucket_.take(4, 0ms));
  EXPECT_DOUBLE_EQ(bucket_.usage().available, 1);
  EXPECT_DOUBLE_EQ(bucket_.usage().limit.burst, 5);
  clock_.advance(200ms);
  EXPECT_DOUBLE_EQ(bucket_.usage().available, 3);
  ASSERT_FALSE(bucket_.take(4, 0ms));
  bucket_.stopFor(3s);
  ASSERT_FALSE(bucket_.take(2, 0ms));
  const TokenBucket::Usage usage = bucket_.usage();
  EXPECT_TRUE(usage.isStopped);
  EXPECT_DOUBLE_EQ(usage.available, 0);
  EXPECT_EQ(usage.refusedByBudget, 4U);
  EXPECT_EQ(usage.refusedByCloud, 2U);
  clock_.advance(3s);
  EXPECT_FALSE(bucket_.usage().isStopped);
}

TEST_F(TokenBucketTest, StopsForAsLongAsTheOtherSideAsks) {
  EXPECT_EQ(bucket_.stopFor(3s), 3s);
  const auto refused = bucket_.take(1, 2s);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().retryAfter, 3s);
  EXPECT_TRUE(bucket_.take(1, 3s));
  EXPECT_EQ(clock_.elapsed(), 3s);
}

TEST_F(TokenBucketTest, DoublesItsStopUntilACallSucceeds) {
  EXPECT_EQ(bucket_.stopFor(std::nullopt), 1s);
  EXPECT_EQ(bucket_.stopFor(std::nullopt), 2s);
  EXPECT_EQ(bucket_.stopFor(std::nullopt), 4s);
  bucket_.succeeded();
  EXPECT_EQ(bucket_.stopFor(std::nullopt), 1s);
  for (int i = 0; i < 20; ++i) EXPECT_LE(bucket_.stopFor(std::nullopt), 1min);
}

TEST_F(TokenBucketTest, NeverObeysForDays) { EXPECT_EQ(bucket_.stopFor(48h), 1h); }

TEST_F(TokenBucketTest, HeedsTheSmallestOfItsLimitsWhileAnybodyHoldsIt) {
  TokenBucket bucket(clock_);
  const auto wide = std::make_shared<const BucketOptions>(BucketOptions{100, 10});
  auto narrow = std::make_shared<const BucketOptions>(BucketOptions{10, 2});
  bucket.limitTo(wide);
  ASSERT_TRUE(bucket.take(10, 0ms)) << "its whole burst";
  bucket.limitTo(narrow);
  clock_.advance(1h);
  ASSERT_TRUE(bucket.take(2, 0ms));
  EXPECT_EQ(bucket.take(2, 0ms).error().retryAfter, 200ms);
  narrow.reset();
  EXPECT_EQ(bucket.take(2, 0ms).error().retryAfter, 20ms);
}

TEST_F(TokenBucketTest, EndsAWaitAtAStopAndTakesNothing) {
  ASSERT_TRUE(bucket_.take(5, 0ms));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(bucket_.take(2, 10s, stop.get_token()).error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(bucket_.take(1, 100ms));
}

}  // namespace
}  // namespace bco::http
