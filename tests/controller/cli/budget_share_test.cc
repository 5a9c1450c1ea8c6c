#include "cli/budget_share.h"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace bco::cli {
namespace {

class BudgetShareTest : public testing::Test {
 protected:
  BudgetShare shareOf(double perSecond, std::size_t inFlight) {
    BudgetShare share;
    share.allowCalls("readsPerMinute", 60, {perSecond, 10}, bucket_);
    share.allowInFlight(inFlight, limit_);
    return share;
  }
  test::FakeClock clock_;
  std::shared_ptr<http::TokenBucket> bucket_ = std::make_shared<http::TokenBucket>(clock_);
  std::shared_ptr<http::InFlightLimit> limit_ = std::make_shared<http::InFlightLimit>();
};

TEST_F(BudgetShareTest, NamesWhatOthersAllowLessOfAndHowMuch) {
  const BudgetShare mine = shareOf(1000 / 60.0, 8);
  EXPECT_EQ(mine.smaller(), "");
  {
    const BudgetShare theirs = shareOf(5, 2);
    EXPECT_EQ(mine.smaller(), "readsPerMinute 300, not 1000; maxInFlight 2, not 8");
    EXPECT_EQ(theirs.smaller(), "");
  }
  EXPECT_EQ(mine.smaller(), "") << "they have gone";
}

}  // namespace
}  // namespace bco::cli
