#include "http/stream_queue.h"

#include <gtest/gtest.h>

#include <future>

#include "tests/support/fake_clock.h"

namespace bco::http {
namespace {

using Outcome = StreamQueue::Outcome;

class StreamQueueTest : public testing::Test {
 protected:
  SystemClock clock_;
  StreamQueue queue_{10, clock_};
  std::string bytes_;

  StreamQueue::Taken take() { return queue_.take(bytes_, kForever, {}); }
};

TEST_F(StreamQueueTest, GivesTheBytesThatCameSinceTheLastTime) {
  EXPECT_TRUE(queue_.push("ab"));
  EXPECT_TRUE(queue_.push("cd"));
  EXPECT_EQ(take().outcome, Outcome::kBytes);
  EXPECT_EQ(bytes_, "abcd");
  EXPECT_TRUE(queue_.push("e"));
  EXPECT_EQ(take().outcome, Outcome::kBytes);
  EXPECT_EQ(bytes_, "e");
}

TEST_F(StreamQueueTest, AsksToPauseAtItsLimitAndTellsWhoMakesRoom) {
  EXPECT_TRUE(queue_.push("123456789"));
  EXPECT_FALSE(queue_.push("x"));
  EXPECT_TRUE(take().madeRoom);
  EXPECT_EQ(bytes_, "123456789x") << "what came is kept";
  EXPECT_TRUE(queue_.push("y"));
  EXPECT_FALSE(take().madeRoom);
}

TEST_F(StreamQueueTest, EndsAfterTheLastBytes) {
  queue_.begin({.status = 200});
  EXPECT_TRUE(queue_.push("ab"));
  queue_.end(fail(ErrorCode::kUnavailable, "cut"));
  queue_.end(Response{.status = 200});
  EXPECT_EQ(take().outcome, Outcome::kBytes);
  EXPECT_EQ(take().outcome, Outcome::kEnded);
  EXPECT_EQ(queue_.head().status, 200);
  EXPECT_EQ(queue_.result().error().message, "cut") << "the first end counts";
}

TEST_F(StreamQueueTest, WaitsUntilItsDeadline) {
  EXPECT_EQ(queue_.take(bytes_, clock_.steadyNow(), {}).outcome, Outcome::kSilent);
}

TEST_F(StreamQueueTest, WakesWhoWaits) {
  auto taken = std::async(std::launch::async, [this] { return take().outcome; });
  EXPECT_TRUE(queue_.push("a"));
  EXPECT_EQ(taken.get(), Outcome::kBytes);
  taken = std::async(std::launch::async, [this] { return take().outcome; });
  queue_.end(Response{.status = 200});
  EXPECT_EQ(taken.get(), Outcome::kEnded);
}

TEST_F(StreamQueueTest, StopsWhateverWaits) {
  EXPECT_TRUE(queue_.push("a"));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(queue_.take(bytes_, kForever, stop.get_token()).outcome, Outcome::kStopped);
}

}  // namespace
}  // namespace bco::http
