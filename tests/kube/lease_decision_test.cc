#include "kube/lease_decision.h"

#include <gtest/gtest.h>

namespace bco::kube {
namespace {

using namespace std::chrono_literals;
using enum LeaseMove;

constexpr LeaseTerms kTerms{60s, 15s, 20s};
constexpr SteadyPoint kStart{1h};

LeaseRecord recordOf(const std::string& holder, const std::string& version = "1",
                     Duration duration = 60s) {
  return {holder, duration, version, "{}"};
}

// A state of "me", who has seen `record` at kStart.
LeaseState having(std::optional<LeaseRecord> record, Duration jitter = 0ms) {
  LeaseState state;
  state.view = seen({}, std::move(record), kStart, jitter);
  return state;
}

LeaseState leadingWith(std::optional<LeaseRecord> record) {
  LeaseState state = having(std::move(record));
  state.renewed = kStart;
  return state;
}

LeaseDecision at(const LeaseState& state, Duration elapsed) {
  return decide(state, kTerms, "me", kStart + elapsed);
}

struct Row {
  const char* name;
  LeaseState state;
  Duration elapsed;  // since the Lease was last seen and renewed
  LeaseMove move;
  Duration until = 0ms;
};

LeaseState paused(LeaseState state, Duration until) {
  state.pausedUntil = kStart + until;
  return state;
}

LeaseState outdated(LeaseState state) {
  state.view.known = false;
  return state;
}

LeaseState doubted(LeaseState state) {
  state.doubted = true;
  return state;
}

TEST(LeaseDecision, FollowsItsTable) {
  const std::vector<Row> rows = {
      {"starts by reading", {}, 0s, kRead},
      {"creates what is not there", having(std::nullopt), 0s, kCreate},
      {"creates after its jitter", having(std::nullopt, 300ms), 299ms, kWait, 300ms},
      {"takes what is nobody's", having(recordOf("")), 0s, kTake},
      {"takes after its jitter", having(recordOf(""), 300ms), 299ms, kWait, 300ms},
      {"takes after its jitter, on time", having(recordOf(""), 300ms), 300ms, kTake},
      {"waits for news of another's", having(recordOf("other")), 0s, kWait, 20s},
      {"waits for a short lease", having(recordOf("other", "1", 3s), 100ms), 0s, kWait, 3100ms},
      {"asks when there is no news", having(recordOf("other")), 20s, kRead},
      {"leaves a live one alone", having(recordOf("other")), 59999ms, kRead},
      {"takes a dead one", having(recordOf("other")), 60s, kTake},
      {"asks once more in its jitter", having(recordOf("other"), 400ms), 60399ms, kRead},
      {"takes up its own", having(recordOf("me")), 0s, kTake},
      {"reads again what is out of date", outdated(having(recordOf(""))), 0s, kRead},
      {"waits out a pause", paused(having(recordOf("")), 2s), 1s, kWait, 2s},
      {"goes on after a pause", paused(having(recordOf("")), 2s), 2s, kTake},

      {"leads until the next renewal", leadingWith(recordOf("me")), 14999ms, kWait, 15s},
      {"renews", leadingWith(recordOf("me")), 15s, kRenew},
      {"renews when in doubt", doubted(leadingWith(recordOf("me"))), 1s, kRenew},
      {"renews late", leadingWith(recordOf("me")), 59999ms, kRenew},
      {"loses after the lease duration", leadingWith(recordOf("me")), 60s, kLose},
      {"loses it to another", leadingWith(recordOf("other")), 1s, kLose},
      {"loses it to nobody", leadingWith(recordOf("")), 1s, kLose},
      {"loses what was deleted", leadingWith(std::nullopt), 1s, kLose},
      {"reads after a conflict", outdated(leadingWith(recordOf("me"))), 1s, kRead},
      {"waits out a leader's pause", paused(leadingWith(recordOf("me")), 18s), 17s, kWait, 18s},
      {"pauses to the end at most", paused(leadingWith(recordOf("me")), 70s), 17s, kWait, 60s},
      {"loses in a pause", paused(leadingWith(recordOf("me")), 70s), 60s, kLose},
  };
  for (const Row& row : rows) {
    const LeaseDecision decision = at(row.state, row.elapsed);
    EXPECT_EQ(decision.move, row.move) << row.name;
    if (row.move != kWait) continue;
    EXPECT_EQ(decision.until - kStart, row.until) << row.name;
  }
}

TEST(LeaseView, StartsItsWaitAnewWithEveryChange) {
  LeaseView view = seen({}, recordOf("other", "1"), kStart, 0ms);
  view = seen(view, recordOf("other", "2"), kStart + 15s, 0ms);
  EXPECT_EQ(view.freeFrom, kStart + 75s);
  EXPECT_EQ(view.lookedAt, kStart + 15s);
}

TEST(LeaseView, DoesNotStartItsWaitAnewForWhatItHasSeenBefore) {
  LeaseView view = seen({}, recordOf("other", "1"), kStart, 0ms);
  view.known = false;
  view = seen(view, recordOf("other", "1"), kStart + 50s, 500ms);
  EXPECT_EQ(view.freeFrom, kStart + 60s);
  EXPECT_EQ(view.lookedAt, kStart + 50s);
  EXPECT_TRUE(view.known);
}

TEST(LeaseView, HoldsALeaseDeletedUnderItsHolderForAliveUntilItWouldHaveEnded) {
  LeaseView view = seen({}, recordOf("other", "1"), kStart, 0ms);
  view = seen(view, std::nullopt, kStart + 10s, 100ms);
  EXPECT_EQ(view.freeFrom, kStart + 60s);
  view = seen(view, std::nullopt, kStart + 70s, 100ms);
  EXPECT_EQ(view.freeFrom, kStart + 60s) << "still gone is no change";
}

TEST(LeaseView, FreesALeaseDeletedAfterItsEndAtOnce) {
  LeaseView view = seen({}, recordOf("", "1"), kStart, 0ms);
  view = seen(view, std::nullopt, kStart + 10s, 100ms);
  EXPECT_EQ(view.freeFrom, kStart + 10s + 100ms);
}

}  // namespace
}  // namespace bco::kube
