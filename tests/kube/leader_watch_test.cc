#include "kube/leader_watch.h"

#include <gtest/gtest.h>

#include <sstream>
#include <thread>

#include "tests/support/fake_clock.h"
#include "tests/support/fake_random.h"

namespace bco::kube {
namespace {

using namespace std::chrono_literals;

// An API server whose Lease is another's, and that remembers what it was asked first.
class HeldLease final : public http::HttpTransport {
 public:
  [[nodiscard]] std::vector<Result<http::Response>> sendAll(
      std::span<const http::Request> requests) override {
    std::vector<Result<http::Response>> results;
    for (const auto& request : requests) {
      const bool read = request.method == http::Method::kGet;
      results.emplace_back(http::Response{read ? 200 : 409, {}, lease("other", 1)});
      std::lock_guard lock(mutex_);
      if (first_.empty()) first_ = nameOf(request.method);
    }
    return results;
  }

  static std::string lease(const std::string& holder, int version) {
    return R"({"metadata":{"name":"bco","resourceVersion":")" + std::to_string(version) +
           R"("},"spec":{"holderIdentity":")" + holder + R"("}})";
  }

  std::string first() {
    std::lock_guard lock(mutex_);
    return first_;
  }

 private:
  std::mutex mutex_;  // guards first_
  std::string first_;
};

class LeaseSinkTest : public ::testing::Test {
 protected:
  // What the elector does first, however long it waits before.
  std::string firstCall() {
    std::jthread loop([this](const std::stop_token& stop) {
      elector_.run(
          stop, [] {}, [] {});
    });
    while (server_.first().empty()) {
      clock_.advance(1ms);
      std::this_thread::yield();
    }
    return server_.first();
  }

  HeldLease server_;
  test::FakeClock clock_;
  test::FakeRandom random_;
  std::ostringstream log_;
  telemetry::Logger logger_{{}, log_};
  Client client_{{"https://kubernetes.default.svc"}, server_, nullptr, clock_};
  LeaderElector elector_{{{"iot", "bco"}, "me"}, client_, clock_, random_, logger_};
  LeaseSink sink_{elector_};
};

TEST(LeaseWatch, AsksForTheOneLease) {
  const WatcherOptions options = watchOf({"iot", "bco"});
  EXPECT_EQ(options.resource.plural, "leases");
  EXPECT_EQ(options.space, "iot");
  EXPECT_EQ(options.fieldSelector, "metadata.name=bco");
}

TEST_F(LeaseSinkTest, TellsOfALeaseThatWasGivenBack) {
  sink_.restart();
  sink_.put(HeldLease::lease("other", 1));
  sink_.synced();
  sink_.put(HeldLease::lease("", 2));
  EXPECT_EQ(firstCall(), "PUT");
}

TEST_F(LeaseSinkTest, TellsOfALeaseThatIsNotThereWhenTheListIsComplete) {
  sink_.restart();
  sink_.synced();
  EXPECT_EQ(firstCall(), "POST");
}

TEST_F(LeaseSinkTest, DoesNotTakeAListThatHoldsTheLeaseForOneWithout) {
  sink_.restart();
  sink_.put(HeldLease::lease("", 1));
  sink_.synced();
  EXPECT_EQ(firstCall(), "PUT");
}

TEST_F(LeaseSinkTest, TellsOfALeaseThatWasDeleted) {
  sink_.restart();
  sink_.put(HeldLease::lease("", 1));
  sink_.synced();
  sink_.drop(HeldLease::lease("", 1));
  EXPECT_EQ(firstCall(), "POST");
}

TEST_F(LeaseSinkTest, ForgetsWithANewListWhatTheOldOneHeld) {
  sink_.put(HeldLease::lease("", 1));
  sink_.restart();
  sink_.synced();
  EXPECT_EQ(firstCall(), "POST");
}

// An API server that stores what it is sent.
class OpenLease final : public http::HttpTransport {
 public:
  [[nodiscard]] std::vector<Result<http::Response>> sendAll(
      std::span<const http::Request> requests) override {
    std::vector<Result<http::Response>> results;
    for (const auto& request : requests) {
      if (request.method != http::Method::kGet) {
        version_ += 1;
        holder_ = "me";
      }
      results.emplace_back(http::Response{200, {}, HeldLease::lease(holder_, version_)});
    }
    return results;
  }

 private:
  std::string holder_;
  int version_ = 1;
};

TEST(LeaderThreads, MayAskAndTellAtAnyTime) {
  OpenLease server;
  test::FakeClock clock;
  test::FakeRandom random;
  std::ostringstream log;
  telemetry::Logger logger({}, log);
  Client client({"https://kubernetes.default.svc"}, server, nullptr, clock);
  LeaderElector elector({{"iot", "bco"}, "me"}, client, clock, random, logger);
  LeaseSink sink(elector);
  sink.put(HeldLease::lease("", 1));
  clock.advance(1s);
  std::atomic<int> started = 0;
  {
    std::jthread loop([&](const std::stop_token& stop) {
      elector.run(
          stop, [&started] { ++started; }, [] {});
    });
    std::jthread watch([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) sink.put(HeldLease::lease("me", 2));
    });
    std::jthread worker([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        if (elector.mayWrite(1s) && !elector.isLeader())
          ADD_FAILURE() << "writes and does not lead";
        (void)elector.healthy();
      }
    });
    while (started == 0) std::this_thread::yield();
    clock.advance(16s);
    while (*elector.renewalAge() > 0s) std::this_thread::yield();
  }
  EXPECT_EQ(started, 1);
  elector.release(true);
  EXPECT_FALSE(elector.mayWrite(0ms));
}

}  // namespace
}  // namespace bco::kube
