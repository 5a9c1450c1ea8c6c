#include "reconcile/renewal_pace.h"

#include <gtest/gtest.h>

namespace bco {
namespace {

using namespace std::chrono_literals;

const TimePoint kBegin = *parseRfc3339("2026-11-23T08:00:00Z");
const api::ObjectKey kPaced{"default", "sensors"};

TEST(RenewalPaces, LetSoManyStartAndGiveTheOthersTheirTimes) {
  RenewalPace pace;
  EXPECT_EQ(pace.startOf(kPaced, "a", 2, kBegin), kBegin);
  EXPECT_EQ(pace.startOf(kPaced, "b", 2, kBegin + 10s), kBegin + 10s);
  EXPECT_EQ(pace.startOf(kPaced, "c", 2, kBegin + 20s), kBegin + 1min);
  EXPECT_EQ(pace.startOf(kPaced, "d", 2, kBegin + 20s), kBegin + 70s);
  EXPECT_EQ(pace.startOf(kPaced, "e", 2, kBegin + 20s), kBegin + 2min);
}

TEST(RenewalPaces, KeepWhatTheyHaveGiven) {
  RenewalPace pace;
  EXPECT_EQ(pace.startOf(kPaced, "a", 1, kBegin), kBegin);
  EXPECT_EQ(pace.startOf(kPaced, "b", 1, kBegin), kBegin + 1min);
  EXPECT_EQ(pace.startOf(kPaced, "b", 1, kBegin + 30s), kBegin + 1min);
  EXPECT_EQ(pace.startOf(kPaced, "b", 1, kBegin + 1min), kBegin + 1min);
  // Failed, and tried again.
  EXPECT_EQ(pace.startOf(kPaced, "b", 1, kBegin + 90s), kBegin + 90s);
  EXPECT_EQ(pace.startOf(kPaced, "c", 1, kBegin + 90s), kBegin + 2min);
}

TEST(RenewalPaces, LetPlacesOfThoseThatDoNotComeLapse) {
  RenewalPace pace;
  EXPECT_EQ(pace.startOf(kPaced, "a", 1, kBegin), kBegin);
  EXPECT_EQ(pace.startOf(kPaced, "b", 1, kBegin), kBegin + 1min);
  EXPECT_EQ(pace.startOf(kPaced, "c", 1, kBegin + 5min), kBegin + 5min);
}

TEST(RenewalPaces, AreEachFleetsOwn) {
  RenewalPace pace;
  EXPECT_EQ(pace.startOf(kPaced, "a", 1, kBegin), kBegin);
  EXPECT_EQ(pace.startOf({"default", "gateways"}, "b", 1, kBegin), kBegin);
}

}  // namespace
}  // namespace bco
