// The watcher over real connections.
#include <gmock/gmock.h>

#include <array>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "kube/watcher.h"
#include "tests/http/pool_fixture.h"
#include "tests/http/stepping_clock.h"
#include "tests/support/fake_random.h"

namespace bco::kube {
namespace {

using test::Peer;
using test::ScriptedServer;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
constexpr std::string_view kEnd = "0\r\n\r\n";

std::string chunk(std::string_view text) {
  std::array<char, 16> size{};
  std::snprintf(size.data(), size.size(), "%zx\r\n", text.size());
  return size.data() + std::string(text) + "\r\n";
}
std::string watchEvent(const std::string& type, const std::string& metadata) {
  return R"({"type":")" + type + R"(","object":{"metadata":{)" + metadata + "}}}\n";
}
std::string added(const std::string& version) {
  return watchEvent("ADDED", R"("resourceVersion":")" + version + "\"");
}
std::string endOfList(const std::string& version) {
  return watchEvent(
      "BOOKMARK",
      R"("annotations":{"k8s.io/initial-events-end":"true"},"resourceVersion":")" + version + "\"");
}

// Waits for what it is told.
class Sink final : public WatchSink {
 public:
  void restart() override { tell("restart"); }
  void put(std::string_view) override { tell("put"); }
  void drop(std::string_view) override { tell("drop"); }
  void synced() override { tell("synced"); }

  void waitFor(const std::vector<std::string>& told) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return told_ == told; });
  }

 private:
  void tell(const std::string& word) {
    {
      std::lock_guard lock(mutex_);
      told_.push_back(word);
    }
    changed_.notify_all();
  }
  std::mutex mutex_;  // guards told_
  std::condition_variable changed_;
  std::vector<std::string> told_;
};

class WatcherWireTest : public test::PoolTest {
 protected:
  test::SteppingClock pauses_;  // which last no time
  test::FakeRandom random_;
  Sink sink_;
};

TEST_F(WatcherWireTest, KeepsTheSinkToldThroughACutAndStopsAtOnce) {
  std::promise<void> stopped;
  std::vector<std::string> requests;
  const ScriptedServer server([&](Peer& peer) {
    const std::string request = peer.readRequest();
    requests.push_back(request.substr(0, request.find(" HTTP")));
    if (peer.number() == 1) {
      peer.write(std::string(kHead) + chunk(added("1") + endOfList("2").substr(0, 20)) +
                 chunk(endOfList("2").substr(20)) + chunk(added("3")));
      sink_.waitFor({"restart", "put", "synced", "put"});
      return;  // which cuts it
    }
    peer.write(std::string(kHead) + chunk(added("4")));
    peer.waitForReset();
    stopped.set_value();
  });
  http::ClientPool pool(options(), clock_);
  Client client({.server = server.url("")}, pool, &pool, clock_);
  std::vector<ErrorCode> troubles;
  Watcher watcher(
      client,
      {.resource = {"example.io", "v1", "things"},
       .onTrouble = [&](const WatchTrouble& trouble) { troubles.push_back(trouble.error.code); }},
      sink_, pauses_, random_);
  std::jthread thread([&](const std::stop_token& stop) { watcher.run(stop); });
  sink_.waitFor({"restart", "put", "synced", "put", "put"});
  thread.request_stop();
  thread.join();
  stopped.get_future().wait();
  EXPECT_THAT(requests,
              ElementsAre(HasSubstr("sendInitialEvents=true"), HasSubstr("&resourceVersion=3&")));
  EXPECT_THAT(troubles, ElementsAre(ErrorCode::kUnavailable));
  EXPECT_EQ(watcher.health().changes, 2U);
}

TEST_F(WatcherWireTest, TakesAListThatIsLargerThanWhatIsBuffered) {
  constexpr int kObjects = 3000;
  const std::string padding(2000, 'x');
  const ScriptedServer server([&](Peer& peer) {
    peer.readRequest();
    peer.write(kHead);
    for (int i = 1; i <= kObjects; ++i) {
      peer.write(chunk(watchEvent("ADDED", R"("name":")" + padding + R"(","resourceVersion":")" +
                                               std::to_string(i) + "\"")));
    }
    peer.write(chunk(endOfList("5000")) + std::string(kEnd));
    peer.waitForReset();
  });
  struct Counter final : WatchSink {
    void restart() override {}
    void put(std::string_view object) override { bytes += object.size(); }
    void drop(std::string_view) override {}
    void synced() override { stop.request_stop(); }
    std::size_t bytes = 0;
    std::stop_source stop;
  } counter;
  http::ClientPool pool(options(), clock_);
  Client client({.server = server.url("")}, pool, &pool, clock_);
  Watcher watcher(client, {.resource = {"example.io", "v1", "things"}}, counter, pauses_, random_);
  watcher.run(counter.stop.get_token());
  EXPECT_GT(counter.bytes, kObjects * padding.size());
}

}  // namespace
}  // namespace bco::kube
