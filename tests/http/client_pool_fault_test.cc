// The pool against servers that misbehave.
#include <gmock/gmock.h>

#include <array>
#include <future>

#include "http/client_pool.h"
#include "server/http_server.h"
#include "tests/http/pool_fixture.h"

namespace bco::http {
namespace {

using namespace std::chrono_literals;
using test::describe;
using test::Peer;
using test::ScriptedServer;
using testing::HasSubstr;

class ClientPoolFaultTest : public test::PoolTest {
 protected:
  [[nodiscard]] static PoolOptions withDeadline(Duration deadline) {
    PoolOptions result = options();
    result.attemptDeadline = deadline;
    return result;
  }
};

TEST_F(ClientPoolFaultTest, SendsAWriteOnAFreshConnectionWhenTheIdleOneWasClosed) {
  constexpr std::size_t kTimes = 12;
  std::array<std::promise<void>, kTimes> closed;
  const ScriptedServer server([&](Peer& peer) {
    peer.readRequest();
    peer.answer("ok");
    peer.close();
    closed.at(static_cast<std::size_t>(peer.number()) - 1).set_value();
  });
  ClientPool pool(options(), clock_);
  for (auto& end : closed) {
    const auto result = pool.send(post(server.url()));
    EXPECT_TRUE(result) << describe(result);
    end.get_future().wait();
  }
  EXPECT_EQ(server.connections(), static_cast<int>(kTimes));
}

TEST_F(ClientPoolFaultTest, DoesNotRepeatARequestWhoseConnectionBrokeBeforeTheAnswer) {
  for (const bool byReset : {false, true}) {
    std::atomic<int> received{0};
    const ScriptedServer server([&](Peer& peer) {
      peer.readRequest();
      peer.answer("ok");  // the connection is idle, and the next request takes it
      if (peer.readRequest().empty()) return;
      ++received;
      if (byReset) peer.reset();  // else it is closed on return
    });
    ClientPool pool(options(), clock_);
    ASSERT_TRUE(pool.send(post(server.url())));
    const auto result = pool.send(post(server.url()));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
    EXPECT_TRUE(result.error().outcomeUnknown);
    EXPECT_EQ(received, 1);
    EXPECT_EQ(server.connections(), 1);
  }
}

TEST_F(ClientPoolFaultTest, SaysThatTheOutcomeIsUnknownOfWritesOnly) {
  const ScriptedServer server([](Peer& peer) {
    peer.readRequest();
    peer.reset();
  });
  ClientPool pool(options(), clock_);
  const auto write = pool.send(post(server.url()));
  ASSERT_FALSE(write);
  EXPECT_TRUE(write.error().outcomeUnknown);
  const auto read = pool.send(get(server.url()));
  ASSERT_FALSE(read);
  EXPECT_FALSE(read.error().outcomeUnknown);
}

TEST_F(ClientPoolFaultTest, KnowsThatNothingWasSentToAClosedPort) {
  std::string url;
  {
    const ScriptedServer server([](Peer&) {});
    url = server.url();
  }
  ClientPool pool(options(), clock_);
  const auto result = pool.send(post(url));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(result.error().outcomeUnknown);
}

TEST_F(ClientPoolFaultTest, ResetsTheConnectionAtTheDeadline) {
  std::promise<bool> wasReset;
  const ScriptedServer server([&](Peer& peer) {
    peer.readRequest();
    wasReset.set_value(peer.waitForReset());
  });
  ClientPool pool(withDeadline(100ms), clock_);
  const auto result = pool.send(post(server.url()));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kDeadline);
  EXPECT_TRUE(result.error().outcomeUnknown);
  EXPECT_TRUE(wasReset.get_future().get());
}

TEST_F(ClientPoolFaultTest, KeepsTheDeadlineWhileTheServerDripsBytes) {
  const ScriptedServer server([](Peer& peer) {
    peer.readRequest();
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    while (peer.write("x")) {
    }
  });
  ClientPool pool(withDeadline(100ms), clock_);
  Request request = get(server.url());
  const auto result = pool.send(request);
  ASSERT_FALSE(result);
}

TEST_F(ClientPoolFaultTest, WaitsForItsClockOnly) {
  test::FakeClock clock;
  std::promise<void> received;
  const ScriptedServer server([&](Peer& peer) {
    peer.readRequest();
    received.set_value();
    peer.waitForReset();
  });
  ClientPool pool(withDeadline(1h), clock);
  auto result = std::async(std::launch::async, [&] { return pool.send(post(server.url())); });
  received.get_future().wait();
  clock.advance(1h);
  EXPECT_EQ(result.get().error().code, ErrorCode::kDeadline);
}

TEST_F(ClientPoolFaultTest, CountsTheDeadlineOfARequestFromItsTurn) {
  test::FakeClock clock;
  std::array<std::promise<void>, 3> received;
  std::array<std::promise<void>, 2> mayAnswer;
  const ScriptedServer server([&](Peer& peer) {
    for (std::size_t i = 0; i < received.size(); ++i) {
      peer.readRequest();
      received.at(i).set_value();
      if (i == mayAnswer.size()) break;
      mayAnswer.at(i).get_future().wait();
      peer.answer("ok");
    }
    peer.waitForReset();
  });
  PoolOptions narrow = withDeadline(1h);
  narrow.maxInFlight = 1;
  ClientPool pool(narrow, clock);
  std::vector<Request> requests;
  for (int i = 0; i < 3; ++i) requests.push_back(post(server.url()));
  std::promise<void> looked;  // an hour has passed, and the last one still waits
  std::atomic<int> asked{0};
  auto sent = std::async(std::launch::async, [&] {
    return pool.sendAll(requests, [&](std::size_t position) {
      if (position == 2 && ++asked == 1) looked.set_value();
      return Status{};
    });
  });
  received[0].get_future().wait();
  clock.advance(40min);
  mayAnswer[0].set_value();
  received[1].get_future().wait();
  clock.advance(40min);
  looked.get_future().wait();
  mayAnswer[1].set_value();
  received[2].get_future().wait();
  clock.advance(1h);

  const auto results = sent.get();
  EXPECT_TRUE(results[0]) << describe(results[0]);
  EXPECT_TRUE(results[1]) << describe(results[1]);
  ASSERT_FALSE(results[2]);
  EXPECT_EQ(results[2].error().code, ErrorCode::kDeadline);
  EXPECT_TRUE(results[2].error().outcomeUnknown);
  EXPECT_EQ(asked, 2) << "while it waited and at its turn";
}

TEST_F(ClientPoolFaultTest, DoesNotSendWhatMayNotBeSentAtItsTurnOrWhileItWaits) {
  for (const bool answers : {true, false}) {
    std::atomic<int> received{0};
    const ScriptedServer server([&](Peer& peer) {
      while (!peer.readRequest().empty()) {
        ++received;
        if (answers) peer.answer("ok");
      }
    });
    PoolOptions narrow = withDeadline(answers ? 1h : 100ms);
    narrow.maxInFlight = 1;
    ClientPool pool(narrow, clock_);
    std::vector<Request> requests;
    for (int i = 0; i < 2; ++i) requests.push_back(post(server.url()));
    const auto results = pool.sendAll(requests, [](std::size_t position) -> Status {
      if (position == 0) return {};
      return fail(ErrorCode::kThrottled, "too late");
    });
    EXPECT_EQ(results[0].has_value(), answers);
    ASSERT_FALSE(results[1]);
    EXPECT_EQ(results[1].error().code, ErrorCode::kThrottled);
    EXPECT_FALSE(results[1].error().outcomeUnknown);
    EXPECT_LE(received, 1);
  }
}

TEST_F(ClientPoolFaultTest, RefusesAnAnswerThatIsTooLarge) {
  const std::string big(300'000, 'x');
  const ScriptedServer server([&](Peer& peer) {
    const std::string request = peer.readRequest();
    if (request.find("/chunked") != std::string::npos) {
      peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      for (int i = 0; i < 100; ++i) peer.write("1000\r\n" + std::string(4096, 'x') + "\r\n");
      peer.write("0\r\n\r\n");
    } else if (request.find("/endless") != std::string::npos) {
      peer.write("HTTP/1.1 200 OK\r\n\r\n");
      while (peer.write(big)) {
      }
    } else {
      peer.answer(big);
    }
  });
  ClientPool pool(options(), clock_);
  for (const auto* target : {"/plain", "/chunked", "/endless"}) {
    Request request = post(server.url(target));
    request.maxResponseBytes = 100'000;
    const auto result = pool.send(request);
    ASSERT_FALSE(result) << target;
    EXPECT_EQ(result.error().code, ErrorCode::kInternal) << describe(result);
    EXPECT_TRUE(result.error().answerTooLarge);
    EXPECT_THAT(result.error().message, HasSubstr("larger than 100000 bytes"));
    EXPECT_TRUE(result.error().outcomeUnknown) << "the server may have done it";
  }
}

TEST_F(ClientPoolFaultTest, TakesWhatIsNotHttpForAnError) {
  for (const std::string answer :
       {"SSH-2.0-server\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"}) {
    const ScriptedServer server([&](Peer& peer) {
      peer.readRequest();
      peer.write(answer);
    });
    ClientPool pool(options(), clock_);
    const auto result = pool.send(post(server.url()));
    ASSERT_FALSE(result) << answer;
    EXPECT_TRUE(result.error().outcomeUnknown);
  }
}

TEST_F(ClientPoolFaultTest, EndsANegativeChunkAtTheDeadline) {
  const ScriptedServer server([](Peer& peer) {
    peer.readRequest();
    peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n");
    peer.waitForReset();
  });
  ClientPool pool(withDeadline(100ms), clock_);
  const auto result = pool.send(get(server.url()));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kDeadline);
}

TEST_F(ClientPoolFaultTest, NeverTakesWhatFollowsAnInterimAnswerForAnotherRequestsAnswer) {
  for (const bool together : {true, false}) {
    const ScriptedServer server([&](Peer& peer) {
      if (peer.readRequest().find("/early") == std::string::npos) {
        peer.answer("mine");
        return;
      }
      peer.write("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n");
      if (!together) peer.waitForReset();
      peer.answer("theirs");
      peer.waitForReset();
    });
    ClientPool pool(options(), clock_);
    const auto early = pool.send(get(server.url("/early")));
    ASSERT_FALSE(early);
    EXPECT_EQ(early.error().code, ErrorCode::kInternal);
    const auto next = pool.send(get(server.url("/next")));
    ASSERT_TRUE(next) << describe(next);
    EXPECT_EQ(next->body, "mine");
  }
}

TEST_F(ClientPoolFaultTest, DoesNotUseAConnectionOnWhichSomethingUnaskedArrived) {
  std::promise<void> written;
  const ScriptedServer server([&](Peer& peer) {
    peer.readRequest();
    if (peer.number() == 2) {
      peer.answer("mine");
      return;
    }
    peer.answer("first");
    peer.readRequest();
    peer.answer("second");
    peer.answer("nobody asked");
    peer.waitUntilDelivered();
    written.set_value();
    peer.waitForReset();
  });
  ClientPool pool(options(), clock_);
  ASSERT_TRUE(pool.send(get(server.url())));
  ASSERT_TRUE(pool.send(get(server.url())));
  written.get_future().wait();
  const auto third = pool.send(get(server.url()));
  ASSERT_TRUE(third) << describe(third);
  EXPECT_EQ(third->body, "mine");
}

TEST_F(ClientPoolFaultTest, SendsALargeBodyWholeOnFreshAndOnUsedConnections) {
  const std::string body(300'000, 'x');
  std::vector<std::size_t> sizes;
  const ScriptedServer server([&](Peer& peer) {
    for (int i = 0; i < 3; ++i) {
      sizes.push_back(peer.readRequest().size());
      peer.answer("ok");
    }
  });
  ClientPool pool(options(), clock_);
  for (int i = 0; i < 3; ++i) {
    const auto result = pool.send(post(server.url(), body));
    ASSERT_TRUE(result) << describe(result);
    EXPECT_GT(sizes.at(static_cast<std::size_t>(i)), body.size());
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(ClientPoolFaultTest, EndsWhatIsInFlightWhenItIsClosed) {
  std::promise<void> received;
  std::promise<bool> wasReset;
  const ScriptedServer server([&](Peer& peer) {
    peer.readRequest();
    received.set_value();
    wasReset.set_value(peer.waitForReset());
  });
  ClientPool pool(options(), clock_);
  auto result = std::async(std::launch::async, [&] { return pool.send(post(server.url())); });
  received.get_future().wait();
  pool.close();
  EXPECT_EQ(result.get().error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(wasReset.get_future().get());
  EXPECT_EQ(pool.send(get(server.url())).error().code, ErrorCode::kUnavailable);
}

TEST_F(ClientPoolFaultTest, ResetsATlsConnectionAtTheDeadline) {
  const auto files = ca().issue("DNS:localhost");
  server::Options tls;
  tls.tls = files;
  auto hanging = server::HttpServer::start(tls, [](auto, auto) {});
  ASSERT_TRUE(hanging);
  std::promise<bool> wasReset;
  const ScriptedServer relay([&](Peer& peer) {
    peer.tunnelTo((*hanging)->port());
    wasReset.set_value(peer.waitForReset());
  });
  ClientPool pool(withDeadline(300ms), clock_);
  const auto result = pool.send(post("https://localhost:" + std::to_string(relay.port()) + "/"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kDeadline);
  EXPECT_TRUE(wasReset.get_future().get());
}

TEST_F(ClientPoolFaultTest, GoesThroughAProxyAndKeepsTheTunnel) {
  server::Options tls;
  tls.tls = ca().issue("DNS:localhost");
  auto server = server::HttpServer::start(
      tls, [](auto request, auto respond) { respond({.body = request.body}); });
  ASSERT_TRUE(server);
  std::promise<std::string> connect;
  const ScriptedServer proxy([&](Peer& peer) {
    connect.set_value(peer.readRequest());
    peer.write("HTTP/1.1 200 Connection established\r\n\r\n");
    peer.tunnelTo((*server)->port());
  });
  PoolOptions proxied = options();
  proxied.proxies =
      ProxySettings::always({"http://127.0.0.1:" + std::to_string(proxy.port()), "me", "word"});
  ClientPool pool(proxied, clock_);
  for (int i = 0; i < 5; ++i) {
    Request request = post("https://localhost:" + std::to_string((*server)->port()) + "/", "[7]");
    request.credentialHeader = "Authorization";
    request.credential = shareSecret(SecretBytes("Bearer token"));
    const auto result = pool.send(request);
    ASSERT_TRUE(result) << describe(result);
    EXPECT_EQ(result->body, "[7]");
  }
  EXPECT_EQ(proxy.connections(), 1);
  const std::string seen = connect.get_future().get();
  EXPECT_THAT(seen, HasSubstr("CONNECT localhost:" + std::to_string((*server)->port())));
  EXPECT_THAT(seen, HasSubstr("Proxy-Authorization: Basic bWU6d29yZA=="));
  EXPECT_THAT(seen, testing::Not(HasSubstr("Bearer")));
}

TEST_F(ClientPoolFaultTest, SendsAWriteThroughAFreshTunnelWhenTheIdleOneWasClosed) {
  server::Options tls;
  tls.tls = ca().issue("DNS:localhost");
  auto server =
      server::HttpServer::start(tls, [](auto, auto respond) { respond({.close = true}); });
  ASSERT_TRUE(server);
  std::array<std::promise<void>, 3> ended;
  const ScriptedServer proxy([&](Peer& peer) {
    peer.readRequest();
    peer.write("HTTP/1.1 200 Connection established\r\n\r\n");
    peer.tunnelTo((*server)->port());
    peer.close();
    ended.at(static_cast<std::size_t>(peer.number()) - 1).set_value();
  });
  PoolOptions proxied = options();
  proxied.proxies =
      ProxySettings::always({"http://127.0.0.1:" + std::to_string(proxy.port()), "", ""});
  ClientPool pool(proxied, clock_);
  for (auto& end : ended) {
    const auto result =
        pool.send(post("https://localhost:" + std::to_string((*server)->port()) + "/"));
    EXPECT_TRUE(result) << describe(result);
    end.get_future().wait();
  }
}

TEST_F(ClientPoolFaultTest, KnowsThatNothingWasSentWhenTheProxyRefuses) {
  const ScriptedServer proxy([](Peer& peer) {
    peer.readRequest();
    peer.write("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
  });
  PoolOptions proxied = options();
  proxied.proxies =
      ProxySettings::always({"http://127.0.0.1:" + std::to_string(proxy.port()), "", ""});
  ClientPool pool(proxied, clock_);
  const auto result = pool.send(post("https://localhost/"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(result.error().outcomeUnknown);
}

}  // namespace
}  // namespace bco::http
