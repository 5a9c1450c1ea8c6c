#include "endpoint/rate_limiter.h"

#include <gtest/gtest.h>

namespace bco::endpoint {
namespace {

using namespace std::chrono_literals;

const SteadyPoint kStart{1h};

TEST(RateLimiter, LetsABurstPassAndThenOneForEachStep) {
  RateLimiter limiter({2, 3});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limiter.take("a", kStart), 0ms) << i;
  EXPECT_EQ(limiter.take("a", kStart), 500ms);
  EXPECT_EQ(limiter.take("a", kStart + 499ms), 1ms);
  EXPECT_EQ(limiter.take("a", kStart + 500ms), 0ms);
  EXPECT_EQ(limiter.take("a", kStart + 501ms), 499ms);
}

TEST(RateLimiter, WhatIsCountedBeyondTheLimitIsWaitedForLater) {
  RateLimiter limiter({2, 3});
  for (int i = 0; i < 5; ++i) limiter.count("a", kStart);
  EXPECT_EQ(limiter.look("a", kStart), 1500ms);
}

TEST(RateLimiter, ForgetsAfterASilence) {
  RateLimiter limiter({1, 2});
  EXPECT_EQ(limiter.take("a", kStart), 0ms);
  EXPECT_EQ(limiter.take("a", kStart), 0ms);
  EXPECT_EQ(limiter.take("a", kStart + 1min), 0ms);
  EXPECT_EQ(limiter.take("a", kStart + 1min), 0ms);
  EXPECT_EQ(limiter.take("a", kStart + 1min), 1s);
}

TEST(RateLimiter, LimitsEachKeyForItself) {
  RateLimiter limiter({1, 1});
  EXPECT_EQ(limiter.take("a", kStart), 0ms);
  EXPECT_EQ(limiter.take("b", kStart), 0ms);
  EXPECT_GT(limiter.take("a", kStart), 0ms);
}

TEST(RateLimiter, ALookDoesNotCount) {
  RateLimiter limiter({1, 1});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limiter.look("a", kStart), 0ms);
  EXPECT_EQ(limiter.take("a", kStart), 0ms);
  EXPECT_EQ(limiter.look("a", kStart), 1s);
  EXPECT_EQ(limiter.take("a", kStart + 1s), 0ms);
}

TEST(RateLimiter, LimitsNothingAtAllIfSo) {
  RateLimiter limiter({0, 1});
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(limiter.take("a", kStart), 0ms);
  EXPECT_EQ(limiter.size(), 0U);
}

TEST(RateLimiter, RemembersNoMoreThanItMay) {
  RateLimiter limiter({1, 1}, 10);
  for (int i = 0; i < 100; ++i) (void)limiter.take(std::to_string(i), kStart);
  EXPECT_EQ(limiter.size(), 10U);
  EXPECT_GT(limiter.take("another", kStart), 0ms) << "it shares what the others have used up";
  // Whoever is remembered keeps his own limit.
  EXPECT_GT(limiter.take("3", kStart), 0ms);
  // Who would be let pass anyway makes room.
  EXPECT_EQ(limiter.take("new", kStart + 10s), 0ms);
  EXPECT_EQ(limiter.size(), 1U);
}

TEST(RateLimiter, TakesASiteOfIpv6ForOneAddress) {
  EXPECT_EQ(addressKey("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(addressKey("2001:db8:1:2::1"), addressKey("2001:db8:1:2:ffff::7"));
  EXPECT_NE(addressKey("2001:db8:1:2::1"), addressKey("2001:db8:1:3::1"));
  EXPECT_NE(addressKey("::ffff:192.0.2.7"), addressKey("::ffff:192.0.2.8"));
  EXPECT_EQ(addressKey("fe80::1%eth0"), addressKey("fe80::2%eth0"));
}

}  // namespace
}  // namespace bco::endpoint
