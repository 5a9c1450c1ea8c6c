#include "kube/event_recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "tests/support/fake_clock.h"
#include "tests/support/fake_random.h"

namespace bco::kube {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Json = nlohmann::json;

// Waits take as long as asked, at once; who waits for ever is stopped.
class RunDryClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return inner_.now(); }
  [[nodiscard]] SteadyPoint steadyNow() const override { return inner_.steadyNow(); }
  void wait(std::unique_lock<std::mutex>& /*lock*/, Condition& /*condition*/, SteadyPoint deadline,
            const std::stop_token& /*stop*/) override {
    if (deadline == kForever) {
      stop_.request_stop();
    } else {
      inner_.advance(deadline - steadyNow());
    }
  }
  void wakeAll(Condition& /*condition*/) override {}
  void wakeOne(Condition& /*condition*/) override {}

  [[nodiscard]] std::stop_token stop() const { return stop_.get_token(); }
  void stopNow() { stop_.request_stop(); }
  void advance(Duration by) { inner_.advance(by); }

 private:
  test::FakeClock inner_;
  std::stop_source stop_;
};

http::Response statusOf(int code, const std::string& reason) {
  return {code, {}, Json{{"kind", "Status"}, {"code", code}, {"reason", reason}}.dump()};
}

// As kube-apiserver 1.34 says it.
http::Response endingStatus() {
  return {403,
          {},
          Json{{"kind", "Status"},
               {"code", 403},
               {"reason", "Forbidden"},
               {"message", "unable to create new content in namespace iot"},
               {"details", {{"causes", {{{"reason", "NamespaceTerminating"}}}}}}}
              .dump()};
}

// The events of an API server.
class EventServer final : public http::HttpTransport {
 public:
  [[nodiscard]] std::vector<Result<http::Response>> sendAll(
      std::span<const http::Request> requests) override {
    std::vector<Result<http::Response>> results;
    for (const auto& request : requests) {
      std::lock_guard lock(mutex_);
      results.push_back(handle(request));
    }
    return results;
  }

  std::map<std::string, Json> events;            // by name
  std::vector<std::string> calls;                // "POST", "PATCH"
  std::vector<Result<http::Response>> failures;  // of the next calls, the last first
  bool answersGetLost = false;                   // what fails has taken effect
  std::string ending;                            // a namespace in which nothing can be made
  std::function<void()> onCall = [] {};

 private:
  Result<http::Response> handle(const http::Request& request) {
    calls.emplace_back(nameOf(request.method));
    onCall();
    if (failures.empty()) return serve(request);
    auto failure = std::move(failures.back());
    failures.pop_back();
    if (answersGetLost) (void)serve(request);
    return failure;
  }

  http::Response serve(const http::Request& request) {
    const Json body = Json::parse(request.body.reveal());
    if (request.method == http::Method::kPost) {
      const std::string space = body["metadata"]["namespace"];
      EXPECT_THAT(request.url, HasSubstr("/api/v1/namespaces/" + space + "/events"));
      if (space == ending) return endingStatus();
      const std::string name = body["metadata"]["name"];
      if (events.contains(name)) return statusOf(409, "AlreadyExists");
      events[name] = body;
      return {201, {}, body.dump()};
    }
    const std::string path = request.url.substr(0, request.url.find('?'));
    const auto found = events.find(path.substr(path.rfind('/') + 1));
    const bool isThere =
        found != events.end() &&
        path.find("/namespaces/" + std::string(found->second["metadata"]["namespace"]) + "/") !=
            std::string::npos;
    if (!isThere) return statusOf(404, "NotFound");
    found->second.merge_patch(body);
    return {200, {}, found->second.dump()};
  }

  std::mutex mutex_;
};

ObjectReference device(const std::string& name) {
  return {"BalenaDevice", "provisioning.balena-clearblade.io/v1alpha1", "iot", name,
          "uid-of-" + name};
}

class EventRecorderTest : public ::testing::Test {
 protected:
  void tell(const std::string& message, const std::string& name = "dev") {
    recorder_.event(device(name), EventType::kNormal, "Provisioned", message);
  }
  void run() { recorder_.run(clock_.stop()); }
  // Fails the next call first, then the others.
  void failNext(std::vector<Result<http::Response>> failures) {
    server_.failures = {failures.rbegin(), failures.rend()};
  }
  Json onlyEvent() {
    EXPECT_EQ(server_.events.size(), 1U);
    return server_.events.empty() ? Json() : server_.events.begin()->second;
  }

  EventServer server_;
  RunDryClock clock_;
  test::FakeRandom random_;
  std::ostringstream log_;
  telemetry::Logger logger_{{}, log_};
  Client client_{{"https://kubernetes.default.svc"}, server_, nullptr, clock_};
  EventRecorder recorder_{{"operator", "pod-1"}, client_, clock_, random_, logger_};
};

const Result<http::Response> kDown = fail(ErrorCode::kUnavailable, "connection refused");

TEST_F(EventRecorderTest, MakesAnEventAndCountsItsRepetitions) {
  const TimePoint start = clock_.now();
  tell("key 0 stored");
  clock_.advance(90s);
  tell("key 0 stored");
  run();
  EXPECT_THAT(server_.calls, ElementsAre("POST", "PATCH"));
  const Json event = onlyEvent();
  EXPECT_EQ(event["message"], "key 0 stored");
  EXPECT_EQ(event["count"], 2);
  EXPECT_EQ(event["firstTimestamp"], formatRfc3339(start));
  EXPECT_EQ(event["lastTimestamp"], formatRfc3339(start + 90s));
  EXPECT_EQ(recorder_.counters().sent, 2U);
}

TEST_F(EventRecorderTest, MakesAnEventAnewThatHasBeenClearedAway) {
  tell("key 0 stored");
  tell("key 0 stored");
  server_.onCall = [this] { server_.events.clear(); };
  run();
  EXPECT_THAT(server_.calls, ElementsAre("POST", "PATCH", "POST"));
  EXPECT_EQ(onlyEvent()["count"], 2);
}

TEST_F(EventRecorderTest, TellsOfTheNamespaceWhereThatIsBeingDeleted) {
  server_.ending = "iot";
  tell("registration and variables are kept");
  tell("registration and variables are kept");
  run();
  const Json event = onlyEvent();
  EXPECT_EQ(event["metadata"]["namespace"], "default");
  EXPECT_EQ(event["involvedObject"],
            (Json{{"kind", "Namespace"}, {"apiVersion", "v1"}, {"name", "iot"}}));
  EXPECT_EQ(event["message"], "BalenaDevice dev: registration and variables are kept");
  EXPECT_EQ(recorder_.counters().failed, 0U);
}

TEST_F(EventRecorderTest, TriesThreeTimesAndThenGoesOn) {
  failNext({kDown, kDown, kDown});
  tell("lost");
  tell("told");
  run();
  EXPECT_THAT(server_.calls, ElementsAre("POST", "POST", "POST", "POST"));
  EXPECT_EQ(onlyEvent()["message"], "told");
  EXPECT_EQ(recorder_.counters().failed, 1U);
  EXPECT_EQ(recorder_.counters().sent, 1U);
  EXPECT_THAT(log_.str(), HasSubstr("connection refused"));
}

TEST_F(EventRecorderTest, PausesBetweenTriesForAsLongAsTheServerAsksButNotForLong) {
  auto busy = statusOf(429, "TooManyRequests");
  busy.headers = {{"Retry-After", "7"}};
  auto closed = statusOf(429, "TooManyRequests");
  closed.headers = {{"Retry-After", "3600"}};
  failNext({busy, closed});
  const SteadyPoint start = clock_.steadyNow();
  tell("told");
  run();
  EXPECT_EQ(recorder_.counters().sent, 1U);
  EXPECT_EQ(clock_.steadyNow() - start, 17s);
}

TEST_F(EventRecorderTest, KnowsItsOwnEventWhoseAnswerWasLost) {
  server_.answersGetLost = true;
  failNext({fail(Error{ErrorCode::kDeadline, "no answer", std::nullopt, true})});
  tell("told");
  run();
  EXPECT_THAT(server_.calls, ElementsAre("POST", "POST"));
  EXPECT_EQ(onlyEvent()["count"], 1);
  EXPECT_EQ(recorder_.counters().sent, 1U);
}

TEST_F(EventRecorderTest, DoesNotRepeatWhatIsRefusedAndSaysSoOnce) {
  failNext({statusOf(403, "Forbidden"), statusOf(403, "Forbidden")});
  tell("one");
  tell("two");
  tell("three");
  run();
  EXPECT_THAT(server_.calls, ElementsAre("POST", "POST", "POST"));
  EXPECT_EQ(recorder_.counters().failed, 2U);
  const std::string log = log_.str();
  EXPECT_EQ(log.find("an event can't be told"), log.rfind("an event can't be told"));
}

TEST_F(EventRecorderTest, ForgetsAnEventWhoseNamespaceIsGone) {
  failNext({statusOf(404, "NotFound")});
  tell("one");
  run();
  EXPECT_THAT(server_.calls, ElementsAre("POST"));
  EXPECT_EQ(recorder_.counters().failed, 0U);
  EXPECT_EQ(log_.str(), "");
}

TEST_F(EventRecorderTest, LosesTheOldestOfAFullQueue) {
  for (std::size_t i = 0; i < EventRecorder::kCapacity + 2; ++i) tell("hello", std::to_string(i));
  EXPECT_EQ(recorder_.counters().dropped, 2U);
  run();
  EXPECT_EQ(server_.events.size(), EventRecorder::kCapacity);
  for (const auto& [name, event] : server_.events) {
    EXPECT_NE(event["involvedObject"]["name"], "0");
    EXPECT_NE(event["involvedObject"]["name"], "1");
  }
}

TEST_F(EventRecorderTest, SendsNoMoreOfOneObjectThanItsShare) {
  for (int i = 0; i < 30; ++i) tell("again");
  run();
  EXPECT_EQ(server_.calls.size(), 25U);
  EXPECT_EQ(recorder_.counters().sent, 25U);
  EXPECT_EQ(recorder_.counters().filtered, 5U);
}

TEST_F(EventRecorderTest, TellsAfterAStopWhatIsLeft) {
  for (int i = 0; i < 5; ++i) tell("hello", std::to_string(i));
  server_.onCall = [this] { clock_.stopNow(); };
  run();
  EXPECT_EQ(server_.events.size(), 5U);
  EXPECT_EQ(recorder_.counters().sent, 5U);
  EXPECT_EQ(recorder_.counters().dropped, 0U);
}

TEST_F(EventRecorderTest, TellsForTwoSecondsAfterAStopAndCountsWhatIsLeftThen) {
  for (int i = 0; i < 9; ++i) tell("hello", std::to_string(i));
  clock_.stopNow();
  server_.onCall = [this] { clock_.advance(700ms); };
  run();
  EXPECT_EQ(recorder_.counters().sent, 3U);
  EXPECT_EQ(recorder_.counters().dropped, 6U);
}

TEST_F(EventRecorderTest, DoesNotTryAgainAfterAStop) {
  failNext({kDown, kDown});
  server_.onCall = [this] { clock_.stopNow(); };
  tell("lost");
  run();
  EXPECT_THAT(server_.calls, ElementsAre("POST"));
  EXPECT_EQ(recorder_.counters().failed, 1U);
}

TEST_F(EventRecorderTest, CutsAndCleansMessages) {
  tell("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----" + std::string(2000, 'x'));
  run();
  const std::string message = onlyEvent()["message"];
  EXPECT_LE(message.size(), kMaxMessage);
  EXPECT_THAT(message, ::testing::StartsWith("[redacted]xxx"));
}

TEST(EventRecorderThreads, LoseNothingOfWhatManyTellAtOnce) {
  EventServer server;
  SystemClock clock;
  test::FakeRandom random;
  std::ostringstream log;
  telemetry::Logger logger({}, log);
  Client client({"https://kubernetes.default.svc"}, server, nullptr, clock);
  EventRecorder recorder({}, client, clock, random, logger);
  {
    std::jthread sender([&recorder](const std::stop_token& stop) { recorder.run(stop); });
    {
      std::vector<std::jthread> reconcilers;
      for (int worker = 0; worker < 4; ++worker) {
        reconcilers.emplace_back([&recorder, worker] {
          for (int i = 0; i < 100; ++i) {
            recorder.event(device(std::to_string(worker * 100 + i)), EventType::kNormal,
                           "Provisioned", "hello");
          }
        });
      }
    }
    while (recorder.counters().sent < 400) std::this_thread::yield();
  }
  EXPECT_EQ(server.events.size(), 400U);
  EXPECT_EQ(recorder.counters().dropped, 0U);
}

}  // namespace
}  // namespace bco::kube
