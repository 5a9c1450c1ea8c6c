// What strangers can have a server keep for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <chrono>
#include <future>
#include <list>
#include <mutex>
#include <string>
#include <vector>

#include "server/http_server.h"
#include "tests/server/client.h"

namespace bco::server {
namespace {

using test::Client;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::size_t kKiB = 1024;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsMeasured = false;  // another allocator, with memory of its own
#else
constexpr bool kIsMeasured = true;
#endif

std::size_t allocated() { return mallinfo2().uordblks + mallinfo2().hblkhd; }

Options optionsFor(bool tls) {
  Options options;
  if (tls) options.tls = TlsFiles{test::kCertificate, test::kPrivateKey};
  return options;
}

std::unique_ptr<HttpServer> started(const Handler& handler, const Options& options) {
  auto server = HttpServer::start(options, handler);
  EXPECT_TRUE(server.has_value());
  return std::move(*server);
}

void sayTarget(const Request& request, const Responder& respond) {
  respond({.body = request.target + " " + request.body});
}

// Holds requests, and answers all of them at once.
class Holder {
 public:
  [[nodiscard]] Handler handler() {
    return [this](const Request&, const Responder& respond) {
      std::lock_guard lock(mutex_);
      held_.push_back(respond);
      if (held_.size() == expected_) all_.set_value();
    };
  }
  explicit Holder(std::size_t expected) : expected_(expected) {}
  void await() { all_.get_future().wait(); }
  void answer() {
    std::lock_guard lock(mutex_);
    for (const auto& respond : held_) respond({.body = "done"});
  }

 private:
  const std::size_t expected_;
  std::promise<void> all_;
  std::mutex mutex_;  // guards held_
  std::vector<Responder> held_;
};

TEST(ServerMemory, KeepsLittleOfWhatComesBehindARequestThatIsHandled) {
  constexpr std::size_t kClients = 200;
  const std::string request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";
  const std::string rubbish(60 * kKiB, 'z');
  const std::string all = request + rubbish;
  Holder holder(kClients);
  const auto server = started(holder.handler(), {});
  std::list<Client> clients;
  for (std::size_t i = 0; i < kClients; ++i) clients.emplace_back(server->port());
  const std::size_t before = allocated();
  for (auto& each : clients) each.send(all);
  holder.await();
  const std::size_t each = (allocated() - before) / kClients;
  if (kIsMeasured) {
    EXPECT_LT(each, 12 * kKiB);
  }
  holder.answer();
  // It is no request, which is said when its turn has come.
  EXPECT_THAT(clients.front().readReply(), EndsWith("done"));
  EXPECT_THAT(clients.front().readAll(), StartsWith("HTTP/1.1 431 "));
}

TEST(ServerMemory, ForgetsNothingOfAThousandPipelinedRequests) {
  for (const bool tls : {false, true}) {
    for (const int buffer : {0, 8 * 1024}) {
      Options options = optionsFor(tls);
      options.socketBufferBytes = buffer;
      const auto server = started(sayTarget, options);
      std::string all;
      for (int i = 0; i < 1000; ++i) {
        const std::string body(static_cast<std::size_t>(i) * 7 % 500, 'b');
        all += "POST /" + std::to_string(i) +
               " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
               "\r\n\r\n" + body;
      }
      Client client(server->port(), tls);
      // In parts of many requests, the last of which goes on in the next.
      constexpr std::size_t kPart = 6000;
      int read = 0;
      const auto readUpTo = [&](int end) {
        for (; read < end; ++read) {
          ASSERT_THAT(client.readReply(), HasSubstr("\r\n\r\n/" + std::to_string(read) + " "));
        }
      };
      int begun = 0;
      for (std::size_t from = 0; from < all.size(); from += kPart) {
        const auto part = all.substr(from, kPart);
        client.send(part);
        for (auto at = part.find("POST /"); at != part.npos; at = part.find("POST /", at + 1))
          ++begun;
        readUpTo(begun - 3);
        if (HasFatalFailure()) return;
      }
      readUpTo(1000);
    }
  }
}

TEST(ServerMemory, ReadsALongBodyThroughSmallBuffers) {
  for (const bool tls : {false, true}) {
    Options options = optionsFor(tls);
    options.socketBufferBytes = 8 * 1024;
    const auto server = started(sayTarget, options);
    Client client(server->port(), tls);
    const std::string body(400'000, 'y');
    client.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 400000\r\n\r\n" + body);
    EXPECT_THAT(client.readReply(), EndsWith("/a " + body));
  }
}

// Of many that have said `word`, `most` are left, or one or two less: the last.
void expectFewLeft(const Options& options, const std::string& word, std::size_t most) {
  const auto server = started(sayTarget, options);
  std::list<Client> clients;
  for (int i = 0; i < 40; ++i) {
    clients.emplace_back(server->port());
    clients.back().send(word);
  }
  {
    Client honest(server->port(), options.tls.has_value());
    EXPECT_THAT(honest.exchange("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"), EndsWith("/a "));
  }
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(9);
  while (server->connections() > most && std::chrono::steady_clock::now() < patience) {
  }
  EXPECT_LE(server->connections(), most);
  EXPECT_GE(server->connections() + 2, most);
  EXPECT_EQ(clients.front().readAll(), "");
}

TEST(ServerMemory, OfHalfARequestIsHadByAFew) {
  Options options;
  options.maxHeldBytes = 100 * kKiB;
  const std::string head = "POST /aaaa HTTP/1.1\r\nHost: x\r\n";
  expectFewLeft(options, head + "X: " + std::string(10 * kKiB, 'x'), 9);
  expectFewLeft(options, head + "Content-Length: 11000\r\n\r\n" + std::string(10 * kKiB, 'x'), 9);
  std::string fields;
  for (int i = 0; i < 100; ++i) fields += "a:\r\n";
  // A field takes up far more than it has said.
  expectFewLeft(options, head + fields, 16);
}

TEST(ServerMemory, OfAHandshakeIsHadByAFew) {
  Options options = optionsFor(true);
  options.maxHeldBytes = 1300 * kKiB;
  // A ClientHello of 128 KiB will follow, for which OpenSSL makes room.
  expectFewLeft(options, std::string("\x16\x03\x01\x00\x04\x01\x01\xff\x00", 9), 6);
}

TEST(ServerMemory, OfAReplyThatIsNotReadIsHadByAFew) {
  Options options;
  options.socketBufferBytes = 8 * 1024;
  options.maxHeldBytes = 5'000 * kKiB;
  const std::string body(1'000 * kKiB, 'x');
  int asked = 0;
  std::promise<void> all;
  const auto server = started(
      [&](const Request&, const Responder& respond) {
        respond({.body = body});
        if (++asked == 8) all.set_value();
      },
      options);
  std::list<Client> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back(server->port());
    clients.back().send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  all.get_future().wait();
  EXPECT_LT(clients.front().readReply().size(), body.size());
  EXPECT_GT(clients.back().readReply().size(), body.size());
}

}  // namespace
}  // namespace bco::server
