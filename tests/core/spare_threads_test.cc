#include "core/spare_threads.h"

#include <gtest/gtest.h>

#include <atomic>

#include "core/work_queue.h"

namespace bco {
namespace {

// Loops that take keys, of which each is held until it is let go.
class SpareThreadsTest : public testing::Test {
 protected:
  ~SpareThreadsTest() override {
    stop_.request_stop();
    release_ = true;
    release_.notify_all();
  }
  void start(SpareThreads& threads) {
    threads.start([this, &threads] {
      while (const auto key = queue_.take(stop_.get_token())) {
        const SpareThreads::Busy busy(threads);
        ++held_;
        held_.notify_all();
        release_.wait(false);
        queue_.done(*key);
      }
    });
  }
  void untilHeld(int count) {
    for (int now = held_; now < count; now = held_) held_.wait(now);
  }

  SystemClock clock_;
  WorkQueue queue_{clock_};
  std::stop_source stop_;
  std::atomic<int> held_{0};
  std::atomic<bool> release_{false};
};

TEST_F(SpareThreadsTest, OneIsAlwaysFreeHoweverManyAreHeldUp) {
  SpareThreads threads(100);
  for (int i = 0; i < 20; ++i) queue_.add(std::to_string(i), Lane::kFresh);
  start(threads);
  untilHeld(20);
  EXPECT_EQ(threads.size(), 21U);
  stop_.request_stop();
  release_ = true;
  release_.notify_all();
  threads.join();
  EXPECT_EQ(threads.size(), 0U);
}

TEST_F(SpareThreadsTest, ThereAreNeverMoreThanAllowed) {
  SpareThreads threads(2);
  for (int i = 0; i < 3; ++i) queue_.add(std::to_string(i), Lane::kFresh);
  start(threads);
  untilHeld(2);
  EXPECT_EQ(threads.size(), 2U);
  EXPECT_EQ(queue_.depth(), 1U);
  stop_.request_stop();
  release_ = true;
  release_.notify_all();
  threads.join();
}

}  // namespace
}  // namespace bco
