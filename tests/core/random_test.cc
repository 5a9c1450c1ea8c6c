#include "core/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "tests/support/fake_random.h"

namespace bco {
namespace {

using namespace std::chrono_literals;

// Gives the numbers it was told, one fill after the other.
class Scripted final : public Random {
 public:
  explicit Scripted(std::vector<std::uint64_t> numbers) : numbers_(std::move(numbers)) {}
  void fill(std::span<std::uint8_t> bytes) override {
    const std::uint64_t number = numbers_.at(next_++);
    ASSERT_EQ(bytes.size(), sizeof number);
    std::copy_n(reinterpret_cast<const std::uint8_t*>(&number), sizeof number, bytes.begin());
  }
  [[nodiscard]] std::size_t used() const { return next_; }

 private:
  std::vector<std::uint64_t> numbers_;
  std::size_t next_ = 0;
};

TEST(Below, StaysBelowAndReachesEveryNumber) {
  test::FakeRandom random;
  std::array<int, 7> seen{};
  for (int i = 0; i < 7000; ++i) ++seen.at(random.below(7));
  for (const int count : seen) {
    EXPECT_GT(count, 850);
    EXPECT_LT(count, 1150);
  }
}

TEST(Below, IsZeroWhenThereIsNoChoice) {
  test::FakeRandom random;
  EXPECT_EQ(random.below(0), 0U);
  EXPECT_EQ(random.below(1), 0U);
}

TEST(Below, DrawsAgainWhatWouldFavourSmallNumbers) {
  // 2^64 - 1 is divisible by 3 and by 5, so the largest number alone is one too many.
  Scripted random({UINT64_MAX, 5});
  EXPECT_EQ(random.below(3), 2U);
  EXPECT_EQ(random.used(), 2U);
  Scripted accepted({UINT64_MAX - 1});
  EXPECT_EQ(accepted.below(3), 2U);
}

TEST(UpTo, IncludesBothEnds) {
  test::FakeRandom random;
  bool zero = false;
  bool longest = false;
  for (int i = 0; i < 200; ++i) {
    const Duration duration = random.upTo(3ms);
    EXPECT_GE(duration, 0ms);
    EXPECT_LE(duration, 3ms);
    zero |= duration == 0ms;
    longest |= duration == 3ms;
  }
  EXPECT_TRUE(zero && longest);
  EXPECT_EQ(random.upTo(0ms), 0ms);
  EXPECT_EQ(random.upTo(-5ms), 0ms);
  EXPECT_GE(random.upTo(Duration::max()), 0ms);
}

}  // namespace
}  // namespace bco
