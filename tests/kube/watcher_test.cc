#include "kube/watcher.h"

#include <gmock/gmock.h>

#include "kube/watch_lines.h"
#include "tests/http/stepping_clock.h"
#include "tests/kube/scripted_streams.h"
#include "tests/support/fake_random.h"
#include "tests/support/scripted_transport.h"

namespace bco::kube {
namespace {

using namespace std::chrono_literals;
using http::Method;
using testing::AllOf;
using testing::ElementsAre;
using testing::Ge;
using testing::HasSubstr;
using testing::Le;

constexpr Resource kThings{"example.io", "v1", "things"};

std::string thing(const std::string& name, const std::string& version) {
  return R"({"metadata":{"name":")" + name + R"(","resourceVersion":")" + version + R"("}})";
}
std::string event(const std::string& type, const std::string& object) {
  return R"({"type":")" + type + R"(","object":)" + object + "}\n";
}
std::string bookmark(const std::string& version) {
  return event("BOOKMARK", R"({"metadata":{"resourceVersion":")" + version + R"("}})");
}
std::string listEnd(const std::string& version) {
  return event("BOOKMARK", R"({"metadata":{"annotations":{"k8s.io/initial-events-end":"true"},)"
                           R"("resourceVersion":")" +
                               version + R"("}})");
}
std::string refusal(const std::string& reason, int code, const std::string& details = "{}") {
  return R"({"kind":"Status","message":"words","reason":")" + reason + R"(","details":)" + details +
         R"(,"code":)" + std::to_string(code) + "}";
}
std::string page(const std::string& items, const std::string& version,
                 const std::string& continueToken = "") {
  return R"({"metadata":{"resourceVersion":")" + version + R"(","continue":")" + continueToken +
         R"("},"items":[)" + items + "]}";
}

const std::string kBase = "https://host/apis/example.io/v1/things?";
const std::string kStreamUrl = kBase +
                               "watch=true&allowWatchBookmarks=true&timeoutSeconds=60"
                               "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";

std::string pageUrl(const std::string& continueToken = "") {
  return kBase + "limit=500" + (continueToken.empty() ? "" : "&continue=" + continueToken);
}
std::string watchUrl(const std::string& version) {
  return kBase + "watch=true&resourceVersion=" + version +
         "&allowWatchBookmarks=true&timeoutSeconds=300";
}

class WatcherTest : public testing::Test, public WatchSink {
 protected:
  void SetUp() override {
    options_.resource = kThings;
    options_.longestWatch = options_.shortestWatch;  // for URLs that can be foretold
    options_.onTrouble = [this](const WatchTrouble& trouble) {
      troubles_.push_back(trouble);
      told_.push_back("trouble " + std::string(traitsOf(trouble.error.code).label));
    };
  }

  void restart() override { told_.emplace_back("restart"); }
  void put(std::string_view object) override { told_.push_back("put " + nameIn(object)); }
  void drop(std::string_view object) override { told_.push_back("drop " + nameIn(object)); }
  void synced() override { told_.emplace_back("synced"); }

  // Runs until the script's last step, which is the next to be added, has been answered.
  test::ScriptedStreams::Step& lastStream(const std::string& url) {
    return streams_.expect(url).then([this] { stop_.request_stop(); });
  }
  void run() {
    Watcher watcher(client_, options_, *this, clock_, random_);
    watcher.run(stop_.get_token());
    health_ = watcher.health();
  }
  // A stream that lasts.
  std::function<void()> lasting(Duration duration = 1s) {
    return [this, duration] { clock_.advance(duration); };
  }

  test::ScriptedTransport transport_;
  test::ScriptedStreams streams_;
  test::SteppingClock clock_;
  test::FakeRandom random_;
  Client client_{{.server = "https://host"}, transport_, &streams_, clock_};
  WatcherOptions options_{.resource = kThings};
  std::stop_source stop_;
  std::vector<std::string> told_;
  std::vector<WatchTrouble> troubles_;
  WatcherHealth health_;

 private:
  static std::string nameIn(std::string_view object) {
    const auto begin = object.find("\"name\":\"") + 8;
    return std::string(object.substr(begin, object.find('"', begin) - begin));
  }
};

TEST_F(WatcherTest, IsTakenForDeadOnceATurnLastsLongerThanAnyCan) {
  streams_.expect(kStreamUrl).sends(listEnd("6")).then(lasting());
  Watcher watcher(client_, options_, *this, clock_, random_);
  lastStream(watchUrl("6")).then([&] {
    clock_.advance(options_.longestWatch);
    EXPECT_TRUE(watcher.turns());
    clock_.advance(6min);
    EXPECT_FALSE(watcher.turns());
    stop_.request_stop();
  });
  watcher.run(stop_.get_token());
}

// ---- streaming lists

TEST_F(WatcherTest, StreamsTheListAndGoesOnInTheSameStream) {
  streams_.expect(kStreamUrl)
      .sends(event("ADDED", thing("a", "3")) + event("ADDED", thing("b", "5")))
      .sends(listEnd("6") + event("MODIFIED", thing("a", "7")))
      .sends(event("DELETED", thing("b", "8")) + bookmark("12"))
      .then(lasting());
  lastStream(watchUrl("12"));
  run();
  EXPECT_THAT(told_, ElementsAre("restart", "put a", "put b", "synced", "put a", "drop b"));
  EXPECT_EQ(health_.phase, WatchPhase::kWatching);
  EXPECT_TRUE(health_.synced);
  EXPECT_EQ(health_.lists, 1U);
  EXPECT_EQ(health_.changes, 2U);
  EXPECT_EQ(health_.troubles, 0U);
}

TEST_F(WatcherTest, TakesLinesHoweverTheyAreCut) {
  auto& stream = streams_.expect(kStreamUrl);
  for (const char c : event("ADDED", thing("a", "3")) + listEnd("6")) {
    stream.sends(std::string(1, c));
  }
  stream.then(lasting());
  lastStream(watchUrl("6"));
  run();
  EXPECT_THAT(told_, ElementsAre("restart", "put a", "synced"));
}

TEST_F(WatcherTest, ReadsPagesForGoodWhenTheServerRefusesToStreamAList) {
  streams_.expect(kStreamUrl).refuses(422, refusal("Invalid", 422));
  transport_.expect(Method::kGet, pageUrl()).reply(200, page(thing("a", "1"), "5"));
  streams_.expect(watchUrl("5")).refuses(410, refusal("Expired", 410));
  transport_.expect(Method::kGet, pageUrl()).reply(200, page("", "9"));
  lastStream(watchUrl("9"));
  run();
  EXPECT_THAT(told_, ElementsAre("restart", "trouble invalid", "restart", "put a", "synced",
                                 "trouble gone", "restart", "synced"));
}

TEST_F(WatcherTest, ReadsPagesForGoodWhenTheServerIgnoresToBeAskedForAStreamedList) {
  streams_.expect(kStreamUrl).sends(event("ADDED", thing("a", "3")) + bookmark("4") + "rest\n");
  transport_.expect(Method::kGet, pageUrl()).reply(200, page(thing("a", "3"), "5"));
  streams_.expect(watchUrl("5")).refuses(410, refusal("Expired", 410));
  transport_.expect(Method::kGet, pageUrl()).reply(200, page("", "9"));
  lastStream(watchUrl("9"));
  run();
  EXPECT_THAT(told_, ElementsAre("restart", "put a", "restart", "put a", "synced", "trouble gone",
                                 "restart", "synced"));
}

TEST_F(WatcherTest, ReadsPagesOnceWhenAStreamedListDoesNotEnd) {
  streams_.expect(kStreamUrl).sends(event("ADDED", thing("a", "3"))).then(lasting(60s));
  transport_.expect(Method::kGet, pageUrl()).reply(200, page("", "5"));
  streams_.expect(watchUrl("5")).refuses(410, refusal("Expired", 410));
  streams_.expect(kStreamUrl).fails(ErrorCode::kDeadline);
  transport_.expect(Method::kGet, pageUrl()).reply(200, page("", "6"));
  lastStream(watchUrl("6"));
  run();
  EXPECT_THAT(told_,
              ElementsAre("restart", "put a", "trouble unavailable", "restart", "synced",
                          "trouble gone", "restart", "trouble deadline", "restart", "synced"));
}

TEST_F(WatcherTest, BeginsAListAnewThatBrokeOff) {
  streams_.expect(kStreamUrl).sends(event("ADDED", thing("a", "3"))).fails(ErrorCode::kUnavailable);
  streams_.expect(kStreamUrl).sends(listEnd("4")).then(lasting());
  lastStream(watchUrl("4"));
  run();
  EXPECT_THAT(told_, ElementsAre("restart", "put a", "trouble unavailable", "restart", "synced"));
}

// ---- pages

TEST_F(WatcherTest, ReadsAListInPagesAndRepeatsTheOneThatFailed) {
  streams_.expect(kStreamUrl).refuses(400, refusal("BadRequest", 400));
  transport_.expect(Method::kGet, pageUrl())
      .reply(200, page(thing("a", "1") + "," + thing("b", "2"), "5", "t1"));
  transport_.expect(Method::kGet, pageUrl("t1"))
      .fails({.code = ErrorCode::kUnavailable, .message = "cut"});
  transport_.expect(Method::kGet, pageUrl("t1")).reply(200, page(thing("c", "3"), "5", "t2"));
  transport_.expect(Method::kGet, pageUrl("t2")).reply(200, page(thing("d", "4"), "5"));
  lastStream(watchUrl("5"));
  run();
  EXPECT_THAT(told_, ElementsAre("restart", "trouble invalid", "restart", "put a", "put b",
                                 "trouble unavailable", "put c", "put d", "synced"));
}

TEST_F(WatcherTest, ListsAnewWhenThePagesTokenHasExpired) {
  streams_.expect(kStreamUrl).refuses(400, refusal("BadRequest", 400));
  transport_.expect(Method::kGet, pageUrl()).reply(200, page(thing("a", "1"), "5", "t1"));
  transport_.expect(Method::kGet, pageUrl("t1")).reply(410, refusal("Expired", 410));
  transport_.expect(Method::kGet, pageUrl()).reply(200, page(thing("b", "1"), "6"));
  lastStream(watchUrl("6"));
  run();
  EXPECT_THAT(told_, ElementsAre("restart", "trouble invalid", "restart", "put a", "trouble gone",
                                 "restart", "put b", "synced"));
}

TEST_F(WatcherTest, TakesNoOtherAnswerForAPage) {
  streams_.expect(kStreamUrl).refuses(400, refusal("BadRequest", 400));
  transport_.expect(Method::kGet, pageUrl()).reply(200, "<html>");
  transport_.expect(Method::kGet, pageUrl()).reply(200, page("", "6"));
  lastStream(watchUrl("6"));
  run();
  EXPECT_THAT(told_, ElementsAre("restart", "trouble invalid", "restart", "trouble internal",
                                 "restart", "synced"));
}

// ---- watching

TEST_F(WatcherTest, GoesOnFromTheLastVersionWhenTheWatchEnds) {
  streams_.expect(kStreamUrl).sends(listEnd("4")).then(lasting());
  streams_.expect(watchUrl("4")).sends(event("ADDED", thing("a", "5"))).then(lasting());
  streams_.expect(watchUrl("5")).sends(bookmark("9")).fails(ErrorCode::kDeadline);
  lastStream(watchUrl("9"));
  run();
  EXPECT_THAT(told_, ElementsAre("restart", "synced", "put a", "trouble deadline"));
  EXPECT_EQ(health_.lists, 1U);
}

TEST_F(WatcherTest, TellsInWhichPhaseTroubleHappened) {
  streams_.expect(kStreamUrl).sends(listEnd("4")).then(lasting()).fails(ErrorCode::kUnavailable);
  streams_.expect(watchUrl("4")).refuses(410, refusal("Expired", 410));
  streams_.expect(kStreamUrl).refuses(400, refusal("BadRequest", 400));
  transport_.expect(Method::kGet, pageUrl()).reply(503);
  transport_.expect(Method::kGet, pageUrl()).reply(200, page("", "5"));
  lastStream(watchUrl("5"));
  run();
  std::vector<WatchPhase> phases;
  for (const auto& trouble : troubles_) phases.push_back(trouble.phase);
  EXPECT_THAT(phases, ElementsAre(WatchPhase::kWatching, WatchPhase::kWatching,
                                  WatchPhase::kStreamingList, WatchPhase::kPages));
}

TEST_F(WatcherTest, PausesWhenTheServerEndsWatchesAtOnce) {
  streams_.expect(kStreamUrl).sends(listEnd("4")).then(lasting());
  streams_.expect(watchUrl("4")).then(lasting(999ms));
  lastStream(watchUrl("4"));
  run();
  EXPECT_THAT(told_, ElementsAre("restart", "synced", "trouble unavailable"));
  EXPECT_THAT(troubles_.at(0).error.message, HasSubstr("ended the watch too early"));
}

TEST_F(WatcherTest, ListsAnewWhenItsVersionIsTooOld) {
  streams_.expect(kStreamUrl).sends(listEnd("4")).then(lasting());
  streams_.expect(watchUrl("4"))
      .sends(event("ERROR", refusal("Expired", 410)) + event("ADDED", thing("late", "9")));
  streams_.expect(kStreamUrl).sends(listEnd("40")).then(lasting());
  streams_.expect(watchUrl("40")).refuses(410, refusal("Gone", 410));
  lastStream(kStreamUrl);
  run();
  EXPECT_THAT(told_, ElementsAre("restart", "synced", "trouble gone", "restart", "synced",
                                 "trouble gone", "restart"));
  EXPECT_EQ(health_.lists, 3U);
}

TEST_F(WatcherTest, GoesOnAfterAnyOtherErrorEvent) {
  streams_.expect(kStreamUrl).sends(listEnd("4")).then(lasting());
  streams_.expect(watchUrl("4"))
      .sends(event("MODIFIED", thing("a", "5")) + event("ERROR", refusal("InternalError", 500)));
  lastStream(watchUrl("5"));
  run();
  EXPECT_THAT(told_, ElementsAre("restart", "synced", "put a", "trouble unavailable"));
  EXPECT_EQ(troubles_.at(0).error.message, "watching things: words (500)");
  EXPECT_EQ(troubles_.at(0).phase, WatchPhase::kWatching);
}

TEST_F(WatcherTest, GoesOnAfterALineThatIsNoEvent) {
  streams_.expect(kStreamUrl).sends(listEnd("4")).then(lasting());
  streams_.expect(watchUrl("4")).sends("<html>\n" + event("ADDED", thing("a", "5")));
  streams_.expect(watchUrl("4")).sends(std::string(LineSplitter::kLongestLine + 1, 'x'));
  lastStream(watchUrl("4"));
  run();
  EXPECT_THAT(told_, ElementsAre("restart", "synced", "trouble internal", "trouble internal"));
}

TEST_F(WatcherTest, ListsAnewWhenTheKindIsNotThere) {
  streams_.expect(kStreamUrl).sends(listEnd("4")).then(lasting());
  streams_.expect(watchUrl("4")).refuses(404, refusal("NotFound", 404));
  lastStream(kStreamUrl);
  run();
  EXPECT_THAT(told_, ElementsAre("restart", "synced", "trouble not_found", "restart"));
}

TEST_F(WatcherTest, SelectsAndKeepsToItsNamespace) {
  options_.space = "ns";
  options_.labelSelector = "a=b";
  options_.fieldSelector = "c=d";
  options_.pageSize = 7;
  const std::string base = "https://host/apis/example.io/v1/namespaces/ns/things?";
  const std::string selectors = "labelSelector=a%3Db&fieldSelector=c%3Dd";
  streams_
      .expect(base + "watch=true&" + selectors +
              "&allowWatchBookmarks=true&timeoutSeconds=60&sendInitialEvents=true"
              "&resourceVersionMatch=NotOlderThan")
      .refuses(400, refusal("BadRequest", 400));
  transport_.expect(Method::kGet, base + selectors + "&limit=7").reply(200, page("", "5"));
  lastStream(base + "watch=true&" + selectors +
             "&resourceVersion=5&allowWatchBookmarks=true&timeoutSeconds=300");
  run();
}

TEST_F(WatcherTest, WatchesForARandomTimeAndCallsFiveSecondsMoreOfSilenceDeath) {
  options_.longestWatch = 10min;
  streams_.expect(kStreamUrl).sends(listEnd("4")).then(lasting());
  // FakeRandom says the same in every run.
  lastStream(kBase + "watch=true&resourceVersion=4&allowWatchBookmarks=true&timeoutSeconds=548");
  run();
  ASSERT_EQ(streams_.silences().size(), 2U);
  EXPECT_EQ(streams_.silences()[0], 65s);
  EXPECT_THAT(streams_.silences()[1], AllOf(Ge(552s), Le(553s)));
}

TEST_F(WatcherTest, FindsOutAMuteServerSoonOnceItHasSentBookmarks) {
  streams_.onSilence([this](Duration silence) { clock_.advance(silence); });
  streams_.expect(kStreamUrl).sends(listEnd("4")).then(lasting());
  streams_.expect(watchUrl("4")).isSilentFor(5min);
  streams_.expect(watchUrl("4")).sends(bookmark("9")).isSilentFor(149s);
  Duration mute{0};
  streams_.expect(watchUrl("9")).sends(event("ADDED", thing("a", "10"))).isSilentFor(1h);
  streams_.expect(watchUrl("10")).isSilentFor(1h);
  const SteadyPoint start = clock_.steadyNow();
  lastStream(watchUrl("10")).then([&] {
    mute = clock_.steadyNow() - start - 5min - 149s - 1s;
    stop_.request_stop();
  });
  run();
  EXPECT_THAT(told_,
              ElementsAre("restart", "synced", "put a", "trouble deadline", "trouble deadline"));
  EXPECT_THAT(mute, AllOf(Ge(300s), Le(306s))) << "two times, and the pauses after them";
}

// ---- pauses

TEST_F(WatcherTest, PausesFor800MillisecondsAtFirstAndHalfAMinuteAtMost) {
  for (int i = 0; i < 40; ++i) streams_.expect(kStreamUrl).fails(ErrorCode::kUnavailable);
  lastStream(kStreamUrl);
  run();
  ASSERT_EQ(troubles_.size(), 40U);
  EXPECT_THAT(troubles_[0].pause, AllOf(Ge(800ms), Le(1600ms)));
  EXPECT_THAT(troubles_[1].pause, AllOf(Ge(800ms), Le(3200ms)));
  Duration longest{0};
  for (const auto& trouble : troubles_) {
    EXPECT_THAT(trouble.pause, AllOf(Ge(800ms), Le(30s)));
    longest = std::max(longest, trouble.pause);
  }
  EXPECT_GT(longest, 15s) << "they grow";
  EXPECT_EQ(troubles_[39].failures, 40);
}

TEST_F(WatcherTest, ForgetsItsFailuresAfterTwoMinutesOfHealth) {
  for (int i = 0; i < 3; ++i) streams_.expect(kStreamUrl).fails(ErrorCode::kUnavailable);
  streams_.expect(kStreamUrl)
      .sends(listEnd("4"))
      .then(lasting(119s))
      .fails(ErrorCode::kUnavailable);
  streams_.expect(watchUrl("4")).then(lasting(120s)).fails(ErrorCode::kUnavailable);
  lastStream(watchUrl("4"));
  run();
  std::vector<int> failures;
  for (const auto& trouble : troubles_) failures.push_back(trouble.failures);
  EXPECT_THAT(failures, ElementsAre(1, 2, 3, 4, 1));
}

TEST_F(WatcherTest, DoesNotCountALateVersionAsAFailureUnlessNothingElseComes) {
  for (int i = 0; i < 9; ++i) streams_.expect(kStreamUrl).fails(ErrorCode::kUnavailable);
  streams_.expect(kStreamUrl).sends(listEnd("4")).then(lasting());
  for (int i = 0; i < 3; ++i) {
    streams_.expect(watchUrl("4")).refuses(410, refusal("Expired", 410));
    streams_.expect(kStreamUrl).sends(listEnd("4")).then(lasting());
  }
  streams_.expect(watchUrl("4")).refuses(410, refusal("Expired", 410));
  streams_.expect(kStreamUrl).refuses(410, refusal("Expired", 410));
  lastStream(kStreamUrl);
  run();
  std::vector<int> failures;
  for (const auto& trouble : troubles_) failures.push_back(trouble.failures);
  EXPECT_THAT(failures, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9, 9, 10));
  for (std::size_t i = 9; i < 13; ++i) EXPECT_LE(troubles_[i].pause, 1600ms);
}

TEST_F(WatcherTest, WaitsAsLongAsTheServerAsks) {
  streams_.expect(kStreamUrl)
      .refuses(429, refusal("TooManyRequests", 429, R"({"retryAfterSeconds":40})"));
  streams_.expect(kStreamUrl)
      .refuses(429, refusal("TooManyRequests", 429, R"({"retryAfterSeconds":4000})"));
  lastStream(kStreamUrl);
  run();
  EXPECT_EQ(troubles_.at(0).pause, 40s);
  EXPECT_EQ(troubles_.at(1).pause, 60s);
}

// ---- health

TEST_F(WatcherTest, TellsItsTroubleUntilTheServerSaysSomethingGood) {
  streams_.expect(kStreamUrl).refuses(403, refusal("Forbidden", 403));
  lastStream(kStreamUrl).fails(ErrorCode::kUnavailable);
  run();
  ASSERT_TRUE(health_.trouble);
  EXPECT_EQ(health_.trouble->code, ErrorCode::kForbidden);
  EXPECT_EQ(health_.trouble->message, "watching things: words (403)");
  EXPECT_FALSE(health_.synced);

  stop_ = std::stop_source();
  streams_.expect(kStreamUrl).refuses(403, refusal("Forbidden", 403));
  const TimePoint before = clock_.now();
  lastStream(kStreamUrl).sends(listEnd("4"));
  run();
  EXPECT_FALSE(health_.trouble);
  EXPECT_EQ(health_.troubles, 1U);
  EXPECT_GE(health_.lastSync, before);
}

TEST_F(WatcherTest, CountsTheSilenceFromItsStartUntilTheServerSaysSomethingGood) {
  Watcher watcher(client_, options_, *this, clock_, random_);
  EXPECT_EQ(watcher.health().silence, 0s);
  streams_.expect(kStreamUrl).refuses(403, refusal("Forbidden", 403)).then(lasting(10min));
  streams_.expect(kStreamUrl).refuses(403, refusal("Forbidden", 403)).then([&] {
    EXPECT_GE(watcher.health().silence, 10min);
  });
  lastStream(kStreamUrl).sends(bookmark("4")).then([&] {
    EXPECT_EQ(watcher.health().silence, 0s);
    clock_.advance(3min);
    stop_.request_stop();
  });
  watcher.run(stop_.get_token());
  EXPECT_EQ(watcher.health().silence, 3min);
}

TEST_F(WatcherTest, DoesNothingAfterAStop) {
  stop_.request_stop();
  run();
  EXPECT_TRUE(told_.empty());
}

}  // namespace
}  // namespace bco::kube
