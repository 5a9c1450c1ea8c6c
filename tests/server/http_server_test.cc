#include "server/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <future>
#include <mutex>
#include <thread>

#include "tests/server/client.h"

namespace bco::server {
namespace {

using std::chrono::milliseconds;
using test::Client;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Says what it got.
void echo(const Request& request, const Responder& respond) {
  Reply reply;
  reply.headers = {{"Content-Type", "text/plain"}};
  reply.body = request.method + " " + request.target + " " + request.body;
  respond(std::move(reply));
}

std::unique_ptr<HttpServer> serve(const Handler& handler, const Options& options = {}) {
  auto server = HttpServer::start(options, handler);
  EXPECT_TRUE(server.has_value()) << (server ? "" : server.error().message);
  return std::move(*server);
}

Options withTls() {
  Options options;
  options.tls = TlsFiles{test::kCertificate, test::kPrivateKey};
  return options;
}

std::string get(std::string_view target, std::string_view headers = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "\r\n";
}

std::string gunzip(std::string body) {
  z_stream stream{};
  inflateInit2(&stream, 15 + 16);
  std::string out(1 << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(body.data());
  stream.avail_in = static_cast<uInt>(body.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  inflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

TEST(HttpServer, AnswersRequestAfterRequestOnOneConnection) {
  const auto server = serve(echo);
  Client client(server->port());
  EXPECT_THAT(client.exchange(get("/a?b=%20c")), EndsWith("\r\n\r\nGET /a?b=%20c "));
  const auto second =
      client.exchange("POST /d HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_THAT(second, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(second, HasSubstr("Content-Length: 11\r\n"));
  EXPECT_THAT(second, HasSubstr("\r\nDate: "));
  EXPECT_THAT(second, EndsWith("POST /d abc"));
}

TEST(HttpServer, AnswersOverTls) {
  const auto server = serve(echo, withTls());
  Client client(server->port(), true);
  EXPECT_THAT(client.exchange(get("/a")), EndsWith("GET /a "));
  EXPECT_THAT(client.exchange(get("/b")), EndsWith("GET /b "));
}

TEST(HttpServer, SendsALongBodyWhole) {
  const std::string body(5 << 20, 'x');
  for (const bool tls : {false, true}) {
    const auto server =
        serve([&](const Request&, const Responder& respond) { respond({.body = body}); },
              tls ? withTls() : Options{});
    Client client(server->port(), tls);
    EXPECT_EQ(client.exchange(get("/")).size() > body.size(), true);
    EXPECT_THAT(client.exchange(get("/")), EndsWith("xxx"));
  }
}

TEST(HttpServer, ReadsALongBodyWhole) {
  const std::string body(400'000, 'y');
  for (const bool tls : {false, true}) {
    const auto server = serve(echo, tls ? withTls() : Options{});
    Client client(server->port(), tls);
    const auto reply =
        client.exchange("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 400000\r\n\r\n" + body);
    EXPECT_THAT(reply, EndsWith("PUT / " + body));
  }
}

TEST(HttpServer, RefusesABadCertificateAndABusyPort) {
  Options broken = withTls();
  broken.tls->privateKeyPem = "nonsense";
  const auto server = HttpServer::start(broken, echo);
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().code, ErrorCode::kInvalid);

  const auto first = serve(echo);
  Options busy;
  busy.port = first->port();
  const auto second = HttpServer::start(busy, echo);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
}

TEST(HttpServer, AnswersPipelinedRequestsInOrderThoughTheFirstTakesLonger) {
  std::mutex mutex;
  std::vector<Responder> held;
  const auto server = serve([&](const Request& request, const Responder& respond) {
    if (request.target == "/slow") {
      std::lock_guard lock(mutex);
      held.push_back(respond);
    } else {
      echo(request, respond);
    }
  });
  Client client(server->port());
  client.send(get("/slow") + get("/fast"));
  std::thread releaser([&] {
    while (true) {
      std::lock_guard lock(mutex);
      if (held.empty()) continue;
      held[0]({.body = "slow"});
      return;
    }
  });
  EXPECT_THAT(client.readReply(), EndsWith("slow"));
  EXPECT_THAT(client.readReply(), EndsWith("GET /fast "));
  releaser.join();
}

TEST(HttpServer, ReadsAChunkedBodyAndIgnoresItsTrailers) {
  std::promise<Request> got;
  const auto server = serve([&](Request request, const Responder& respond) {
    echo(request, respond);
    got.set_value(std::move(request));
  });
  Client client(server->port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  client.send("4;ext=1\r\ndefg\r\n0\r\nAuthorization: forged\r\n\r\n");
  EXPECT_THAT(client.readReply(), EndsWith("POST / abcdefg"));
  EXPECT_EQ(got.get_future().get().header("authorization"), std::nullopt);
}

TEST(HttpServer, SaysContinueBeforeABodyThatWaitsForIt) {
  const auto server = serve(echo);
  Client client(server->port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.readReply(), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_THAT(client.exchange("hi"), EndsWith("POST / hi"));
  for (const std::string expect : {"x=y, 100-continue", "100-continue, x",
                                   "x\r\nExpect: 100-continue", "100-continue\r\nExpect: x"}) {
    client.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: " + expect +
                "\r\nContent-Length: 2\r\n\r\n");
    EXPECT_EQ(client.readReply(), "HTTP/1.1 100 Continue\r\n\r\n") << expect;
    EXPECT_THAT(client.exchange("hi"), EndsWith("POST / hi"));
  }
}

TEST(HttpServer, TreatsExpectationsItDoesNotKnowAsIfTheyWereNotThere) {
  const auto server = serve(echo);
  Client client(server->port());
  EXPECT_THAT(client.exchange(get("/a", "Expect: wonders\r\n")), EndsWith("GET /a "));
  Client old(server->port());
  old.send("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_THAT(old.readAll(), StartsWith("HTTP/1.1 200 ")) << "nothing before it: 1.0 knows no 100";
}

TEST(HttpServer, AnswersHeadWithTheLengthAndNoBody) {
  const auto server = serve(echo);
  Client client(server->port());
  client.send("HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n" + get("/b"));
  const auto head = client.readReply(true);
  EXPECT_THAT(head, HasSubstr("Content-Length: 8\r\n"));
  EXPECT_THAT(head, EndsWith("\r\n\r\n"));
  const auto next = client.readReply();
  EXPECT_THAT(next, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(next, EndsWith("GET /b "));
}

TEST(HttpServer, GivesNoLengthToStatusesWithoutABody) {
  const auto server = serve(
      [](const Request&, const Responder& respond) { respond({.status = 304, .body = "x"}); });
  Client client(server->port());
  const auto reply = client.exchange(get("/"));
  EXPECT_THAT(reply, Not(HasSubstr("Content-Length")));
  EXPECT_THAT(reply, EndsWith("\r\n\r\n"));
}

TEST(HttpServer, CompressesALongBodyForAClientThatAsksForIt) {
  const std::string body(4000, 'z');
  const auto server = serve([&](const Request& request, const Responder& respond) {
    respond({.body = request.target == "/long" ? body : "short"});
  });
  Client client(server->port());
  const auto reply = client.exchange(get("/long", "Accept-Encoding: deflate, gzip;q=0.5\r\n"));
  EXPECT_THAT(reply, HasSubstr("Content-Encoding: gzip\r\n"));
  EXPECT_LT(reply.size(), 1000U);
  EXPECT_EQ(gunzip(reply.substr(reply.find("\r\n\r\n") + 4)), body);
  EXPECT_THAT(client.exchange(get("/long")), EndsWith(body));
  EXPECT_THAT(client.exchange(get("/long", "Accept-Encoding: gzip;q=0\r\n")), EndsWith(body));
  EXPECT_THAT(client.exchange(get("/", "Accept-Encoding: gzip\r\n")), EndsWith("short"));
}

TEST(HttpServer, TakesAnAbsoluteTargetForItsPath) {
  const auto server = serve(echo);
  Client client(server->port());
  EXPECT_THAT(client.exchange(get("http://x:1/a?b")), EndsWith("GET /a?b "));
  EXPECT_THAT(client.exchange(get("http://x")), EndsWith("GET / "));
}

TEST(HttpServer, ClosesAfterTheReplyWhenEitherSideAsksForIt) {
  const auto server = serve([](const Request& request, const Responder& respond) {
    respond({.body = "bye", .close = request.target == "/close"});
  });
  for (const auto& request :
       {get("/", "Connection: close\r\n"), get("/close"), std::string("GET / HTTP/1.0\r\n\r\n")}) {
    Client client(server->port());
    client.send(request);
    const auto all = client.readAll();
    EXPECT_THAT(all, HasSubstr("Connection: close\r\n")) << request;
    EXPECT_THAT(all, EndsWith("bye")) << request;
  }
}

TEST(HttpServer, ResetsTheConnectionInsteadOfAReply) {
  for (const bool tls : {false, true}) {
    const auto server =
        serve([](const Request&, const Responder& respond) { respond({.reset = true}); },
              tls ? withTls() : Options{});
    Client client(server->port(), tls);
    client.send(get("/"));
    EXPECT_TRUE(client.wasReset());
  }
}

TEST(HttpServerLimits, AnswerWith431AHeadThatIsTooLong) {
  const auto server = serve(echo);
  Client client(server->port());
  EXPECT_THAT(client.exchange(get("/" + std::string(15'000, 'a'))), StartsWith("HTTP/1.1 200 "));
  client.send(get("/" + std::string(100'000, 'a')));
  EXPECT_THAT(client.readAll(), StartsWith("HTTP/1.1 431 "));
}

TEST(HttpServerLimits, LetTheClientReadWhyItWasRefused) {
  const auto server = serve(echo);
  Client client(server->port());
  client.send(get("/" + std::string(300'000, 'a')));
  EXPECT_FALSE(client.wasReset());
}

TEST(HttpServerLimits, AnswerWith413ABodyThatIsTooLongWithoutReadingIt) {
  Options options;
  options.maxBodyBytes = 10;
  const auto server = serve(echo, options);
  Client announced(server->port());
  announced.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n");
  EXPECT_THAT(announced.readAll(), StartsWith("HTTP/1.1 413 "));
  Client chunked(server->port());
  chunked.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n" +
               std::string(20, 'a'));
  EXPECT_THAT(chunked.readAll(), StartsWith("HTTP/1.1 413 "));
}

TEST(HttpServerLimits, AnswerWith400WhatIsNoSafeRequest) {
  const auto server = serve(echo);
  for (const std::string request :
       {"nonsense\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/3.0\r\nHost: x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    Client client(server->port());
    client.send(request);
    EXPECT_THAT(client.readAll(), StartsWith("HTTP/1.1 400 ")) << request;
  }
}

TEST(HttpServerLimits, EndAnIdleConnection) {
  Options options;
  options.idleTimeout = milliseconds(40);
  const auto server = serve(echo, options);
  Client client(server->port());
  EXPECT_THAT(client.exchange(get("/")), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(client.readAll(), "");
}

TEST(HttpServerLimits, EndASlowHeadABodyThatStopsAndASilentClient) {
  Options options;
  options.headTimeout = milliseconds(40);
  options.bodyTimeout = milliseconds(40);
  const auto server = serve(echo, options);
  Client silent(server->port());
  Client slowHead(server->port());
  slowHead.send("GET / HTT");
  Client slowBody(server->port());
  slowBody.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
  EXPECT_EQ(silent.readAll(), "");
  EXPECT_THAT(slowHead.readAll(), StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(slowBody.readAll(), StartsWith("HTTP/1.1 408 "));
}

TEST(HttpServerLimits, EndAClientThatNeverReadsItsReply) {
  Options options;
  options.bodyTimeout = milliseconds(40);
  options.maxConnections = 1;
  const auto server = serve(
      [](const Request& request, const Responder& respond) {
        respond({.body = std::string(request.target == "/long" ? 64U << 20 : 1U, 'x')});
      },
      options);
  Client stuck(server->port());
  stuck.send(get("/long"));
  // The next is turned away as long as the first is there.
  std::string reply;
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (reply.empty() && std::chrono::steady_clock::now() < patience) {
    Client next(server->port());
    reply = next.exchange(get("/"));
  }
  EXPECT_THAT(reply, EndsWith("x"));
}

TEST(HttpServerLimits, TurnAwayMoreConnectionsThanAllowed) {
  Options options;
  options.maxConnections = 1;
  std::promise<Responder> held;
  const auto server =
      serve([&](const Request&, const Responder& respond) { held.set_value(respond); }, options);
  Client first(server->port());
  first.send(get("/"));
  const Responder respond = held.get_future().get();
  Client second(server->port());
  EXPECT_EQ(second.readAll(), "") << "nobody makes room whom we keep waiting ourselves";
  respond({.body = "done"});
  EXPECT_THAT(first.readReply(), EndsWith("done"));
}

TEST(HttpServerLimits, HaveWhoKeepsUsWaitingLongestMakeRoom) {
  Options options;
  options.maxConnections = 2;
  const auto server = serve(echo, options);
  Client silent(server->port());
  Client second(server->port());
  EXPECT_THAT(second.exchange(get("/a")), EndsWith("GET /a "));
  Client third(server->port());
  EXPECT_THAT(third.exchange(get("/b")), EndsWith("GET /b "));
  EXPECT_EQ(silent.readAll(), "");
  EXPECT_THAT(second.exchange(get("/c")), EndsWith("GET /c "));
  EXPECT_EQ(server->connections(), 2U);
}

TEST(HttpServerLimits, AreToldOfByWhomTheyWereMet) {
  Options options;
  options.maxHeadBytes = 100;
  std::promise<std::string> told;
  options.onRefusal = [&](int status, const std::string& peer) {
    told.set_value(std::to_string(status) + " " + peer);
    return Reply{.headers = {{"Content-Type", "text/plain"}}, .body = "too long"};
  };
  const auto server = serve(echo, options);
  Client client(server->port());
  client.send(get("/" + std::string(200, 'x')));
  EXPECT_EQ(told.get_future().get(), "431 127.0.0.1");
  const auto answer = client.readAll();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\ntoo long"));
}

TEST(HttpServerLimits, AreToldWithoutABodyInAnswerToHead) {
  Options options;
  options.onRefusal = [](int, const std::string&) { return Reply{.body = "too long"}; };
  const auto server = serve(echo, options);
  Client client(server->port());
  client.send("HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n");
  const auto answer = client.readAll();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 8\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST(HttpServer, TakesANewCertificateForNewConnections) {
  const auto server = serve(echo, withTls());
  Client before(server->port(), true);
  EXPECT_THAT(before.exchange(get("/a")), EndsWith("GET /a "));
  const auto refused = server->useTls({"nonsense", "nonsense"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
  ASSERT_TRUE(server->useTls({test::kCertificate, test::kPrivateKey}));
  EXPECT_THAT(before.exchange(get("/b")), EndsWith("GET /b "));
  Client after(server->port(), true);
  EXPECT_THAT(after.exchange(get("/c")), EndsWith("GET /c "));
}

TEST(TlsFiles, WipeTheirKey) {
  std::aligned_storage_t<sizeof(TlsFiles), alignof(TlsFiles)> place;
  // Short enough to lie in the object itself, where it can be looked at after its end.
  auto* const files = new (&place) TlsFiles{"certificate", "the key"};
  const std::string_view key = files->privateKeyPem;
  const auto offset = key.data() - reinterpret_cast<const char*>(&place);
  files->~TlsFiles();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(&place) + offset, 7), std::string(7, '\0'));
}

TEST(HttpServer, DrainsByAnsweringWhatItHasAndTakingNothingMore) {
  std::promise<Responder> held;
  const auto server = serve([&](const Request& request, const Responder& respond) {
    if (request.target == "/slow") return held.set_value(respond);
    echo(request, respond);
  });
  Client idle(server->port());
  EXPECT_THAT(idle.exchange(get("/a")), EndsWith("GET /a "));
  Client waiting(server->port());
  waiting.send(get("/slow"));
  const Responder respond = held.get_future().get();
  server->drain();
  EXPECT_EQ(idle.readAll(), "");
  respond({.body = "done"});
  const auto last = waiting.readReply();
  EXPECT_THAT(last, HasSubstr("Connection: close"));
  EXPECT_THAT(last, EndsWith("done"));
  EXPECT_EQ(waiting.readAll(), "");
}

TEST(HttpServerResponder, MayBeCalledFromAnyThread) {
  std::vector<std::jthread> workers;
  const auto server = serve([&](const Request& request, const Responder& respond) {
    workers.emplace_back([request, respond] { echo(request, respond); });
  });
  Client client(server->port());
  for (int i = 0; i < 20; ++i) EXPECT_THAT(client.exchange(get("/x")), EndsWith("GET /x "));
}

TEST(HttpServerResponder, MayBeCalledTwiceOrAfterTheServerHasGone) {
  std::promise<Responder> held;
  auto server = serve([&](const Request&, const Responder& respond) { held.set_value(respond); });
  Client client(server->port());
  client.send(get("/"));
  const Responder respond = held.get_future().get();
  respond({.body = "one"});
  respond({.body = "two"});
  EXPECT_THAT(client.readReply(), EndsWith("one"));
  server.reset();
  respond({.body = "three"});
  EXPECT_EQ(client.readAll(), "");
}

TEST(HttpServerResponder, AnswersItsOwnRequestAlone) {
  std::vector<Responder> responders;
  const auto server = serve([&](const Request&, const Responder& respond) {
    responders.push_back(respond);
    if (responders.size() == 1) {
      respond({.body = "one"});
    } else {
      responders[0]({.body = "stale"});
      responders[1]({.body = "two"});
    }
  });
  Client client(server->port());
  EXPECT_THAT(client.exchange(get("/")), EndsWith("one"));
  EXPECT_THAT(client.exchange(get("/")), EndsWith("two"));
}

TEST(HttpServerResponder, NeverCalledLeavesTheClientWaitingUntilItGivesUp) {
  Options options;
  options.maxConnections = 1;
  options.idleTimeout = milliseconds(20);
  const auto server = serve(
      [](const Request& request, const Responder& respond) {
        if (request.target != "/never") respond({.body = "here"});
      },
      options);
  {
    Client client(server->port());
    client.send(get("/never"));
    client.closeSending();
    EXPECT_EQ(client.readAll(), "");
  }
  Client next(server->port());
  EXPECT_THAT(next.exchange(get("/")), EndsWith("here"));
}

TEST(HttpServerResponder, ReachesAClientThatHasNothingMoreToSay) {
  Options options;
  options.headTimeout = milliseconds(20);  // and a look at who has gone each 5 ms
  std::promise<Responder> held;
  const auto server =
      serve([&](const Request&, const Responder& respond) { held.set_value(respond); }, options);
  Client client(server->port());
  client.send(get("/"));
  client.closeSending();
  const Responder respond = held.get_future().get();
  // A neighbour that says nothing is ended by a look that has seen the half-closed one too.
  EXPECT_EQ(Client(server->port()).readAll(), "");
  EXPECT_EQ(Client(server->port()).readAll(), "");
  respond({.body = "late"});
  EXPECT_THAT(client.readAll(), EndsWith("late"));
}

TEST(HttpServerResponder, IsOfNoUseToAClientThatHasMadeRoom) {
  Options options;
  options.maxConnections = 1;
  std::vector<Responder> held;
  const auto server = serve(
      [&](const Request& request, const Responder& respond) {
        if (request.target == "/held") return held.push_back(respond);
        echo(request, respond);
      },
      options);
  Client halfClosed(server->port());
  halfClosed.send(get("/held"));
  halfClosed.closeSending();
  std::string reply;
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (reply.empty() && std::chrono::steady_clock::now() < patience) {
    Client next(server->port());
    reply = next.exchange(get("/next"));
  }
  EXPECT_THAT(reply, EndsWith("GET /next "));
  EXPECT_EQ(halfClosed.readAll(), "");
}

TEST(HttpServer, SpreadsConnectionsOverItsThreads) {
  Options options;
  options.threads = 2;
  std::mutex mutex;
  std::vector<std::thread::id> seen;
  const auto server = serve(
      [&](const Request& request, const Responder& respond) {
        {
          std::lock_guard lock(mutex);
          seen.push_back(std::this_thread::get_id());
        }
        echo(request, respond);
      },
      options);
  Client first(server->port());
  Client second(server->port());
  EXPECT_THAT(first.exchange(get("/a")), EndsWith("GET /a "));
  EXPECT_THAT(second.exchange(get("/b")), EndsWith("GET /b "));
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_NE(seen[0], seen[1]);
}

}  // namespace
}  // namespace bco::server
