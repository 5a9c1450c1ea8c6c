#include "sandbox/relay_calls.h"

#include <gtest/gtest.h>

#include <future>

#include "server/http_server.h"
#include "tests/sandbox/sandbox_fixture.h"

namespace bco::sandbox {
namespace {

TEST(ProvisionUrl, NamesAnAddressAPortAndAPath) {
  const auto url = parseProvisionUrl("http://127.0.0.1:8080/a/b?c");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->address, "127.0.0.1");
  EXPECT_EQ(url->port, 8080);
  EXPECT_EQ(url->path, "/a/b?c");
  const auto plain = parseProvisionUrl("http://localhost");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->address, "127.0.0.1");
  EXPECT_EQ(plain->port, 80);
  EXPECT_EQ(plain->path, "/");
  for (const char* bad : {"", "https://127.0.0.1/", "http://", "http://example.com/",
                          "http://127.0.0.1:x/", "http://127.0.0.1:99999/"}) {
    EXPECT_FALSE(parseProvisionUrl(bad)) << bad;
  }
}

class CallsOfRelays : public ::testing::Test {
 protected:
  RelayReply ask(const server::Reply& reply) {
    auto server = server::HttpServer::start(
        {}, [&](server::Request request, const server::Responder& respond) {
          seen_ = std::move(request);
          respond(reply);
        });
    EXPECT_TRUE(server);
    return askAt((*server)->port());
  }
  RelayReply askAt(std::uint16_t port) {
    RelayCalls calls(world_);
    std::promise<RelayReply> got;
    calls.post(*parseProvisionUrl("http://127.0.0.1:" + std::to_string(port) + "/x"),
               R"({"uuid":"u"})", [&](const RelayReply& reply) { got.set_value(reply); });
    return got.get_future().get();
  }

  std::mutex world_;
  server::Request seen_;
};

TEST_F(CallsOfRelays, AskAsTheRelayDoes) {
  const RelayReply reply = ask({.status = 201, .body = "device created"});
  EXPECT_EQ(reply.status, 201);
  EXPECT_FALSE(reply.isSix);
  EXPECT_EQ(seen_.method, "POST");
  EXPECT_EQ(seen_.target, "/x");
  EXPECT_EQ(seen_.header("Content-Type"), "application/json");
  EXPECT_EQ(seen_.header("Cache-Control"), "no-cache");
  EXPECT_EQ(seen_.body, R"({"uuid":"u"})");
}

TEST_F(CallsOfRelays, KnowCode6AtTheTopAlone) {
  EXPECT_TRUE(ask({.status = 409, .body = R"({"code":6})"}).isSix);
  EXPECT_TRUE(ask({.status = 500, .body = R"({"code":"6"})"}).isSix);
  EXPECT_FALSE(ask({.status = 500, .body = R"({"error":{"code":6}})"}).isSix);
  EXPECT_FALSE(ask({.status = 409, .body = R"({"code":9})"}).isSix);
  EXPECT_FALSE(ask({.status = 409, .body = "6"}).isSix);
}

TEST_F(CallsOfRelays, TellABrokenConnectionFromAReply) {
  EXPECT_EQ(ask({.reset = true}).status, 0);
  auto server = server::HttpServer::start({}, [](auto, const auto&) {});
  const std::uint16_t closed = (*server)->port();
  server->reset();
  EXPECT_EQ(askAt(closed).status, 0);
}

// What relays ask goes to the test, which answers when it likes.
class AskingRelays : public SandboxFixture {
 protected:
  AskingRelays() {
    {
      const std::lock_guard lock(sandbox_.world().mutex);
      sandbox_.devices().askBy(
          [this](const ProvisionUrl&, const std::string& body, RelayCalls::Done done) {
            asked_.push_back(json::parse(body));
            done_ = std::move(done);
          });
    }
    control("PATCH", "settings", {{"devices", {{"provisionUrl", "http://127.0.0.1/"}}}});
    advance("10s");  // power on, first fetch
  }
  void answer(const RelayReply& reply) {
    const auto done = std::exchange(done_, nullptr);
    ASSERT_TRUE(done);
    const std::lock_guard lock(sandbox_.world().mutex);
    done(reply);
  }
  json counts() { return runtime()["provision"]; }

  std::vector<json> asked_;
  RelayCalls::Done done_;
  crypto::PrivateKey key_ = crypto::PrivateKey::generate().value();
};

TEST_F(AskingRelays, AskOnceUntilTheyAreAnswered) {
  advance("1h");
  ASSERT_EQ(asked_.size(), 1U);
  EXPECT_EQ(asked_[0], json({{"uuid", uuid_}, {"balena_service", "relay"}}));
}

TEST_F(AskingRelays, AskAgainWhenTheyAreStartedAgainLaterAndLater) {
  answer({503, false});
  advance("99ms");
  EXPECT_EQ(asked_.size(), 1U);
  advance("1ms");
  EXPECT_EQ(asked_.size(), 2U);
  answer({0, false});
  advance("199ms");
  EXPECT_EQ(asked_.size(), 2U);
  advance("1ms");
  EXPECT_EQ(asked_.size(), 3U);
  EXPECT_EQ(counts()["refused"], json({{"0", 1}, {"503", 1}}));
}

TEST_F(AskingRelays, AreDoneWithAllFourVariables) {
  registerDevice(key_);
  answer({201, false});
  setVariables(key_);
  advance("1h");
  EXPECT_EQ(runtime()["relay"], "running");
  EXPECT_EQ(counts()["provisioned"], 1);
  EXPECT_LE(asked_.size(), 6U) << "in the second until it is told of them";
}

TEST_F(AskingRelays, HaveTheirSupervisorLookWhenTheyAreToldCode6) {
  const auto fetches = runtime()["fetches"].get<int>();
  answer({409, true});
  EXPECT_EQ(runtime()["fetches"], fetches + 1);
  EXPECT_EQ(counts()["told"], 1);
}

TEST_F(AskingRelays, NeverAskWithAPartOfTheVariables) {
  setVariable("GCP_PROJECT_ID", "my-project");
  advance("5s");
  EXPECT_EQ(runtime()["relay"], "partial");
  answer({503, false});
  advance("1h");
  EXPECT_EQ(asked_.size(), 1U);
}

}  // namespace
}  // namespace bco::sandbox
