// Answers that never end, from servers that do what a test tells them.
#include <gmock/gmock.h>

#include <atomic>
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
using testing::Not;

constexpr std::string_view kHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
constexpr std::string_view kEnd = "0\r\n\r\n";

std::string chunk(std::string_view text) {
  std::array<char, 16> size{};
  std::snprintf(size.data(), size.size(), "%zx\r\n", text.size());
  return size.data() + std::string(text) + "\r\n";
}

class StreamTest : public test::PoolTest {
 protected:
  // What was streamed, in `taken_`.
  Result<Response> stream(ClientPool& pool, const Request& request, StreamOptions how = {}) {
    return pool.stream(request, how,
                       [this](std::string_view piece) {
                         taken_ += piece;
                         return true;
                       },
                       {});
  }

  std::string taken_;
};

TEST_F(StreamTest, HandsThePiecesOverAsTheyComeOnTheCallersThread) {
  std::promise<void> first;
  const ScriptedServer server([&](Peer& peer) {
    peer.readRequest();
    peer.write(std::string(kHead) + chunk("one"));
    first.get_future().wait();  // the second comes when the first was taken
    peer.write(chunk("two") + std::string(kEnd));
    peer.waitForReset();
  });
  ClientPool pool(options(), clock_);
  std::vector<std::string> pieces;
  const auto caller = std::this_thread::get_id();
  const auto result = pool.stream(get(server.url()), {},
                                  [&](std::string_view piece) {
                                    EXPECT_EQ(std::this_thread::get_id(), caller);
                                    pieces.emplace_back(piece);
                                    if (pieces.size() == 1) first.set_value();
                                    return true;
                                  },
                                  {});
  ASSERT_TRUE(result) << describe(result);
  EXPECT_EQ(result->status, 200);
  EXPECT_EQ(result->body, "");
  EXPECT_EQ(result->header("transfer-encoding"), "chunked");
  EXPECT_THAT(pieces, testing::ElementsAre("one", "two"));
}

TEST_F(StreamTest, SendsTheCredentialAndDoesNotAskForCompression) {
  std::string seen;
  const ScriptedServer server([&](Peer& peer) {
    seen = peer.readRequest();
    peer.answer("body");
  });
  ClientPool pool(options(), clock_);
  Request request = get(server.url("/watch?a=b"));
  request.credentialHeader = "Authorization";
  request.credential = shareSecret(SecretBytes("Bearer word"));
  ASSERT_TRUE(stream(pool, request));
  EXPECT_EQ(taken_, "body") << "not only chunks are streamed";
  EXPECT_THAT(seen, HasSubstr("GET /watch?a=b HTTP/1.1"));
  EXPECT_THAT(seen, HasSubstr("Authorization:Bearer word"));
  EXPECT_THAT(seen, Not(HasSubstr("gzip")));
}

TEST_F(StreamTest, UsesAConnectionAgainAndOpensANewOneWhenItWasClosed) {
  std::array<std::promise<void>, 3> closed;
  const ScriptedServer server([&](Peer& peer) {
    for (int i = 0; i < 2; ++i) {
      peer.readRequest();
      peer.write(std::string(kHead) + chunk("x") + std::string(kEnd));
    }
    peer.close();
    closed.at(static_cast<std::size_t>(peer.number()) - 1).set_value();
  });
  ClientPool pool(options(), clock_);
  for (auto& end : closed) {
    for (int i = 0; i < 2; ++i) {
      const auto result = stream(pool, get(server.url()));
      ASSERT_TRUE(result) << describe(result);
    }
    end.get_future().wait();
  }
  EXPECT_EQ(taken_, "xxxxxx");
  EXPECT_EQ(server.connections(), 3);
}

TEST_F(StreamTest, ReturnsARefusalWithItsBody) {
  const ScriptedServer server([](Peer& peer) {
    peer.readRequest();
    peer.write("HTTP/1.1 410 Gone\r\nContent-Length: 3\r\n\r\nold");
    peer.waitForReset();
  });
  ClientPool pool(options(), clock_);
  const auto result = stream(pool, get(server.url()));
  ASSERT_TRUE(result) << describe(result);
  EXPECT_EQ(result->status, 410);
  EXPECT_EQ(result->body, "old");
  EXPECT_EQ(taken_, "");
}

TEST_F(StreamTest, LimitsTheBodyOfARefusal) {
  const ScriptedServer server([](Peer& peer) {
    peer.readRequest();
    peer.write("HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (peer.write(chunk(std::string(10000, 'x')))) {
    }
  });
  ClientPool pool(options(), clock_);
  Request request = get(server.url());
  request.maxResponseBytes = 100'000;
  const auto result = stream(pool, request);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kInternal);
}

TEST_F(StreamTest, CallsSilenceADeadlineBeforeAndAfterTheHead) {
  for (const std::string_view sent : {"", kHead.data()}) {
    test::FakeClock clock;
    std::promise<void> received;
    std::promise<bool> wasReset;
    const ScriptedServer server([&](Peer& peer) {
      peer.readRequest();
      peer.write(sent);
      received.set_value();
      wasReset.set_value(peer.waitForReset());
    });
    ClientPool pool(options(), clock);
    auto result = std::async(std::launch::async,
                             [&] { return stream(pool, get(server.url()), {.idleTimeout = 1h}); });
    received.get_future().wait();
    clock.advance(1h);
    const auto silent = result.get();
    ASSERT_FALSE(silent);
    EXPECT_EQ(silent.error().code, ErrorCode::kDeadline) << describe(silent);
    EXPECT_TRUE(wasReset.get_future().get());
  }
}

TEST_F(StreamTest, MayBeSilentForLongerThanRequests) {
  std::promise<void> never;
  const ScriptedServer server([&](Peer& peer) {
    peer.readRequest();
    peer.write(std::string(kHead) + chunk("one"));
    // The library's own timer knows real time only. For requests it is a second beyond this:
    never.get_future().wait_for(60ms);
    peer.write(chunk("two") + std::string(kEnd));
    peer.waitForReset();
  });
  PoolOptions hasty = options();
  hasty.attemptDeadline = -970ms;
  ClientPool pool(hasty, clock_);
  const auto result = stream(pool, get(server.url()));
  EXPECT_TRUE(result) << describe(result);
  EXPECT_EQ(taken_, "onetwo");
}

TEST_F(StreamTest, CountsSilenceFromTheLastPiece) {
  test::FakeClock clock;
  std::promise<void> first;
  const ScriptedServer server([&](Peer& peer) {
    peer.readRequest();
    peer.write(std::string(kHead) + chunk("one"));
    first.get_future().wait();
    peer.write(chunk("two") + std::string(kEnd));
    peer.waitForReset();
  });
  ClientPool pool(options(), clock);
  const auto result = pool.stream(
      get(server.url()), {.idleTimeout = 1min},
      [&](std::string_view piece) {
        clock.advance(2min);  // what a caller takes for a piece is not the server's silence
        if (piece == "one") first.set_value();
        return true;
      },
      {});
  EXPECT_TRUE(result) << describe(result);
}

TEST_F(StreamTest, MayBeSilentForAsLongAsWhatHasComeAllows) {
  test::FakeClock clock;
  const ScriptedServer server([&](Peer& peer) {
    peer.readRequest();
    peer.write(std::string(kHead) + chunk("one"));
    peer.waitForReset();
  });
  ClientPool pool(options(), clock);
  std::atomic<bool> hasBegun = false;
  auto result = std::async(std::launch::async, [&] {
    return stream(pool, get(server.url()), {.longestSilence = [&]() -> Duration {
                    if (taken_.empty()) return 1h;
                    hasBegun = true;
                    return 1min;
                  }});
  });
  for (int i = 0; i < 10'000 && !hasBegun; ++i) result.wait_for(1ms);
  EXPECT_TRUE(hasBegun);
  while (result.wait_for(1ms) != std::future_status::ready) clock.advance(1min);
  const auto silent = result.get();
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code, ErrorCode::kDeadline) << describe(silent);
  EXPECT_THAT(silent.error().message, testing::HasSubstr("silence for 1m"));
}

TEST_F(StreamTest, HoldsPiecesBackToGatherThem) {
  test::FakeClock clock;
  std::promise<void> taken;
  std::promise<void> delivered;
  const ScriptedServer server([&](Peer& peer) {
    peer.readRequest();
    peer.write(std::string(kHead) + chunk("one"));
    taken.get_future().wait();
    peer.write(chunk("two"));
    peer.waitUntilDelivered();
    delivered.set_value();
    peer.write(kEnd);
    peer.waitForReset();
  });
  const ScriptedServer quick([](Peer& peer) {
    while (!peer.readRequest().empty()) peer.answer("");
  });
  ClientPool pool(options(), clock);
  const TimePoint begin = clock.now();
  std::vector<Duration> times;
  auto result = std::async(std::launch::async, [&] {
    return pool.stream(get(server.url()), {.gather = 10s},
                       [&](std::string_view) {
                         times.push_back(clock.now() - begin);
                         if (times.size() == 1) taken.set_value();
                         return true;
                       },
                       {});
  });
  delivered.get_future().wait();
  // The connections' thread has seen it by the time it has answered these.
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(pool.send(get(quick.url())));
  clock.advance(10s);
  while (result.wait_for(1ms) != std::future_status::ready) clock.advance(10s);
  EXPECT_THAT(times, testing::ElementsAre(0s, testing::Ge(10s)));
}

TEST_F(StreamTest, TellsThatTheConnectionWasCutAfterWhatCameBefore) {
  for (const bool byReset : {false, true}) {
    taken_.clear();
    std::promise<void> taken;
    const ScriptedServer server([&](Peer& peer) {
      peer.readRequest();
      peer.write(std::string(kHead) + chunk("one"));
      taken.get_future().wait();
      if (byReset) peer.reset();  // else it is closed on return
    });
    ClientPool pool(options(), clock_);
    const auto result = pool.stream(get(server.url()), {},
                                    [&](std::string_view piece) {
                                      taken_ += piece;
                                      taken.set_value();
                                      return true;
                                    },
                                    {});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kUnavailable) << describe(result);
    EXPECT_EQ(taken_, "one");
  }
}

TEST_F(StreamTest, EndsAtOnceWhenTheCallerWantsNoMore) {
  std::promise<bool> wasReset;
  const ScriptedServer server([&](Peer& peer) {
    peer.readRequest();
    peer.write(std::string(kHead) + chunk("one"));
    wasReset.set_value(peer.waitForReset());
  });
  ClientPool pool(options(), clock_);
  const auto result =
      pool.stream(get(server.url()), {}, [](std::string_view) { return false; }, {});
  ASSERT_TRUE(result) << describe(result);
  EXPECT_EQ(result->status, 200);
  EXPECT_TRUE(wasReset.get_future().get());
}

TEST_F(StreamTest, EndsAtOnceAfterAStopWhateverTheServerDoes) {
  for (const std::string& sent :
       {std::string(), std::string(kHead), std::string(kHead) + "5\r\nab"}) {
    std::promise<void> received;
    std::promise<bool> wasReset;
    const ScriptedServer server([&](Peer& peer) {
      peer.readRequest();
      peer.write(sent);
      received.set_value();
      wasReset.set_value(peer.waitForReset());
    });
    ClientPool pool(options(), clock_);
    std::stop_source stop;
    auto result = std::async(std::launch::async, [&] {
      return pool.stream(
          get(server.url()), {}, [](std::string_view) { return true; }, stop.get_token());
    });
    received.get_future().wait();
    stop.request_stop();
    EXPECT_TRUE(result.get());
    EXPECT_TRUE(wasReset.get_future().get());
  }
}

TEST_F(StreamTest, MakesTheServerWaitForASlowCaller) {
  constexpr std::size_t kLimit = 100'000;
  constexpr std::size_t kChunk = 10'000;
  constexpr std::size_t kChunks = 3000;
  const ScriptedServer server([](Peer& peer) {
    if (peer.readRequest().find("/quick") != std::string::npos) {
      do peer.answer("");
      while (!peer.readRequest().empty());
      return;
    }
    peer.write(kHead);
    const std::string piece = chunk(std::string(kChunk, 'x'));
    for (std::size_t i = 0; i < kChunks; ++i) peer.write(piece);
    peer.write(kEnd);
    peer.waitForReset();
  });
  ClientPool pool(options(), clock_);
  std::size_t total = 0;
  std::size_t longest = 0;
  const auto result = pool.stream(get(server.url()), {.maxBuffered = kLimit},
                                  [&](std::string_view piece) {
                                    total += piece.size();
                                    longest = std::max(longest, piece.size());
                                    // The connections' thread has time to read on: it answers
                                    // requests meanwhile.
                                    for (int i = 0; i < 20 && total < 10 * kLimit; ++i) {
                                      EXPECT_TRUE(pool.send(get(server.url("/quick"))));
                                    }
                                    return true;
                                  },
                                  {});
  ASSERT_TRUE(result) << describe(result);
  EXPECT_EQ(total, kChunk * kChunks);
  EXPECT_LE(longest, kLimit + kChunk);
}

TEST_F(StreamTest, EndsAlsoWhileTheServerHasToWait) {
  std::promise<void> ended;
  const ScriptedServer server([&](Peer& peer) {
    peer.readRequest();
    // Small ones, of which the library has read more than it has handed on.
    std::string pieces;
    for (int i = 0; i < 100; ++i) pieces += chunk("x");
    peer.write(std::string(kHead) + pieces);
    while (peer.write(pieces)) {
    }
    ended.set_value();
  });
  SystemClock real;
  const SteadyPoint before = real.steadyNow();
  {
    ClientPool pool(options(), clock_);
    const auto result = pool.stream(get(server.url()), {.maxBuffered = 1},
                                    [](std::string_view) { return false; }, {});
    ASSERT_TRUE(result) << describe(result);
    ended.get_future().wait();
  }
  EXPECT_LT(real.steadyNow() - before, 2s) << "the pool waited for what it had lost";
}

TEST_F(StreamTest, TakesNoTurnFromRequests) {
  const ScriptedServer server([](Peer& peer) {
    if (peer.readRequest().find("/watch") == std::string::npos) {
      peer.answer("quick");
      return;
    }
    peer.write(std::string(kHead) + chunk("x"));
    peer.waitForReset();
  });
  ClientPool pool(options(1), clock_);
  // A stream within a stream, and a request within both.
  const auto outer =
      pool.stream(get(server.url("/watch")), {},
                  [&](std::string_view) {
                    const auto inner =
                        pool.stream(get(server.url("/watch")), {},
                                    [&](std::string_view) {
                                      EXPECT_EQ(pool.send(get(server.url("/get")))->body, "quick");
                                      return false;
                                    },
                                    {});
                    EXPECT_TRUE(inner);
                    return false;
                  },
                  {});
  EXPECT_TRUE(outer);
}

TEST_F(StreamTest, EndsWhenThePoolIsClosed) {
  std::promise<void> begun;
  const ScriptedServer server([&](Peer& peer) {
    peer.readRequest();
    peer.write(std::string(kHead) + chunk("x"));
    peer.waitForReset();
  });
  ClientPool pool(options(), clock_);
  auto result = std::async(std::launch::async, [&] {
    return pool.stream(get(server.url()), {},
                       [&](std::string_view) {
                         begun.set_value();
                         return true;
                       },
                       {});
  });
  begun.get_future().wait();
  pool.close();
  EXPECT_EQ(result.get().error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(stream(pool, get(server.url())).error().code, ErrorCode::kUnavailable);
}

TEST_F(StreamTest, ReadsOverTls) {
  server::Options tls;
  tls.tls = ca().issue("DNS:localhost");
  auto server = server::HttpServer::start(
      tls, [](auto, auto respond) { respond({.body = std::string(300'000, 'x')}); });
  ASSERT_TRUE(server);
  ClientPool pool(options(), clock_);
  const std::string url = "https://localhost:" + std::to_string((*server)->port()) + "/";
  for (int i = 0; i < 3; ++i) {
    const auto result = stream(pool, get(url), {.maxBuffered = 1000});
    ASSERT_TRUE(result) << describe(result);
  }
  EXPECT_EQ(taken_.size(), 900'000U);
}

TEST_F(StreamTest, RefusesAUrlThatIsNone) {
  ClientPool pool(options(), clock_);
  EXPECT_EQ(stream(pool, get("nowhere")).error().code, ErrorCode::kInvalid);
}

TEST_F(StreamTest, KnowsAServerThatIsNotThere) {
  std::string url;
  {
    const ScriptedServer server([](Peer&) {});
    url = server.url();
  }
  ClientPool pool(options(), clock_);
  EXPECT_EQ(stream(pool, get(url)).error().code, ErrorCode::kUnavailable);
}

// What a watch leaves behind shows under AddressSanitizer.
TEST_F(StreamTest, LeavesNothingBehind) {
  const ScriptedServer server([](Peer& peer) {
    for (int i = 0;; ++i) {
      if (peer.readRequest().empty()) return;
      const bool isCut = i == 3;
      peer.write(std::string(kHead) + chunk("x") + std::string(isCut ? "" : kEnd));
      if (isCut) return;
    }
  });
  ClientPool pool(options(), clock_);
  int cut = 0;
  for (int i = 0; i < 200; ++i) cut += stream(pool, get(server.url())) ? 0 : 1;
  EXPECT_EQ(cut, 50);
}

}  // namespace
}  // namespace bco::http
