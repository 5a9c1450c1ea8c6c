#include "kube/watch_lines.h"

#include <gmock/gmock.h>

#include <optional>

#include "kube/json.h"

namespace bco::kube {
namespace {

using testing::ElementsAre;

class LineSplitterTest : public testing::Test {
 protected:
  Result<bool> feed(std::string_view piece) {
    return lines_->feed(piece, [this](std::string_view line) {
      seen_.emplace_back(line);
      return true;
    });
  }

  std::optional<LineSplitter> lines_{10};
  std::vector<std::string> seen_;
};

TEST_F(LineSplitterTest, CutsAtLineBreaksWhereverThePiecesEnd) {
  const std::string text = "one\ntwo\n\nthree\n\n\nfour\nfive";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    lines_.emplace(10);
    seen_.clear();
    for (std::size_t i = 0; i < text.size(); i += size) EXPECT_TRUE(*feed(text.substr(i, size)));
    EXPECT_THAT(seen_, ElementsAre("one", "two", "three", "four")) << size;
    EXPECT_TRUE(*feed("\n"));
    EXPECT_EQ(seen_.back(), "five");
  }
}

TEST_F(LineSplitterTest, RefusesALineThatIsTooLong) {
  EXPECT_TRUE(feed("0123456789\n"));
  EXPECT_TRUE(feed("01234"));
  EXPECT_TRUE(feed("56789"));
  const auto refused = feed("x");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInternal);
  EXPECT_THAT(seen_, ElementsAre("0123456789"));
}

TEST_F(LineSplitterTest, RefusesALongLineBetweenShortOnes) {
  EXPECT_FALSE(feed("a\n01234567890\nb\n"));
  EXPECT_THAT(seen_, ElementsAre("a"));
}

TEST_F(LineSplitterTest, EndsWhenItIsTold) {
  int calls = 0;
  EXPECT_FALSE(*lines_->feed("a\nb\nc\n", [&calls](std::string_view) { return ++calls < 2; }));
  EXPECT_EQ(calls, 2);
}

TEST_F(LineSplitterTest, LeavesRoomBehindEachLine) {
  // The last one ends where the text does; whoever writes there sees AddressSanitizer.
  ASSERT_TRUE(lines_->feed("a\nb\n", [](std::string_view line) {
    volatile char sum = 0;
    for (std::size_t i = 0; i < kJsonPadding; ++i) sum = static_cast<char>(sum + line.end()[i]);
    return true;
  }));
}

TEST_F(LineSplitterTest, TakesLongLinesInManyPiecesInLinearTime) {
  // A search from the start for each piece would look at 4e12 bytes.
  LineSplitter lines;
  const std::string piece(1, 'x');
  std::size_t size = 0;
  for (int i = 0; i < 4'000'000; ++i) ASSERT_TRUE(lines.feed(piece, [](auto) { return true; }));
  ASSERT_TRUE(lines.feed("\n", [&size](std::string_view line) {
    size = line.size();
    return true;
  }));
  EXPECT_EQ(size, 4'000'000U);
}

}  // namespace
}  // namespace bco::kube
