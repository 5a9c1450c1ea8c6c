// The pool against a well-behaved server.
#include "http/client_pool.h"

#include <gmock/gmock.h>
#include <zlib.h>

#include <mutex>
#include <set>

#include "server/http_server.h"
#include "tests/http/pool_fixture.h"

namespace bco::http {
namespace {

using namespace std::chrono_literals;
using test::describe;
using testing::HasSubstr;
using testing::Not;

class ClientPoolTest : public test::PoolTest {
 protected:
  // Keeps what it was asked, and answers each request with `reply_`.
  void start(std::optional<server::TlsFiles> tls = std::nullopt) {
    server::Options serverOptions;
    serverOptions.tls = std::move(tls);
    auto server = server::HttpServer::start(serverOptions, [this](auto request, auto respond) {
      std::lock_guard lock(mutex_);
      requests_.push_back(std::move(request));
      respond(reply_);
    });
    ASSERT_TRUE(server) << server.error().message;
    server_ = *std::move(server);
  }
  [[nodiscard]] std::string url(const std::string& host, const std::string& target = "/") const {
    return host + ":" + std::to_string(server_->port()) + target;
  }
  [[nodiscard]] std::size_t connections() {
    std::lock_guard lock(mutex_);
    std::set<std::uint64_t> numbers;
    for (const auto& request : requests_) numbers.insert(request.connection);
    return numbers.size();
  }

  std::mutex mutex_;  // guards the next two
  std::vector<server::Request> requests_;
  server::Reply reply_{.body = "hello"};
  std::unique_ptr<server::HttpServer> server_;
};

std::string gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST_F(ClientPoolTest, SendsMethodTargetHeadersCredentialAndBodyAsGiven) {
  start();
  ClientPool pool(options(), clock_);
  const std::string target = "/v7/device(uuid='ab')?$select=id,uuid&$filter=a%20eq%20'b%2Fc'&x=%24";
  Request request = post(url("http://127.0.0.1", target), R"({"a":1})");
  request.method = Method::kPatch;
  request.headers = {{"Prefer", "return=minimal"}};
  request.credentialHeader = "Authorization";
  request.credential = shareSecret(SecretBytes("Bearer token"));
  const auto result = pool.send(request);

  ASSERT_TRUE(result) << describe(result);
  EXPECT_EQ(result->status, 200);
  EXPECT_EQ(result->body, "hello");
  EXPECT_EQ(result->header("content-length"), "5");
  const auto& seen = requests_.at(0);
  EXPECT_EQ(seen.method, "PATCH");
  EXPECT_EQ(seen.target, target);
  EXPECT_EQ(seen.header("Prefer"), "return=minimal");
  EXPECT_EQ(seen.header("Authorization"), "Bearer token");
  EXPECT_EQ(seen.header("Content-Type"), "application/json");
  EXPECT_EQ(seen.header("User-Agent"), "balena-clearblade-operator");
  EXPECT_EQ(seen.body, R"({"a":1})");
}

TEST_F(ClientPoolTest, SendsTheTypeOfTheBody) {
  start();
  ClientPool pool(options(), clock_);
  Request request = post(url("http://127.0.0.1"));
  request.contentType = "application/merge-patch+json";
  ASSERT_TRUE(pool.send(request.clone()));
  EXPECT_EQ(requests_.at(0).header("Content-Type"), "application/merge-patch+json");
}

TEST_F(ClientPoolTest, ReturnsResultsInTheOrderOfTheRequests) {
  start();
  ClientPool pool(options(3), clock_);
  std::vector<Request> requests;
  for (int i = 0; i < 10; ++i) requests.push_back(get(url("http://127.0.0.1", "/ok")));
  requests[4].url = "https://[::1]/";
  requests[7].url = "http://example.com/";
  requests[9].url = "https://ho{st/";
  const auto results = pool.sendAll(requests);
  ASSERT_EQ(results.size(), 10U);
  for (std::size_t i = 0; i < results.size(); ++i) {
    EXPECT_EQ(results[i].has_value(), i != 4 && i != 7 && i != 9)
        << i << ": " << describe(results[i]);
  }
  EXPECT_THAT(describe(results[4]), HasSubstr("IPv6"));
  EXPECT_EQ(results[7].error().code, ErrorCode::kInvalid);
  EXPECT_TRUE(pool.sendAll({}).empty());
}

TEST_F(ClientPoolTest, SpeaksTlsToANameAndToAnAddress) {
  start(ca().issue("DNS:localhost,IP:127.0.0.1"));
  ClientPool pool(options(), clock_);
  for (const std::string host : {"https://localhost", "https://127.0.0.1"}) {
    const auto result = pool.send(get(url(host)));
    EXPECT_TRUE(result) << host << ": " << describe(result);
  }
}

TEST_F(ClientPoolTest, RefusesACertificateForAnotherNameOrAddress) {
  for (const auto& [host, names] : std::vector<std::pair<std::string, std::string>>{
           {"https://localhost", "DNS:other.example,IP:127.0.0.1"},
           {"https://127.0.0.1", "DNS:localhost,IP:127.0.0.2"},
           {"https://127.0.0.1", "DNS:127.0.0.1"}}) {
    start(ca().issue(names));
    ClientPool pool(options(), clock_);
    const auto result = pool.send(post(url(host)));
    ASSERT_FALSE(result) << host << " " << names;
    EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
    EXPECT_THAT(result.error().message, HasSubstr("mismatch"));
    EXPECT_FALSE(result.error().outcomeUnknown);
  }
  EXPECT_TRUE(requests_.empty());
}

TEST_F(ClientPoolTest, AcceptsTheNameItWasToldInPlaceOfTheUrls) {
  PoolOptions renamed = options();
  renamed.serverName = "kubernetes.default.svc";
  ClientPool pool(renamed, clock_);
  start(ca().issue("DNS:kubernetes.default.svc"));
  EXPECT_TRUE(pool.send(get(url("https://localhost"))));
  start(ca().issue("DNS:localhost"));
  EXPECT_THAT(describe(pool.send(get(url("https://localhost")))), HasSubstr("mismatch"));
}

TEST_F(ClientPoolTest, DoesNotTakeACommonNameForAName) {
  start(ca().issue("", "localhost"));
  ClientPool pool(options(), clock_);
  EXPECT_THAT(describe(pool.send(get(url("https://localhost")))), HasSubstr("mismatch"));
}

TEST_F(ClientPoolTest, RefusesACertificateOfAnUnknownAuthority) {
  const test::TestCa stranger("stranger");
  start(stranger.issue("DNS:localhost"));
  ClientPool pool(options(), clock_);
  const auto result = pool.send(post(url("https://localhost")));
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("certificate verify failed"));
  EXPECT_FALSE(result.error().outcomeUnknown);
}

TEST_F(ClientPoolTest, TrustsASystemCertificateBesideAnExtraOne) {
  start(ca().issue("DNS:localhost"));
  const auto trust = Trust::load({.system = true, .extraPem = ca().pem()});
  ASSERT_TRUE(trust);
  ClientPool pool({.trust = *trust}, clock_);
  const auto result = pool.send(get(url("https://localhost")));
  EXPECT_TRUE(result) << describe(result);
}

TEST_F(ClientPoolTest, KeepsItsConnections) {
  start(ca().issue("DNS:localhost"));
  ClientPool pool(options(4), clock_);
  for (int round = 0; round < 5; ++round) {
    const std::vector<Request> batch = [&] {
      std::vector<Request> requests;
      for (int i = 0; i < 4; ++i) requests.push_back(post(url("https://localhost")));
      return requests;
    }();
    for (const auto& result : pool.sendAll(batch)) EXPECT_TRUE(result) << describe(result);
  }
  EXPECT_LE(connections(), 4U);
}

TEST_F(ClientPoolTest, NeverHasMoreConnectionsThanItsLimit) {
  start();
  ClientPool pool(options(3), clock_);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (int round = 0; round < 20; ++round) {
          const std::vector<Request> batch = [&] {
            std::vector<Request> requests;
            for (int j = 0; j < 4; ++j) requests.push_back(post(url("http://127.0.0.1")));
            return requests;
          }();
          for (const auto& result : pool.sendAll(batch)) EXPECT_TRUE(result) << describe(result);
        }
      });
    }
  }
  EXPECT_EQ(requests_.size(), 640U);
  EXPECT_LE(connections(), 3U);
}

TEST_F(ClientPoolTest, ReturnsARedirectAndKeepsTheCredentialFromItsTarget) {
  start();
  const test::ScriptedServer target([](test::Peer& peer) { peer.readRequest(); });
  reply_ = {.status = 307, .headers = {{"Location", target.url()}}};
  ClientPool pool(options(), clock_);
  for (const bool write : {false, true}) {
    Request request = write ? post(url("http://127.0.0.1")) : get(url("http://127.0.0.1"));
    request.credentialHeader = "Authorization";
    request.credential = shareSecret(SecretBytes("Bearer token"));
    const auto result = pool.send(request);
    ASSERT_TRUE(result) << describe(result);
    EXPECT_EQ(result->status, 307);
  }
  EXPECT_EQ(target.connections(), 0);
}

TEST_F(ClientPoolTest, DecompressesAnAnswer) {
  start();
  const std::string text(100'000, 'x');
  reply_ = {.headers = {{"Content-Encoding", "gzip"}}, .body = gzip(text)};
  ClientPool pool(options(), clock_);
  const auto result = pool.send(get(url("http://127.0.0.1")));
  ASSERT_TRUE(result) << describe(result);
  EXPECT_EQ(result->body, text);
  EXPECT_EQ(requests_.at(0).header("Accept-Encoding"), "gzip");
  Request plain = get(url("http://127.0.0.1"));
  plain.mayCompress = false;
  ASSERT_TRUE(pool.send(plain));
  EXPECT_EQ(requests_.at(1).header("Accept-Encoding"), std::nullopt);
}

TEST_F(ClientPoolTest, StopsAtTheLimitOfADecompressedAnswer) {
  start();
  reply_ = {.headers = {{"Content-Encoding", "gzip"}}, .body = gzip(std::string(50'000'000, '\0'))};
  ClientPool pool(options(), clock_);
  Request request = get(url("http://127.0.0.1"));
  request.maxResponseBytes = 1'000'000;
  const auto result = pool.send(request);
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().answerTooLarge);
  EXPECT_EQ(result.error().code, ErrorCode::kInternal);
}

TEST_F(ClientPoolTest, RefusesHeadersThatWouldBreakTheMessage) {
  start();
  ClientPool pool(options(), clock_);
  Request request = get(url("http://127.0.0.1"));
  request.credentialHeader = "Authorization";
  request.credential = shareSecret(SecretBytes("Bearer secret\r\nX-Evil: 1"));
  const auto result = pool.send(request);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(result.error().message, Not(HasSubstr("secret")));
  EXPECT_TRUE(requests_.empty());
}

}  // namespace
}  // namespace bco::http
