#include "clearblade/exchange.h"

#include <thread>

#include "tests/clearblade/fixture.h"

namespace bco::clearblade {
namespace {

using http::CallClass;
using http::Method;

class ExchangeTest : public ClearBladeFixture {
 protected:
  Exchange exchange_{transport_, clock_, account_, registry_};
};

TEST_F(ExchangeTest, AsksOnceAndKeepsTheAnswer) {
  expectExchange();
  const auto access = exchange_.get();
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ((*access)->webhook, kWebhook);
  EXPECT_EQ((*access)->token->reveal(), kToken);
  EXPECT_EQ(*exchange_.get(), *access);
  const auto& request = transport_.seen().front();
  EXPECT_EQ(request.kind, "clearblade.exchange");
  EXPECT_EQ(request.callClass, CallClass::kRead);
  EXPECT_EQ(request.credential, "ClearBlade-UserToken: adm1nSecret");
  EXPECT_FALSE(request.mayCompress) << "the answer is a token";
}

TEST_F(ExchangeTest, IsDoneAgainForAnAccessThatWasRefused) {
  expectExchange();
  const auto first = exchange_.get();
  transport_.expect(Method::kPost, kExchangeUrl, kExchangeBody).reply(200, accessAnswer("newer"));
  const auto second = exchange_.get(*first);
  EXPECT_EQ((*second)->token->reveal(), "newer");
  EXPECT_EQ(*exchange_.get(*first), *second) << "another thread's refusal of the same old access";
}

TEST_F(ExchangeTest, RefusesAnAnswerThatIsNoAccess) {
  for (const std::string& body :
       {std::string(), std::string("reg1nSecret"), std::string(R"({"url":"https://x.io"})"),
        std::string(R"({"error":"reg1nSecret"})"), accessAnswer(kToken, "http://example.com"),
        accessAnswer(kToken, "https://reg1nSecret@x.io"), accessAnswer(kToken, "ftp://x.io"),
        accessAnswer(kToken, "https://x.io/path"), accessAnswer("reg1nSecret\\n")}) {
    transport_.expect(Method::kPost, kExchangeUrl, kExchangeBody).reply(200, body);
    const auto access = exchange_.get();
    ASSERT_FALSE(access) << body;
    EXPECT_EQ(access.error().code, ErrorCode::kInternal) << body;
    expectSilent(access.error());
  }
}

TEST_F(ExchangeTest, NeverTakesAMissingRegistryForAMissingDevice) {
  const std::pair<int, ErrorCode> rows[] = {{401, ErrorCode::kUnauthenticated},
                                            {403, ErrorCode::kForbidden},
                                            {404, ErrorCode::kForbidden},
                                            {429, ErrorCode::kThrottled},
                                            {500, ErrorCode::kUnavailable}};
  for (const auto& [status, code] : rows) {
    for (const std::string& body :
         {std::string("no adm1nSecret"), problem(status, "NOT_FOUND", "no adm1nSecret")}) {
      transport_.expect(Method::kPost, kExchangeUrl, kExchangeBody).reply(status, body);
      const auto access = exchange_.get();
      EXPECT_EQ(access.error().code, code) << status;
      EXPECT_FALSE(access.error().outcomeUnknown);
      expectSilent(access.error());
    }
  }
}

// Answers only when it is let go.
class GatedTransport final : public http::HttpTransport {
 public:
  std::vector<Result<http::Response>> sendAll(std::span<const http::Request> requests) override {
    std::unique_lock lock(mutex_);
    sent_ += requests.size();
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
    return {http::Response{200, {}, accessAnswer()}};
  }
  void awaitRequest() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return sent_ > 0; });
  }
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  std::size_t sent() {
    std::lock_guard lock(mutex_);
    return sent_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t sent_ = 0;
  bool open_ = false;
};

// Counts who waits.
class CountingClock final : public Clock {
 public:
  TimePoint now() const override { return {}; }
  SteadyPoint steadyNow() const override { return {}; }
  void wait(std::unique_lock<std::mutex>& lock, Condition& condition, SteadyPoint,
            const std::stop_token&) override {
    ++waiting_;
    waiting_.notify_all();
    condition.wait(lock);
  }
  void wakeAll(Condition& condition) override { condition.notify_all(); }
  void wakeOne(Condition& condition) override { condition.notify_one(); }
  void awaitWaiters(int count) {
    for (int seen = waiting_; seen < count; seen = waiting_) waiting_.wait(seen);
  }

 private:
  std::atomic<int> waiting_{0};
};

TEST(ConcurrentExchange, IsOneForAllWhoComeMeanwhile) {
  GatedTransport transport;
  CountingClock clock;
  ServiceAccount account;
  account.systemKey = "adminkey";
  account.token = shareSecret(SecretBytes(kAdminToken));
  account.url = "https://iot.clearblade.com";
  account.project = "p-1";
  Exchange exchange(transport, clock, account, {"p-1", "us-central1", "devices"});
  std::array<AccessPtr, 5> accesses;
  {
    std::vector<std::jthread> threads;
    for (AccessPtr& access : accesses) {
      threads.emplace_back([&] { access = exchange.get().value_or(nullptr); });
    }
    transport.awaitRequest();
    clock.awaitWaiters(4);
    transport.open();
  }
  EXPECT_EQ(transport.sent(), 1U);
  for (const AccessPtr& access : accesses) {
    EXPECT_TRUE(access);
    EXPECT_EQ(access, accesses[0]);
  }
}

}  // namespace
}  // namespace bco::clearblade
