#include "http/in_flight_limit.h"

#include <gmock/gmock.h>

#include <string>

namespace bco::http {
namespace {

using testing::ElementsAre;

class InFlightLimitTest : public testing::Test {
 protected:
  // As a pool of this name, which is told when to try again.
  bool enter(const std::string& name, bool isThere = true) {
    return limit_.enter(&names_[name], [this, name, isThere] {
      if (isThere) woken_.push_back(name);
      return isThere;
    });
  }

  InFlightLimit limit_;
  std::shared_ptr<const std::size_t> two_ = std::make_shared<const std::size_t>(2);
  std::vector<std::string> woken_;
  std::map<std::string, int> names_;
};

TEST_F(InFlightLimitTest, HoldsForAllWhoShareIt) {
  limit_.limitTo(two_);
  EXPECT_TRUE(enter("a"));
  EXPECT_TRUE(enter("b"));
  EXPECT_FALSE(enter("a"));
  limit_.leave();
  EXPECT_TRUE(enter("b"));
}

TEST_F(InFlightLimitTest, TheSmallestCountsForAsLongAsItIsHeld) {
  auto five = std::make_shared<const std::size_t>(5);
  limit_.limitTo(five);
  EXPECT_EQ(limit_.limit(), 5U);
  limit_.limitTo(two_);
  EXPECT_EQ(limit_.limit(), 2U);
  two_.reset();
  EXPECT_EQ(limit_.limit(), 5U);
}

TEST_F(InFlightLimitTest, WakesWhoWaitsInTurnAndOnceEach) {
  limit_.limitTo(two_);
  ASSERT_TRUE(enter("a") && enter("a"));
  EXPECT_FALSE(enter("b") || enter("c") || enter("b"));
  limit_.leave();
  EXPECT_THAT(woken_, ElementsAre("b"));
  ASSERT_TRUE(enter("b"));
  limit_.leave();
  EXPECT_THAT(woken_, ElementsAre("b", "c"));
}

TEST_F(InFlightLimitTest, PassesOverWhoHasGoneAndOnWhatIsNotWanted) {
  limit_.limitTo(two_);
  ASSERT_TRUE(enter("a") && enter("a"));
  EXPECT_FALSE(enter("gone", false) || enter("b") || enter("c"));
  limit_.leave();
  EXPECT_THAT(woken_, ElementsAre("b"));
  limit_.passOn();  // b has nothing to send any more
  EXPECT_THAT(woken_, ElementsAre("b", "c"));
  ASSERT_TRUE(enter("c"));
  limit_.passOn();
  EXPECT_THAT(woken_, ElementsAre("b", "c"));
}

}  // namespace
}  // namespace bco::http
