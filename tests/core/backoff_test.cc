#include "core/backoff.h"

#include <gtest/gtest.h>

#include "tests/support/fake_random.h"

namespace bco {
namespace {

using namespace std::chrono_literals;

// The shortest and the longest of many waits.
std::pair<Duration, Duration> range(const BackoffPolicy& policy, int failures) {
  test::FakeRandom random;
  Duration shortest = Duration::max();
  Duration longest = Duration::zero();
  for (int i = 0; i < 2000; ++i) {
    const Duration wait = backoff(policy, failures, random);
    shortest = std::min(shortest, wait);
    longest = std::max(longest, wait);
  }
  return {shortest, longest};
}

TEST(Backoff, DoublesItsCeilingAndKeepsItsFloor) {
  const BackoffPolicy policy;
  for (const auto& [failures, ceiling] :
       {std::pair<int, Duration>{1, 1s}, {2, 2s}, {3, 4s}, {9, 256s}}) {
    const auto [shortest, longest] = range(policy, failures);
    EXPECT_GE(shortest, 500ms) << failures;
    EXPECT_LT(shortest, 510ms + ceiling / 20) << failures;
    EXPECT_LE(longest, ceiling) << failures;
    EXPECT_GT(longest, ceiling * 9 / 10) << failures;
  }
}

TEST(Backoff, StopsGrowingAtTheLongest) {
  for (const int failures : {10, 100, INT_MAX}) {
    const auto [shortest, longest] = range({}, failures);
    EXPECT_LE(longest, 5min);
    EXPECT_GT(longest, 4min);
    EXPECT_GE(shortest, 500ms);
  }
}

TEST(Backoff, TakesTheFirstWaitForFewerThanOneFailure) {
  EXPECT_LE(range({}, 0).second, 1s);
  EXPECT_LE(range({}, -7).second, 1s);
}

TEST(Backoff, ObeysALongestBelowTheInitial) {
  const auto [shortest, longest] = range({.initial = 1s, .longest = 100ms}, 5);
  EXPECT_EQ(shortest, 100ms);
  EXPECT_EQ(longest, 100ms);
}

}  // namespace
}  // namespace bco
