#include "http/client_pool.h"

#include <cpprest/containerstream.h>
#include <cpprest/http_client.h>
#include <cpprest/rawptrstream.h>
#include <pplx/threadpool.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <deque>
#include <map>
#include <unordered_set>

#include "core/text.h"
#include "http/failure.h"
#include "http/gunzip.h"
#include "http/latch.h"
#include "http/socket.h"
#include "http/tls_context.h"

namespace bco::http {

namespace {

using boost::asio::ip::tcp;
using TlsStream = boost::asio::ssl::stream<tcp::socket&>;

// More hosts than an upstream has: a server that sends us to ever new ones is refused.
constexpr std::size_t kMostOrigins = 16;
constexpr Duration kLongestClose{2000};
constexpr Duration kSilenceBeyondDeadline{1000};

boost::asio::io_service& libraryThread() {
  return crossplat::threadpool::shared_instance().service();
}

// Thrown through the library, to be told apart from its own failures.
struct StaleConnection final : std::exception {};
struct RefusedToRepeat final : std::exception {};
struct TooLarge final : std::exception {};

// The library hands out either a TLS stream or a bare socket and, behind a proxy, does not say
// which. A stream starts with the address of its socket, a socket with that of its service, which
// all sockets share.
bool isBareSocket(const void* handle) {
  static const tcp::socket probe(libraryThread());
  // NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): the first pointer alone
  return std::memcmp(handle, &probe, sizeof(void*)) == 0;
}

// The results are written by the library's thread until `pending` is zero, and read after that.
struct Batch {
  explicit Batch(std::size_t size) : results(size), pending(size) {}
  std::vector<std::optional<Result<Response>>> results;
  Latch pending;
};

// The connections to one scheme, host and port.
struct Origin {
  std::unique_ptr<TlsContext> tls;
  std::unique_ptr<web::http::client::http_client> client;
};

struct Attempt {
  std::shared_ptr<Batch> batch;
  std::size_t index = 0;
  Url url;
  bool isWrite = false;
  std::size_t maxResponseBytes = 0;
  SecretBytes body;
  web::http::http_request message;
  // Not of a std::string, which the library would use through a pointer of the wrong type.
  concurrency::streams::container_buffer<std::vector<std::uint8_t>> content;
  web::http::http_response response;
  pplx::cancellation_token_source cancellation;
  std::shared_ptr<Origin> origin;  // since it was started
  std::optional<int> corked;       // the descriptor of the connection, until the body is written
  bool stale = false;
  bool finished = false;   // its result is set
  bool abandoned = false;  // and the library still works on it
};
using AttemptPtr = std::shared_ptr<Attempt>;

bool hasLineBreak(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

Status checkHeaders(const Request& request) {
  bool bad = request.credential && hasLineBreak(request.credential->reveal());
  for (const auto& [name, value] : request.headers) {
    bad = bad || hasLineBreak(name) || hasLineBreak(value);
  }
  if (bad) return fail(ErrorCode::kInvalid, "a header holds a line break");
  return {};
}

web::http::http_request buildMessage(const Request& request, const AttemptPtr& attempt,
                                     const std::string& userAgent) {
  web::http::http_request message{std::string(nameOf(request.method))};
  message.set_request_uri(web::uri(attempt->url.target));
  auto& headers = message.headers();
  for (const auto& [name, value] : request.headers) headers.add(name, value);
  if (request.credential) {
    headers.add(std::string(request.credentialHeader), std::string(request.credential->reveal()));
  }
  headers.add("User-Agent", userAgent);
  if (!attempt->isWrite) headers.add("Accept-Encoding", "gzip");
  if (!attempt->body.empty()) {
    const std::string_view bytes = attempt->body.reveal();
    message.set_body(concurrency::streams::rawptr_stream<std::uint8_t>::open_istream(
                         reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()),
                     bytes.size(), "application/json");
  }
  message.set_response_stream(concurrency::streams::ostream(attempt->content));
  // Called while the library works on the message, which the attempt outlives.
  message.set_progress_handler(
      [attempt = attempt.get()](web::http::message_direction::direction direction,
                                utility::size64_t bytes) {
        if (direction == web::http::message_direction::upload) {
          if (attempt->corked && bytes == attempt->body.size()) {
            uncork(*std::exchange(attempt->corked, std::nullopt));
          }
        } else if (bytes > attempt->maxResponseBytes) {
          throw TooLarge{};
        }
      });
  return message;
}

}  // namespace

// Everything but sendAll() and close() runs on the library's thread, and all members but the
// constants are for it alone.
class ClientPool::State final : public std::enable_shared_from_this<State> {
 public:
  State(PoolOptions options, Clock& clock) : options_(std::move(options)), clock_(clock) {}

  std::vector<Result<Response>> sendAll(std::span<const Request> requests);
  void close();
  void waitUntilIdle() { idle_.wait(clock_, clock_.steadyNow() + kLongestClose); }

 private:
  Result<AttemptPtr> makeAttempt(const Request& request) const;
  void startWaiting();
  void start(const AttemptPtr& attempt);
  Result<std::shared_ptr<Origin>> originOf(const Url& url);
  std::shared_ptr<Origin> makeOrigin(const Url& url);
  void prepareSocket(void* handle, bool tls, bool proxied) const;
  void onHead(const AttemptPtr& attempt, const pplx::task<web::http::http_response>& head);
  void onBody(const AttemptPtr& attempt, const pplx::task<utility::size64_t>& body);
  [[nodiscard]] static Error explain(const std::exception_ptr& failure, const Attempt& attempt);
  void release(const AttemptPtr& attempt);
  void finish(const AttemptPtr& attempt, Result<Response> result);
  void abandon(const AttemptPtr& attempt, Error error);
  void abandonIf(const std::function<bool(const Attempt&)>& which, const Error& error);

  const PoolOptions options_;
  Clock& clock_;
  Latch idle_{1};  // closed and nothing in flight
  bool closed_ = false;
  Attempt* starting_ = nullptr;  // the library's calls into us are made by start()
  int abandoned_ = 0;
  std::map<std::string, std::shared_ptr<Origin>> origins_;
  std::deque<AttemptPtr> waiting_;
  std::unordered_set<AttemptPtr> inFlight_;
};

std::vector<Result<Response>> ClientPool::State::sendAll(std::span<const Request> requests) {
  const SteadyPoint deadline = clock_.steadyNow() + options_.attemptDeadline;
  const auto batch = std::make_shared<Batch>(requests.size());
  const bool onLibraryThread = libraryThread().get_executor().running_in_this_thread();
  std::vector<AttemptPtr> attempts;
  attempts.reserve(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    auto attempt = makeAttempt(requests[i]);
    if (onLibraryThread) attempt = fail(ErrorCode::kInternal, "sendAll() called by a continuation");
    if (attempt) {
      (*attempt)->batch = batch;
      (*attempt)->index = i;
      attempts.push_back(*std::move(attempt));
    } else {
      batch->results[i] = fail(std::move(attempt.error()));
      batch->pending.countDown(clock_);
    }
  }
  if (!attempts.empty()) {
    boost::asio::post(libraryThread(),
                      [self = shared_from_this(), attempts = std::move(attempts)]() mutable {
                        for (auto& attempt : attempts) self->waiting_.push_back(std::move(attempt));
                        self->startWaiting();
                      });
    if (!batch->pending.wait(clock_, deadline)) {
      boost::asio::post(libraryThread(), [self = shared_from_this(), batch] {
        self->abandonIf([&batch](const Attempt& attempt) { return attempt.batch == batch; },
                        {ErrorCode::kDeadline,
                         "no answer in " + formatDuration(self->options_.attemptDeadline)});
      });
      batch->pending.wait(clock_, kForever);
    }
  }
  std::vector<Result<Response>> results;
  results.reserve(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    Result<Response>& result = *batch->results[i];
    if (result) {
      result = unpack(*std::move(result), requests[i].maxResponseBytes);
      if (!result) result.error().outcomeUnknown = requests[i].callClass != CallClass::kRead;
    }
    results.push_back(std::move(result));
  }
  return results;
}

Result<AttemptPtr> ClientPool::State::makeAttempt(const Request& request) const {
  auto url = parseUrl(request.url);
  if (!url) return fail(std::move(url.error()));
  if (auto status = checkHeaders(request); !status) return fail(std::move(status.error()));
  auto attempt = std::make_shared<Attempt>();
  attempt->url = *std::move(url);
  attempt->isWrite = request.callClass != CallClass::kRead;
  attempt->maxResponseBytes = request.maxResponseBytes;
  attempt->body = request.body.clone();
  try {
    attempt->message = buildMessage(request, attempt, options_.userAgent);
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInvalid, displayUrl(request.url) + ": " + error.what());
  }
  return attempt;
}

void ClientPool::State::startWaiting() {
  if (closed_) {
    abandonIf([](const Attempt&) { return true; },
              {ErrorCode::kUnavailable, "interrupted: the program is shutting down"});
  }
  while (!waiting_.empty() && inFlight_.size() < options_.maxInFlight) {
    const AttemptPtr attempt = std::move(waiting_.front());
    waiting_.pop_front();
    start(attempt);
  }
}

void ClientPool::State::start(const AttemptPtr& attempt) {
  auto origin = originOf(attempt->url);
  if (!origin) return finish(attempt, fail(std::move(origin.error())));
  attempt->origin = *std::move(origin);
  inFlight_.insert(attempt);
  starting_ = attempt.get();
  // Each round that meets a dead connection removes it; of a stale one no byte was used.
  for (std::size_t round = 0; round <= options_.maxInFlight; ++round) {
    attempt->stale = false;
    attempt->origin->client->request(attempt->message, attempt->cancellation.get_token())
        .then(
            [self = shared_from_this(), attempt](const pplx::task<web::http::http_response>& head) {
              self->onHead(attempt, head);
            });
    if (!attempt->stale) break;
  }
  starting_ = nullptr;
  if (attempt->stale) {
    finish(attempt, fail(ErrorCode::kUnavailable, "every idle connection turned out to be dead"));
    release(attempt);
  }
}

Result<std::shared_ptr<Origin>> ClientPool::State::originOf(const Url& url) {
  auto& origin = origins_[url.origin()];
  if (origin) return origin;
  if (origins_.size() > kMostOrigins) {
    origins_.erase(url.origin());
    return fail(ErrorCode::kInvalid, "too many different hosts; refused " + url.origin());
  }
  try {
    origin = makeOrigin(url);
  } catch (const std::exception& error) {
    origins_.erase(url.origin());
    return fail(ErrorCode::kInvalid, url.origin() + ": " + error.what());
  }
  return origin;
}

std::shared_ptr<Origin> ClientPool::State::makeOrigin(const Url& url) {
  auto origin = std::make_shared<Origin>();
  web::http::client::http_client_config config;
  // The longest silence on a connection. Later than the deadline, which would otherwise be found to
  // have freed a turn for a request whose own time is up too.
  config.set_timeout(options_.attemptDeadline + kSilenceBeyondDeadline);
  config.set_max_redirects(0);
  const auto proxy = options_.proxies.proxyFor(url);
  if (proxy) {
    web::web_proxy viaProxy(web::uri(proxy->address));
    if (!proxy->user.empty()) {
      viaProxy.set_credentials(web::credentials(proxy->user, proxy->password));
    }
    config.set_proxy(viaProxy);
  }
  // Both callbacks run while an attempt is in flight, which keeps us and the origin.
  config.set_nativehandle_options(
      [this, tls = url.tls, proxied = proxy.has_value()](web::http::client::native_handle handle) {
        prepareSocket(handle, tls, proxied);
      });
  if (url.tls) {
    origin->tls = std::make_unique<TlsContext>(options_.trust, url.host);
    origin->tls->onHandshake(
        [](void* socket) { tuneSocket(static_cast<tcp::socket*>(socket)->native_handle()); });
    config.set_ssl_context_callback(
        [this, context = origin->tls.get()](boost::asio::ssl::context& fresh) {
          // The library replaces a connection whose address did not answer by one to the next
          // address, and if its request was cancelled meanwhile sends it all the same.
          if (starting_ == nullptr && abandoned_ > 0) throw RefusedToRepeat{};
          fresh = boost::asio::ssl::context(context->share());
        });
  }
  // Plain connections are opened ahead (prepareSocket) for IPv4, which is all a loopback needs.
  const std::string host = url.tls || url.host != "localhost" ? url.host : "127.0.0.1";
  const std::string base = (url.tls ? "https://" : "http://") + host +
                           (url.port == (url.tls ? 443 : 80) ? "" : ":" + std::to_string(url.port));
  origin->client = std::make_unique<web::http::client::http_client>(web::uri(base), config);
  return origin;
}

// Called by the library with the socket it is about to use, connected or not yet opened.
void ClientPool::State::prepareSocket(void* handle, bool tls, bool proxied) const {
  // When a connection breaks before the answer comes, the library sends the request again by
  // itself, be it a write or not. Only start() decides that.
  if (starting_ == nullptr) throw RefusedToRepeat{};
  const bool bare = !tls || (proxied && isBareSocket(handle));
  auto& socket =
      bare ? *static_cast<tcp::socket*>(handle) : static_cast<TlsStream*>(handle)->next_layer();
  if (socket.is_open()) {
    if (isStale(socket.native_handle())) throw StaleConnection{};
    if (proxied) tuneSocket(socket.native_handle());
    if (!starting_->body.empty()) {
      cork(socket.native_handle());
      starting_->corked = socket.native_handle();
    }
  } else if (!tls) {
    socket.open(tcp::v4());
    tuneSocket(socket.native_handle());
  } else if (!bare) {
    TlsContext::atHandshake(static_cast<TlsStream*>(handle)->native_handle(), &socket);
  }
}

void ClientPool::State::onHead(const AttemptPtr& attempt,
                               const pplx::task<web::http::http_response>& head) {
  try {
    attempt->response = head.get();
  } catch (const StaleConnection&) {
    attempt->stale = true;  // thrown within start(), which takes the next connection
    return;
  } catch (...) {
    finish(attempt, fail(explain(std::current_exception(), *attempt)));
    return release(attempt);
  }
  // Cancelling here, while the library still handles the head, keeps the connection from being
  // used again: what follows on it is no answer to anything.
  if (attempt->response.status_code() < 200) {
    abandon(attempt,
            {ErrorCode::kInternal, "the server sent an interim answer, which we don't read"});
  } else if (attempt->response.headers().content_length() > attempt->maxResponseBytes) {
    abandon(attempt, tooLarge(attempt->maxResponseBytes));
  }
  // Not content_ready(), which does the same by one more hop through the library's queue.
  pplx::create_task(attempt->response._get_impl()->_get_data_available())
      .then([self = shared_from_this(), attempt](const pplx::task<utility::size64_t>& body) {
        self->onBody(attempt, body);
      });
}

void ClientPool::State::onBody(const AttemptPtr& attempt,
                               const pplx::task<utility::size64_t>& body) {
  try {
    body.get();
    if (!attempt->finished) {
      Response response;
      response.status = attempt->response.status_code();
      for (auto& [name, value] : attempt->response.headers()) {
        response.headers.emplace_back(name, std::move(value));
      }
      const auto content = std::move(attempt->content.collection());
      response.body.assign(content.begin(), content.end());
      finish(attempt, std::move(response));
    }
  } catch (...) {
    finish(attempt, fail(explain(std::current_exception(), *attempt)));
  }
  release(attempt);
}

Error ClientPool::State::explain(const std::exception_ptr& failure, const Attempt& attempt) {
  Error error{ErrorCode::kUnavailable, "the connection was lost before the answer came"};
  error.outcomeUnknown = true;
  try {
    std::rethrow_exception(failure);
  } catch (const RefusedToRepeat&) {
  } catch (const TooLarge&) {
    error = tooLarge(attempt.maxResponseBytes);
    error.outcomeUnknown = true;
  } catch (const web::http::http_exception& thrown) {
    const auto& tls = attempt.origin->tls;
    error = failureOf(thrown.what(), thrown.error_code().value(), tls ? tls->lastRefusal() : "");
  } catch (const std::exception& thrown) {
    error.code = ErrorCode::kInternal;
    error.message = thrown.what();
  }
  return withContext(std::move(error), attempt.url.origin());
}

// The library is done with the attempt. Its connection becomes idle only when the library's current
// handler returns, so the next request starts after that: before, it would open one more.
void ClientPool::State::release(const AttemptPtr& attempt) {
  if (attempt->abandoned) --abandoned_;
  inFlight_.erase(attempt);
  if (closed_ && inFlight_.empty()) idle_.countDown(clock_);
  if (!waiting_.empty()) {
    boost::asio::post(libraryThread(), [self = shared_from_this()] { self->startWaiting(); });
  }
}

void ClientPool::State::abandon(const AttemptPtr& attempt, Error error) {
  error.outcomeUnknown = attempt->origin != nullptr;
  finish(attempt, fail(withContext(std::move(error), attempt->url.origin())));
  if (attempt->origin == nullptr || attempt->abandoned) return;
  attempt->abandoned = true;
  ++abandoned_;
  attempt->cancellation.cancel();
}

void ClientPool::State::abandonIf(const std::function<bool(const Attempt&)>& which,
                                  const Error& error) {
  std::erase_if(waiting_, [&](const AttemptPtr& attempt) {
    if (!which(*attempt)) return false;
    abandon(attempt, error);
    return true;
  });
  const std::vector<AttemptPtr> inFlight(inFlight_.begin(), inFlight_.end());
  for (const auto& attempt : inFlight) {
    if (which(*attempt)) abandon(attempt, error);
  }
}

void ClientPool::State::close() {
  boost::asio::post(libraryThread(), [self = shared_from_this()] {
    self->closed_ = true;
    self->origins_.clear();
    self->startWaiting();
    if (self->inFlight_.empty()) self->idle_.countDown(self->clock_);
  });
}

void ClientPool::State::finish(const AttemptPtr& attempt, Result<Response> result) {
  if (attempt->finished) return;
  attempt->finished = true;
  if (!result && !attempt->isWrite) result.error().outcomeUnknown = false;
  attempt->batch->results[attempt->index] = std::move(result);
  attempt->batch->pending.countDown(clock_);
}

ClientPool::ClientPool(PoolOptions options, Clock& clock)
    : state_(std::make_shared<State>(std::move(options), clock)) {}

ClientPool::~ClientPool() {
  state_->close();
  state_->waitUntilIdle();
}

std::vector<Result<Response>> ClientPool::sendAll(std::span<const Request> requests) {
  return state_->sendAll(requests);
}

void ClientPool::close() { state_->close(); }

}  // namespace bco::http
