#include "http/upstream.h"

#include <gmock/gmock.h>

#include <deque>

#include "tests/http/stepping_clock.h"
#include "tests/support/fake_random.h"

namespace bco::http {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

// Answers from a script, one entry for each request, then with 200.
struct Script {
  std::deque<Result<Response>> answers;
  std::vector<std::string> urls;  // as they were sent
  int batches = 0;
  Duration turnAfter{0};  // until there is a connection
  Duration takes{0};      // until the answer
};

class ScriptedTransport final : public PooledTransport {
 public:
  ScriptedTransport(Script& script, test::SteppingClock& clock) : script_(script), clock_(clock) {}
  using PooledTransport::sendAll;
  std::vector<Result<Response>> sendAll(std::span<const Request> requests,
                                        const MaySend& maySend) override {
    ++script_.batches;
    clock_.advance(script_.turnAfter);
    std::vector<Result<Response>> results;
    for (const auto& request : requests) {
      if (Status may = maySend(results.size()); !may) {
        results.push_back(fail(std::move(may.error())));
        continue;
      }
      script_.urls.push_back(request.url);
      if (script_.answers.empty()) {
        results.push_back(Response{.status = 200, .headers = {}, .body = {}});
      } else {
        results.push_back(std::move(script_.answers.front()));
        script_.answers.pop_front();
      }
    }
    clock_.advance(script_.takes);
    return results;
  }

 private:
  Script& script_;
  test::SteppingClock& clock_;
};

class Recorder final : public AttemptObserver {
 public:
  void onAttempt(std::string_view kind, std::string_view outcome, Duration duration,
                 bool mayLand) override {
    seen.push_back(std::string(kind) + " " + std::string(outcome) + " " + formatDuration(duration) +
                   (mayLand ? " may land" : ""));
  }
  std::vector<std::string> seen;
};

Request read(const std::string& url = "https://cloud/read") {
  Request request;
  request.kind = "read";
  request.url = url;
  return request;
}

Request write(const std::string& url = "https://cloud/write",
              CallClass callClass = CallClass::kUpdate) {
  Request request = read(url);
  request.kind = "write";
  request.method = Method::kPost;
  request.callClass = callClass;
  return request;
}

template <class... Requests>
std::vector<Request> batch(Requests... requests) {
  std::vector<Request> all;
  (all.push_back(std::move(requests)), ...);
  return all;
}

Result<Response> status(int code, Headers headers = {}) {
  return Response{.status = code, .headers = std::move(headers), .body = {}};
}

Result<Response> unavailable(bool outcomeUnknown) {
  Error error{ErrorCode::kUnavailable, "gone"};
  error.outcomeUnknown = outcomeUnknown;
  return fail(error);
}

class UpstreamTest : public testing::Test {
 protected:
  Upstream make(UpstreamOptions options = {.name = "cloud"}) {
    return Upstream(
        std::move(options), std::make_unique<ScriptedTransport>(script_, clock_), budgets_,
        [this] { return gate_(); }, recorder_, clock_, random_);
  }

  test::SteppingClock clock_;
  test::FakeRandom random_;
  Recorder recorder_;
  Script script_;
  std::function<bool()> gate_ = [] { return true; };
  Budgets budgets_ = Budgets::shared(
      std::make_shared<TokenBucket>(BucketOptions{.perSecond = 10, .burst = 10}, clock_));
};

TEST_F(UpstreamTest, PassesABatchOnAsOne) {
  Upstream upstream = make();
  const auto results = upstream.sendAll(batch(read("a"), write("b"), read("c")));
  EXPECT_EQ(results.size(), 3U);
  EXPECT_EQ(script_.batches, 1);
  EXPECT_THAT(script_.urls, ElementsAre("a", "b", "c"));
}

TEST_F(UpstreamTest, RepeatsAReadAndNotAWriteWhoseOutcomeIsUnknown) {
  script_.answers = {unavailable(true), unavailable(true), status(503), status(502)};
  Upstream upstream = make();
  const auto results = upstream.sendAll(batch(read("a"), write("b"), read("c"), write("d")));
  EXPECT_THAT(script_.urls, ElementsAre("a", "b", "c", "d", "a", "c"));
  EXPECT_TRUE(results[0]);
  EXPECT_TRUE(results[1].error().outcomeUnknown);
  EXPECT_EQ(results[2]->status, 200);
  EXPECT_EQ(results[3]->status, 502);
}

TEST_F(UpstreamTest, FearsNoLateWriteOfWhatAnybodyMayWrite) {
  script_.answers = {status(500), status(500), unavailable(true), unavailable(true)};
  Request anybodys = write("b");
  anybodys.isAnybodys = true;
  Upstream upstream = make();
  (void)upstream.sendAll(batch(write("a"), anybodys.clone(), write("c"), anybodys.clone()));
  EXPECT_THAT(recorder_.seen, ElementsAre("write 500 0s may land", "write 500 0s",
                                          "write unavailable 0s may land", "write unavailable 0s"));
}

TEST_F(UpstreamTest, RepeatsAWriteOfWhichNothingWasSent) {
  script_.answers = {unavailable(false)};
  Upstream upstream = make();
  EXPECT_TRUE(upstream.send(write()));
  EXPECT_EQ(script_.batches, 2);
}

TEST_F(UpstreamTest, RepeatsAFewTimesOnly) {
  for (int i = 0; i < 10; ++i) script_.answers.push_back(status(503));
  Upstream upstream = make();
  EXPECT_EQ(upstream.send(read())->status, 503);
  EXPECT_EQ(script_.batches, 3);
}

TEST_F(UpstreamTest, StartsNoAttemptThatCouldEndAfterTheTotalDeadline) {
  for (int i = 0; i < 10; ++i) script_.answers.push_back(fail(ErrorCode::kDeadline, "slow"));
  script_.takes = 15s;
  Upstream upstream = make({.name = "cloud", .attemptDeadline = 15s, .totalDeadline = 40s});
  EXPECT_EQ(upstream.send(read()).error().code, ErrorCode::kDeadline);
  EXPECT_EQ(script_.batches, 2);
  EXPECT_LE(clock_.elapsed(), 40s);
}

TEST_F(UpstreamTest, RepeatsNothingLaterForABudgetThatTheFirstAttemptDidNotWaitFor) {
  for (int i = 0; i < 10; ++i) script_.answers.push_back(status(503));
  budgets_ = Budgets::shared(
      std::make_shared<TokenBucket>(BucketOptions{.perSecond = 0.05, .burst = 1}, clock_));
  Upstream upstream = make({.name = "cloud", .attemptDeadline = 1s, .totalDeadline = 5s});
  Request listing = read();
  listing.maxBudgetWait = 30s;
  const auto result = upstream.send(listing);
  ASSERT_TRUE(result) << "what was not sent hides the outage: " << result.error().message;
  EXPECT_EQ(result->status, 503);
  EXPECT_EQ(script_.batches, 1) << "the second would come after twenty seconds";
  EXPECT_LE(clock_.elapsed(), 5s);
}

TEST_F(UpstreamTest, PutsWhatTheFirstAttemptWaitedForTheBudgetOnTop) {
  for (int i = 0; i < 10; ++i) script_.answers.push_back(status(503));
  budgets_ = Budgets::shared(
      std::make_shared<TokenBucket>(BucketOptions{.perSecond = 0.5, .burst = 1}, clock_));
  ASSERT_TRUE(budgets_.read->take(1, 0ms));
  Upstream upstream = make({.name = "cloud", .attemptDeadline = 1s, .totalDeadline = 4s});
  Request listing = read();
  listing.maxBudgetWait = 30s;
  ASSERT_TRUE(upstream.send(listing));
  EXPECT_EQ(script_.batches, 2) << "after 2 s and after 4 s; the third would end after 6 s";
  EXPECT_LE(clock_.elapsed(), 6s);
}

TEST_F(UpstreamTest, SendsNoWriteWhileTheGateIsClosed) {
  gate_ = [] { return false; };
  Upstream upstream = make();
  const auto results = upstream.sendAll(batch(write("a"), read("b")));
  EXPECT_EQ(results[0].error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(traitsOf(results[0].error().code).transient) << "the next leader makes it";
  EXPECT_FALSE(results[0].error().outcomeUnknown);
  EXPECT_THAT(results[0].error().message, HasSubstr("lease"));
  EXPECT_TRUE(results[1]);
  EXPECT_THAT(script_.urls, ElementsAre("b"));
  EXPECT_EQ(clock_.elapsed(), 0ms) << "it is not repeated";
}

TEST_F(UpstreamTest, AsksNoGateForWritesThatAreAnybodysToMake) {
  gate_ = [] { return false; };
  Upstream upstream = make();
  Request request = write();
  request.isAnybodys = true;
  EXPECT_TRUE(upstream.send(request));
  EXPECT_TRUE(request.clone().isAnybodys);
}

TEST_F(UpstreamTest, TakesItsOwnRefusalsForNoFailureOfTheUpstream) {
  Upstream upstream = make({.name = "cloud", .breaker = {.failures = 1}});
  gate_ = [] { return false; };
  EXPECT_FALSE(upstream.send(write()));
  gate_ = [] { return true; };
  script_.turnAfter = 26s;
  EXPECT_FALSE(upstream.send(write()));
  EXPECT_EQ(upstream.breaker(), Breaker::State::kClosed);
  EXPECT_TRUE(recorder_.seen.empty());
}

TEST_F(UpstreamTest, AsksTheGateAgainWhenItHasAConnection) {
  const TimePoint lost = clock_.now() + 100ms;
  gate_ = [&] { return clock_.now() < lost; };
  script_.turnAfter = 1s;
  Upstream upstream = make();
  const auto results = upstream.sendAll(batch(write("a"), read("b")));
  ASSERT_FALSE(results[0]);
  EXPECT_EQ(results[0].error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(script_.urls, ElementsAre("b"));
  EXPECT_EQ(script_.batches, 1) << "it is not repeated";
}

TEST_F(UpstreamTest, SendsNothingThatRestsOnAnObservationWhichIsTooOld) {
  Upstream upstream = make({.name = "cloud", .breaker = {.failures = 1}});
  Request request = write();
  request.sendBefore = clock_.steadyNow() + 5s;
  EXPECT_TRUE(upstream.send(request));
  script_.turnAfter = 6s;
  for (const int batches : {2, 2}) {  // at its turn, and at once
    const auto result = upstream.send(request);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
    EXPECT_THAT(result.error().message, HasSubstr("too old"));
    EXPECT_FALSE(result.error().outcomeUnknown);
    EXPECT_EQ(script_.batches, batches);
  }
  EXPECT_EQ(script_.urls.size(), 1U);
  EXPECT_EQ(upstream.breaker(), Breaker::State::kClosed);
}

TEST_F(UpstreamTest, RepeatsNothingThatHasBecomeTooOldMeanwhile) {
  script_.answers = {unavailable(false)};
  script_.takes = 6s;
  Upstream upstream = make();
  Request request = write();
  request.sendBefore = clock_.steadyNow() + 5s;
  const auto result = upstream.send(request);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("gone")) << "the outage, not our own refusal";
  EXPECT_EQ(script_.urls.size(), 1U);
}

TEST_F(UpstreamTest, WaitsForAConnectionAsLongAsAnAttemptCouldStillEndInTime) {
  for (const auto& [attemptDeadline, longest] :
       {std::pair(15s, 25s), std::pair(30s, 30s), std::pair(60s, 60s)}) {
    Upstream upstream =
        make({.name = "cloud", .attemptDeadline = attemptDeadline, .totalDeadline = 40s});
    script_.turnAfter = longest;
    EXPECT_TRUE(upstream.send(write()));
    script_.turnAfter = longest + 1s;
    const auto result = upstream.send(write());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kThrottled);
    EXPECT_FALSE(result.error().outcomeUnknown);
    EXPECT_THAT(result.error().message, HasSubstr("maxInFlight"));
  }
  EXPECT_EQ(script_.batches, 6) << "what had to wait too long is not repeated";
  EXPECT_EQ(script_.urls.size(), 3U);
}

TEST_F(UpstreamTest, AsksTheGateAgainAfterWaitingForTheBudget) {
  const TimePoint lost = clock_.now() + 100ms;
  gate_ = [&] { return clock_.now() < lost; };
  ASSERT_TRUE(budgets_.update->take(10, 0ms));
  Upstream upstream = make();
  Request request = write();
  request.maxBudgetWait = 1s;
  const auto result = upstream.send(request);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(script_.urls.empty());
}

TEST_F(UpstreamTest, ReturnsACallThatWouldWaitTooLongForItsBudget) {
  ASSERT_TRUE(budgets_.read->take(10, 0ms));
  Upstream upstream = make();
  const auto result = upstream.sendAll(batch(read(), read(), read(), read())).front();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kThrottled);
  EXPECT_EQ(result.error().retryAfter, 400ms);
  EXPECT_THAT(result.error().message, HasSubstr("cloud: "));
  EXPECT_EQ(script_.batches, 0);
  Request listing = read();
  listing.maxBudgetWait = 10s;
  EXPECT_TRUE(upstream.send(listing));
}

TEST_F(UpstreamTest, DrawsEachClassFromItsOwnBudget) {
  const auto bucket = [this] {
    return std::make_shared<TokenBucket>(BucketOptions{.perSecond = 0.1, .burst = 1}, clock_);
  };
  budgets_ = {bucket(), bucket(), bucket()};
  Upstream upstream = make();
  EXPECT_TRUE(upstream.send(read()));
  EXPECT_FALSE(upstream.send(read()));
  EXPECT_TRUE(upstream.send(write("a", CallClass::kCreateDelete)));
  EXPECT_TRUE(upstream.send(write("b", CallClass::kUpdate)));
  const auto mixed = upstream.sendAll(batch(read(), write("c", CallClass::kUpdate)));
  EXPECT_FALSE(mixed[0]);
  EXPECT_FALSE(mixed[1]);
}

TEST_F(UpstreamTest, DrawsFromTheBudgetInTheLaneOfTheRequest) {
  Upstream upstream = make();
  ASSERT_TRUE(budgets_.read->take(8, 0ms));
  Request page = read();
  page.lane = Lane::kSweep;
  EXPECT_EQ(page.clone().lane, Lane::kSweep);
  page.maxBudgetWait = 0ms;
  EXPECT_FALSE(upstream.send(page)) << "it leaves two and a half to the others";
  EXPECT_TRUE(upstream.sendAll(batch(read(), page.clone()))[1]) << "a batch goes by its best";
  Request urgent = write();
  urgent.lane = Lane::kRevocation;
  EXPECT_TRUE(upstream.send(urgent)) << "though nothing is left";
}

TEST_F(UpstreamTest, TurnsA429IntoAThrottledErrorAndStopsTheBucket) {
  script_.answers = {status(429, {{"Retry-After", "7"}})};
  Upstream upstream = make();
  const auto result = upstream.send(write());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kThrottled);
  EXPECT_EQ(result.error().retryAfter, 7s);
  EXPECT_FALSE(result.error().outcomeUnknown);
  EXPECT_EQ(upstream.send(read()).error().code, ErrorCode::kThrottled) << "they share the bucket";
  clock_.advance(7s);
  EXPECT_TRUE(upstream.send(read()));
}

TEST_F(UpstreamTest, UnderstandsARetryAfterThatIsADate) {
  script_.answers = {status(429, {{"Retry-After", formatHttpDate(clock_.now() + 30s)}})};
  Upstream upstream = make();
  EXPECT_EQ(upstream.send(read()).error().retryAfter, 30s);
}

TEST_F(UpstreamTest, GivesAnUpstreamThatIsDownARestAndProbesIt) {
  for (int i = 0; i < 5; ++i) script_.answers.push_back(unavailable(true));
  Upstream upstream = make({.name = "cloud", .breaker = {.failures = 5, .openFor = 10s}});
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(upstream.send(write()));
  EXPECT_EQ(upstream.breaker(), Breaker::State::kOpen);
  const auto refused = upstream.send(read());
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().retryAfter);
  EXPECT_EQ(script_.batches, 5);
  clock_.advance(10s);
  EXPECT_TRUE(upstream.send(read()));
  EXPECT_EQ(upstream.breaker(), Breaker::State::kClosed);
}

TEST_F(UpstreamTest, TakesABatchForOneCallAndOneAnswerForASignOfLife) {
  budgets_ = Budgets::shared(
      std::make_shared<TokenBucket>(BucketOptions{.perSecond = 100, .burst = 100}, clock_));
  Upstream upstream = make({.name = "cloud", .breaker = {.failures = 3, .openFor = 10s}});
  const auto fails = [&] {
    for (int i = 0; i < 4; ++i) script_.answers.push_back(unavailable(true));
    static_cast<void>(upstream.sendAll(batch(write(), write(), write(), write())));
  };
  fails();
  fails();
  EXPECT_EQ(upstream.breaker(), Breaker::State::kClosed);
  script_.answers = {status(200), unavailable(true)};
  static_cast<void>(upstream.sendAll(batch(write(), write())));
  fails();
  EXPECT_EQ(upstream.breaker(), Breaker::State::kClosed);
  fails();
  fails();
  EXPECT_EQ(upstream.breaker(), Breaker::State::kOpen);
}

TEST_F(UpstreamTest, DoesNotLoseTheProbeToItsTurn) {
  Upstream upstream = make({.name = "cloud", .breaker = {.failures = 1, .openFor = 10s}});
  script_.answers = {unavailable(true)};
  EXPECT_FALSE(upstream.send(write()));
  clock_.advance(10s);
  script_.turnAfter = 26s;
  EXPECT_EQ(upstream.send(read()).error().code, ErrorCode::kThrottled);
  script_.turnAfter = 0s;
  EXPECT_TRUE(upstream.send(read()));
}

TEST_F(UpstreamTest, DoesNotLoseTheProbeToTheBudget) {
  for (int i = 0; i < 5; ++i) script_.answers.push_back(unavailable(true));
  Upstream upstream = make({.name = "cloud", .breaker = {.failures = 5, .openFor = 10s}});
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(upstream.send(write()));
  clock_.advance(10s);
  budgets_.read->stopFor(20s);
  EXPECT_EQ(upstream.send(read()).error().code, ErrorCode::kThrottled);
  clock_.advance(20s);
  EXPECT_TRUE(upstream.send(read()));
}

TEST_F(UpstreamTest, LetsNobodyThroughBesideTheProbe) {
  Upstream upstream = make({.name = "cloud", .breaker = {.failures = 1, .openFor = 10s}});
  script_.answers = {unavailable(true)};
  EXPECT_FALSE(upstream.send(write()));
  clock_.advance(10s);
  // While the probe's write gate is asked, others try.
  int asked = 0;
  gate_ = [&] {
    if (++asked == 2) {
      EXPECT_FALSE(upstream.send(read()));
      EXPECT_FALSE(upstream.send(read()));
    }
    return true;
  };
  EXPECT_TRUE(upstream.send(write()));
  EXPECT_EQ(script_.batches, 2);
}

TEST_F(UpstreamTest, TellsTheObserverOfEachAttempt) {
  script_.answers = {status(503), unavailable(true)};
  script_.takes = 20ms;
  Upstream upstream = make();
  static_cast<void>(upstream.sendAll(batch(read(), write())));
  EXPECT_THAT(recorder_.seen,
              ElementsAre("read 503 20ms", "write unavailable 20ms may land", "read 200 20ms"));
}

TEST_F(UpstreamTest, RepeatsARequestWithItsBody) {
  script_.answers = {unavailable(false), status(200)};
  Upstream upstream = make();
  Request request = write();
  request.headers = {{"X", "y"}};
  request.body = SecretBytes("body");
  request.mayCompress = false;
  request.sendBefore = clock_.steadyNow() + 1h;
  const Request copy = request.clone();
  EXPECT_FALSE(copy.mayCompress);
  EXPECT_EQ(copy.sendBefore, request.sendBefore);
  EXPECT_EQ(copy.body.reveal(), "body");
  EXPECT_EQ(copy.headers, request.headers);
  EXPECT_EQ(copy.callClass, CallClass::kUpdate);
  EXPECT_TRUE(upstream.send(request));
}

}  // namespace
}  // namespace bco::http
