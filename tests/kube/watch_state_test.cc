#include "kube/watch_state.h"

#include <gtest/gtest.h>

#include <ostream>
#include <vector>

namespace bco::kube {

// For messages.
static void PrintTo(const WatchState& state, std::ostream* out) {
  *out << "{phase " << static_cast<int>(state.phase) << ", continue '" << state.continueToken
       << "', version '" << state.resourceVersion << "', canStream " << state.canStream
       << ", hearsBookmarks " << state.hearsBookmarks << "}";
}

namespace {

constexpr auto kStreamingList = WatchPhase::kStreamingList;
constexpr auto kPages = WatchPhase::kPages;
constexpr auto kWatching = WatchPhase::kWatching;

const WatchState kStream{.phase = kStreamingList};
const WatchState kFirstPage{.phase = kPages};
const WatchState kFirstPageForGood{.phase = kPages, .canStream = false};
const WatchState kThirdPage{.phase = kPages, .continueToken = "t2"};
const WatchState kThirdPageForGood{.phase = kPages, .continueToken = "t2", .canStream = false};
const WatchState kWatch{.phase = kWatching, .resourceVersion = "7"};
const WatchState kWatchWithBookmarks{
    .phase = kWatching, .resourceVersion = "7", .hearsBookmarks = true};
const WatchState kWatchForGood{.phase = kWatching, .resourceVersion = "7", .canStream = false};

constexpr bool kPause = true;
constexpr bool kAtOnce = false;

struct Transition {
  WatchState state;
  Happening happening;
  WatchState next;
  bool pause;
};

WatchState watchFrom(const std::string& version, bool canStream = true) {
  return {.phase = kWatching, .resourceVersion = version, .canStream = canStream};
}

void expectRows(const std::vector<Transition>& rows) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto [state, pause] = onHappening(rows[i].state, rows[i].happening);
    EXPECT_EQ(state, rows[i].next) << "row " << i;
    EXPECT_EQ(pause, rows[i].pause) << "row " << i;
  }
}

TEST(WatchState, BeginsWithAStreamingList) { EXPECT_EQ(WatchState{}, kStream); }

TEST(WatchState, FollowsAListThatIsStreamed) {
  expectRows({
      {kStream, Changed{"3"}, kStream, kAtOnce},
      {kStream, ListEnded{"9"}, watchFrom("9"), kAtOnce},
      {kStream, Bookmarked{"3"}, kFirstPageForGood, kAtOnce},
      {kStream, StreamEnded{}, kFirstPage, kPause},
      {kStream, StreamEnded{.atOnce = true}, kFirstPage, kPause},
  });
}

TEST(WatchState, ReadsAListInPages) {
  expectRows({
      {kFirstPage, PageRead{"5", "t1"}, {.phase = kPages, .continueToken = "t1"}, kAtOnce},
      {kThirdPage, PageRead{"5", "t3"}, {.phase = kPages, .continueToken = "t3"}, kAtOnce},
      {kThirdPage, PageRead{"5", ""}, watchFrom("5"), kAtOnce},
      {kFirstPageForGood, PageRead{"5", ""}, watchFrom("5", false), kAtOnce},
  });
}

TEST(WatchState, WatchesFromWhereItGotTo) {
  expectRows({
      {kWatch, Changed{"8"}, watchFrom("8"), kAtOnce},
      {kWatchForGood, Changed{"8"}, watchFrom("8", false), kAtOnce},
      {kWatch, StreamEnded{}, kWatch, kAtOnce},
      {kWatch, StreamEnded{.atOnce = true}, kWatch, kPause},
  });
}

TEST(WatchState, KnowsAServerThatSendsBookmarksUntilAllIsListedAnew) {
  const WatchState later{.phase = kWatching, .resourceVersion = "11", .hearsBookmarks = true};
  expectRows({
      {kWatch, Bookmarked{"11"}, later, kAtOnce},
      {kWatchWithBookmarks, Changed{"11"}, later, kAtOnce},
      {kWatchWithBookmarks, StreamEnded{}, kWatchWithBookmarks, kAtOnce},
      {kWatchWithBookmarks, Failed{ErrorCode::kDeadline}, kWatchWithBookmarks, kPause},
      {kWatchWithBookmarks, Failed{ErrorCode::kUnavailable}, kWatchWithBookmarks, kPause},
      {kWatchWithBookmarks, Failed{ErrorCode::kGone}, kStream, kPause},
  });
}

TEST(WatchState, CountsSilenceAsDeathSoonerWhereBookmarksCome) {
  using std::chrono::seconds;
  EXPECT_EQ(longestSilence(kWatch, seconds(500)), seconds(505));
  EXPECT_EQ(longestSilence(kStream, seconds(60)), seconds(65));
  EXPECT_EQ(longestSilence(kWatchWithBookmarks, seconds(500)), seconds(150));
  EXPECT_EQ(longestSilence(kWatchWithBookmarks, seconds(60)), seconds(65));
}

TEST(WatchState, ListsAnewWhatIsGone) {
  for (const ErrorCode code : {ErrorCode::kGone, ErrorCode::kNotFound}) {
    expectRows({
        {kStream, Failed{code}, kStream, kPause},
        {kFirstPage, Failed{code}, kStream, kPause},
        {kThirdPage, Failed{code}, kStream, kPause},
        {kThirdPageForGood, Failed{code}, kFirstPageForGood, kPause},
        {kWatch, Failed{code}, kStream, kPause},
        {kWatchForGood, Failed{code}, kFirstPageForGood, kPause},
    });
  }
}

TEST(WatchState, ReadsPagesForGoodWhereStreamingListsAreRefused) {
  expectRows({
      {kStream, Failed{ErrorCode::kInvalid}, kFirstPageForGood, kPause},
      {kThirdPage, Failed{ErrorCode::kInvalid}, kThirdPage, kPause},
      {kWatch, Failed{ErrorCode::kInvalid}, kStream, kPause},
      {kWatchForGood, Failed{ErrorCode::kInvalid}, kFirstPageForGood, kPause},
  });
}

TEST(WatchState, ReadsPagesOnceAfterSilence) {
  expectRows({
      {kStream, Failed{ErrorCode::kDeadline}, kFirstPage, kPause},
      {kThirdPage, Failed{ErrorCode::kDeadline}, kThirdPage, kPause},
      {kWatch, Failed{ErrorCode::kDeadline}, kWatch, kPause},
  });
}

TEST(WatchState, TriesTheSameAgainAfterAnythingElse) {
  for (const ErrorCode code :
       {ErrorCode::kAlreadyExists, ErrorCode::kConflict, ErrorCode::kUnauthenticated,
        ErrorCode::kForbidden, ErrorCode::kThrottled, ErrorCode::kUnavailable,
        ErrorCode::kInternal}) {
    for (const WatchState& state : {kStream, kFirstPage, kThirdPage, kThirdPageForGood, kWatch}) {
      expectRows({{state, Failed{code}, state, kPause}});
    }
  }
}

TEST(WatchState, IsNotMovedByWhatCannotHappen) {
  expectRows({
      {kStream, PageRead{"5", ""}, kStream, kAtOnce},
      {kWatch, PageRead{"5", "t"}, kWatch, kAtOnce},
      {kThirdPage, ListEnded{"5"}, kThirdPage, kAtOnce},
      {kThirdPage, Changed{"5"}, kThirdPage, kAtOnce},
      {kThirdPage, Bookmarked{"5"}, kThirdPage, kAtOnce},
  });
}

}  // namespace
}  // namespace bco::kube
