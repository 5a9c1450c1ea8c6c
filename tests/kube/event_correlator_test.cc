#include "kube/event_correlator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/support/fake_clock.h"
#include "tests/support/fake_random.h"

namespace bco::kube {
namespace {

using namespace std::chrono_literals;
using ::testing::StartsWith;

class EventCorrelatorTest : public ::testing::Test {
 protected:
  std::optional<EventEntry> tell(const std::string& message, const std::string& name = "dev",
                                 const std::string& reason = "Provisioned",
                                 EventType type = EventType::kNormal) {
    const ObjectReference about{"BalenaDevice", "provisioning.balena-clearblade.io/v1alpha1", "iot",
                                name, "uid-of-" + name};
    return correlator_.correlate({about, type, reason, message, clock_.now()}, clock_.steadyNow());
  }

  test::FakeClock clock_;
  test::FakeRandom random_;
  EventCorrelator correlator_{random_};
};

TEST_F(EventCorrelatorTest, MakesAnEventOfItsOwnOfWhatIsNew) {
  const auto first = tell("key 0 stored");
  ASSERT_TRUE(first);
  EXPECT_THAT(first->name, ::testing::MatchesRegex("dev\\.[0-9a-f]+"));
  EXPECT_EQ(first->name.size(), 4U + 16U);
  EXPECT_EQ(first->message, "key 0 stored");
  EXPECT_EQ(first->count, 1);
  EXPECT_EQ(first->first, clock_.now());

  std::set<std::string> names{first->name};
  for (const auto& other :
       {tell("key 1 stored"), tell("key 0 stored", "other"), tell("key 0 stored", "dev", "Rotated"),
        tell("key 0 stored", "dev", "Provisioned", EventType::kWarning)}) {
    ASSERT_TRUE(other);
    EXPECT_EQ(other->count, 1);
    names.insert(other->name);
  }
  EXPECT_EQ(names.size(), 5U);
}

TEST_F(EventCorrelatorTest, CountsWhatIsRepeatedWithinTenMinutesOfTheLastTime) {
  const auto first = tell("no answer");
  const TimePoint start = clock_.now();
  for (int count = 2; count <= 4; ++count) {
    clock_.advance(10min);
    const auto again = tell("no answer");
    EXPECT_EQ(again->name, first->name);
    EXPECT_EQ(again->count, count);
    EXPECT_EQ(again->first, start);
  }
  clock_.advance(10min + 1ms);
  const auto later = tell("no answer");
  EXPECT_NE(later->name, first->name);
  EXPECT_EQ(later->count, 1);
  EXPECT_EQ(later->first, clock_.now());
}

TEST_F(EventCorrelatorTest, CombinesTheEleventhDifferentMessageAndThoseAfterIt) {
  for (int i = 1; i <= 10; ++i) {
    EXPECT_EQ(tell("message " + std::to_string(i))->message, "message " + std::to_string(i));
  }
  const auto eleventh = tell("message 11");
  EXPECT_EQ(eleventh->message, "(combined from similar events): message 11");
  EXPECT_EQ(eleventh->count, 1);
  const auto twelfth = tell("message 12");
  EXPECT_EQ(twelfth->message, "(combined from similar events): message 12");
  EXPECT_EQ(twelfth->name, eleventh->name);
  EXPECT_EQ(twelfth->count, 2);

  EXPECT_EQ(tell("message 3")->message, "message 3") << "known as itself";
  EXPECT_EQ(tell("message 13", "dev", "Rotated")->message, "message 13") << "of another reason";
  EXPECT_EQ(tell("message 13", "other")->message, "message 13") << "of another object";

  clock_.advance(10min + 1ms);
  EXPECT_EQ(tell("message 14")->message, "message 14") << "after a pause";
}

TEST_F(EventCorrelatorTest, KeepsACombinedMessageWithinItsLimit) {
  for (int i = 1; i <= 10; ++i) tell(std::to_string(i));
  const auto combined = tell(std::string(kMaxMessage, 'x'));
  EXPECT_THAT(combined->message, StartsWith("(combined from similar events): xxx"));
  EXPECT_EQ(combined->message.size(), kMaxMessage);
}

TEST_F(EventCorrelatorTest, LetsAnObjectTellTwentyFiveAtOnceAndThenOneEveryFiveMinutes) {
  for (int i = 1; i <= 25; ++i) EXPECT_TRUE(tell("again")) << i;
  EXPECT_FALSE(tell("again"));
  EXPECT_TRUE(tell("again", "other")) << "each object has its own";
  clock_.advance(5min - 1ms);
  EXPECT_FALSE(tell("again"));
  clock_.advance(1ms);
  const auto later = tell("again");
  ASSERT_TRUE(later);
  EXPECT_EQ(later->count, 28) << "what was not told is counted";
  EXPECT_FALSE(tell("again"));
  clock_.advance(1h);
  for (int i = 1; i <= 12; ++i) EXPECT_TRUE(tell("an hour later"));
  EXPECT_FALSE(tell("an hour later"));
  clock_.advance(1000h);
  for (int i = 1; i <= 25; ++i) EXPECT_TRUE(tell("much later"));
  EXPECT_FALSE(tell("much later")) << "no more than the burst is saved up";
}

TEST_F(EventCorrelatorTest, ForgetsTheObjectsNotToldOfForLongest) {
  const auto oldest = tell("hello", "oldest");
  const auto old = tell("hello", "old");
  for (int i = 0; i < 4095; ++i) (void)tell("hello", std::to_string(i));
  EXPECT_EQ(tell("hello", "old")->count, 2);
  EXPECT_EQ(tell("hello", "oldest")->count, 1);
}

TEST_F(EventCorrelatorTest, GivesNamesThatTheApiServerAccepts) {
  const auto entry = tell("hello", std::string(235, 'a') + ".-" + std::string(16, 'b'));
  EXPECT_EQ(entry->name.size(), 235U + 17U) << "a part may not end with a dot or a dash";
  EXPECT_THAT(entry->name, StartsWith(std::string(235, 'a') + '.'));
  EXPECT_EQ(tell("hello", std::string(253, 'a'))->name.size(), 253U);
}

TEST_F(EventCorrelatorTest, NamesWhatComesLaterSoThatItIsSortedBehind) {
  std::string last;
  for (int i = 0; i < 25; ++i) {
    const std::string name = tell("message", "dev", std::to_string(i))->name;
    EXPECT_GT(name, last) << i;
    last = name;
    if (i % 3 == 0) clock_.advance(1ms);
  }
}

TEST(LruMap, ForgetsTheOldestAndKeepsWhatIsUsed) {
  LruMap<int, std::string> map(2);
  map[1] = "one";
  map[2] = "two";
  EXPECT_EQ(map[1], "one");
  map[3] = "three";
  EXPECT_EQ(map.size(), 2U);
  EXPECT_EQ(map[1], "one");
  EXPECT_EQ(map[2], "") << "forgotten";
}

}  // namespace
}  // namespace bco::kube
