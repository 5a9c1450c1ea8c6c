#include "http/client_pool.h"

#include <pplx/threadpool.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <deque>
#include <map>
#include <unordered_set>

#include "http/detail/attempt.h"
#include "http/failure.h"
#include "http/gunzip.h"
#include "http/latch.h"
#include "http/socket.h"

namespace bco::http {

namespace {

using boost::asio::ip::tcp;
using TlsStream = boost::asio::ssl::stream<tcp::socket&>;

// More hosts than an upstream has: a server that sends us to ever new ones is refused.
constexpr std::size_t kMostOrigins = 16;
// Connections of streams that have ended.
constexpr std::size_t kMostIdleStreams = 64;
constexpr Duration kLongestClose{2000};
constexpr Duration kSilenceBeyondDeadline{1000};
// Whoever reads a stream judges its silence; the library's own timer must not come first.
constexpr Duration kSilenceOfStreams = std::chrono::hours(24 * 365);

boost::asio::io_service& libraryThread() {
  return crossplat::threadpool::shared_instance().service();
}

// Thrown through the library as well.
struct StaleConnection final : std::exception {};
struct RefusedToRepeat final : std::exception {};

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

// What the library's thread found when it looked after a batch.
struct Look {
  Latch done{1};
  SteadyPoint next;  // when to look again
};

// An attempt that another thread knows too. It ends on the library's, as all that holds connections
// must.
struct Lent {
  AttemptPtr attempt;

  explicit Lent(AttemptPtr given) : attempt(std::move(given)) {}
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;
  ~Lent() {
    boost::asio::post(libraryThread(), [last = std::move(attempt)] {});
  }
};

}  // namespace

// Everything but sendAll(), stream() and close() runs on the library's thread, and all members but
// the constants are for it alone.
class ClientPool::State final : public std::enable_shared_from_this<State> {
 public:
  State(PoolOptions options, Clock& clock) : options_(std::move(options)), clock_(clock) {}

  std::vector<Result<Response>> sendAll(std::span<const Request> requests, const MaySend& maySend);
  Result<Response> stream(const Request& request, const StreamOptions& options,
                          const StreamTransport::OnBytes& onBytes, const std::stop_token& stop);
  void close();
  void waitUntilIdle() { idle_.wait(clock_, clock_.steadyNow() + kLongestClose); }

 private:
  void startWaiting();
  [[nodiscard]] bool takePlace();
  void leavePlace();
  void start(const AttemptPtr& attempt);
  void startStream(const AttemptPtr& attempt);
  Result<std::shared_ptr<Origin>> originOf(const Url& url, bool forStreams);
  std::shared_ptr<Origin> makeOrigin(const Url& url, Duration silence);
  void prepareSocket(void* handle, bool tls, bool proxied) const;
  void onHead(const AttemptPtr& attempt, const pplx::task<web::http::http_response>& head);
  void onBody(const AttemptPtr& attempt, const pplx::task<utility::size64_t>& body);
  [[nodiscard]] static Error explain(const std::exception_ptr& failure, const Attempt& attempt);
  void release(const AttemptPtr& attempt);
  void finish(const AttemptPtr& attempt, Result<Response> result);
  void abandon(const AttemptPtr& attempt, Error error);
  void abandonAll(const Error& error);
  SteadyPoint lookAfter(const void* owner);
  [[nodiscard]] static Error closedError();

  const PoolOptions options_;
  Clock& clock_;
  Latch idle_{1};  // closed and nothing in flight
  bool closed_ = false;
  Attempt* starting_ = nullptr;  // the library's calls into us are made by start()
  int abandoned_ = 0;
  std::size_t streams_ = 0;  // of those in flight
  std::map<std::string, std::shared_ptr<Origin>> origins_;
  std::deque<AttemptPtr> waiting_;
  std::unordered_set<AttemptPtr> inFlight_;
};

std::vector<Result<Response>> ClientPool::State::sendAll(std::span<const Request> requests,
                                                         const MaySend& maySend) {
  // Nothing ends before that: what is started now doesn't, nor what is started later.
  SteadyPoint nextLook = clock_.steadyNow() + options_.attemptDeadline;
  const auto batch = std::make_shared<Batch>(requests.size());
  const bool onLibraryThread = libraryThread().get_executor().running_in_this_thread();
  std::vector<AttemptPtr> attempts;
  attempts.reserve(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    auto attempt = makeAttempt(requests[i], options_.userAgent);
    if (onLibraryThread) attempt = fail(ErrorCode::kInternal, "sendAll() called by a continuation");
    if (attempt) {
      (*attempt)->owner = batch.get();
      (*attempt)->maySend = [&maySend, i] { return maySend(i); };
      (*attempt)->deliver = [this, batch, i](Result<Response> result) {
        batch->results[i] = std::move(result);
        batch->pending.countDown(clock_);
      };
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
    while (!batch->pending.wait(clock_, nextLook)) {
      const auto look = std::make_shared<Look>();
      boost::asio::post(libraryThread(), [self = shared_from_this(), batch, look] {
        look->next = self->lookAfter(batch.get());
        look->done.countDown(self->clock_);
      });
      look->done.wait(clock_, kForever);
      nextLook = look->next;
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

Result<Response> ClientPool::State::stream(const Request& request, const StreamOptions& options,
                                           const StreamTransport::OnBytes& onBytes,
                                           const std::stop_token& stop) {
  if (libraryThread().get_executor().running_in_this_thread()) {
    return fail(ErrorCode::kInternal, "stream() called by a continuation");
  }
  const auto queue = std::make_shared<StreamQueue>(options.maxBuffered, clock_);
  auto made = makeAttempt(request, options_.userAgent, queue);
  if (!made) return fail(std::move(made.error()));
  const Lent lent{*std::move(made)};
  const AttemptPtr& attempt = lent.attempt;
  attempt->owner = attempt.get();
  attempt->deliver = [queue](Result<Response> result) { queue->end(std::move(result)); };
  const auto patienceNow = [&options] {
    return options.longestSilence ? options.longestSilence() : options.idleTimeout;
  };
  Duration patience = patienceNow();
  SteadyPoint deadline = clock_.steadyNow() + patience;
  boost::asio::post(libraryThread(),
                    [self = shared_from_this(), attempt] { self->startStream(attempt); });
  const auto giveUp = [&](const Error& error) {
    boost::asio::post(libraryThread(), [self = shared_from_this(), attempt, error] {
      if (!attempt->finished) self->abandon(attempt, error);
    });
    return queue->result();
  };

  std::string refusal;
  std::optional<Response> head;
  for (std::string bytes;; patience = patienceNow(), deadline = clock_.steadyNow() + patience) {
    const auto [outcome, madeRoom] = queue->take(bytes, deadline, stop);
    if (outcome == StreamQueue::Outcome::kEnded) break;
    if (outcome == StreamQueue::Outcome::kSilent) {
      return giveUp({ErrorCode::kDeadline, "silence for " + formatDuration(patience)});
    }
    if (madeRoom) boost::asio::post(libraryThread(), [attempt] { attempt->stream->resume(); });
    if (!head) head = queue->head();
    bool goOn = outcome == StreamQueue::Outcome::kBytes;
    if (goOn && head->status / 100 != 2) {
      refusal += bytes;
      if (refusal.size() > request.maxResponseBytes) {
        return giveUp(tooLarge(request.maxResponseBytes));
      }
    } else if (goOn) {
      goOn = onBytes(bytes);
      if (goOn && options.gather > Duration::zero()) sleepFor(clock_, options.gather, stop);
    }
    if (!goOn) {
      static_cast<void>(giveUp({ErrorCode::kUnavailable, "stopped"}));
      return *std::move(head);
    }
  }
  auto result = queue->result();
  if (result) result->body = std::move(refusal);
  return result;
}

void ClientPool::State::startWaiting() {
  if (closed_) abandonAll(closedError());
  while (!waiting_.empty() && inFlight_.size() - streams_ < options_.maxInFlight && takePlace()) {
    const AttemptPtr attempt = std::move(waiting_.front());
    waiting_.pop_front();
    if (Status may = attempt->maySend(); !may) {
      finish(attempt, fail(std::move(may.error())));
      leavePlace();
    } else {
      attempt->deadline = clock_.steadyNow() + options_.attemptDeadline;
      start(attempt);
    }
  }
  // Woken for what has been given up meanwhile.
  if (waiting_.empty() && options_.shared) options_.shared->passOn();
}

// Among all that share the limit; this pool is brought back here when there is one again.
bool ClientPool::State::takePlace() {
  if (!options_.shared) return true;
  return options_.shared->enter(this, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self) boost::asio::post(libraryThread(), [self] { self->startWaiting(); });
    return self != nullptr;
  });
}

void ClientPool::State::leavePlace() {
  if (options_.shared) options_.shared->leave();
}

void ClientPool::State::startStream(const AttemptPtr& attempt) {
  if (closed_) return abandon(attempt, closedError());
  start(attempt);
}

void ClientPool::State::start(const AttemptPtr& attempt) {
  auto origin = originOf(attempt->url, attempt->stream != nullptr);
  if (!origin) {
    if (!attempt->stream) leavePlace();
    return finish(attempt, fail(std::move(origin.error())));
  }
  attempt->origin = *std::move(origin);
  inFlight_.insert(attempt);
  if (attempt->stream) ++streams_;
  starting_ = attempt.get();
  // Each round that meets a dead connection removes it; of a stale one no byte was used.
  for (std::size_t round = 0; round <= options_.maxInFlight + kMostIdleStreams; ++round) {
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

Result<std::shared_ptr<Origin>> ClientPool::State::originOf(const Url& url, bool forStreams) {
  const std::string key = url.origin() + (forStreams ? " streams" : "");
  auto& origin = origins_[key];
  if (origin) return origin;
  if (origins_.size() > kMostOrigins) {
    origins_.erase(key);
    return fail(ErrorCode::kInvalid, "too many different hosts; refused " + url.origin());
  }
  try {
    // A little longer than the deadline, which would otherwise be found to have freed a turn for a
    // request whose own time is up too.
    origin = makeOrigin(
        url, forStreams ? kSilenceOfStreams : options_.attemptDeadline + kSilenceBeyondDeadline);
  } catch (const std::exception& error) {
    origins_.erase(key);
    return fail(ErrorCode::kInvalid, url.origin() + ": " + error.what());
  }
  return origin;
}

std::shared_ptr<Origin> ClientPool::State::makeOrigin(const Url& url, Duration silence) {
  auto origin = std::make_shared<Origin>();
  web::http::client::http_client_config config;
  config.set_timeout(silence);  // the longest on a connection
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
    origin->tls = std::make_unique<TlsContext>(
        options_.trust, options_.serverName.empty() ? url.host : options_.serverName,
        options_.identity);
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
  } else if (attempt->stream) {
    attempt->stream->queue().begin(headOf(*attempt));
  } else if (announcedSize(attempt->response) > attempt->maxResponseBytes) {
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
      Response response = attempt->stream ? attempt->stream->queue().head() : headOf(*attempt);
      const auto content = std::move(attempt->content.collection());
      response.body.assign(reinterpret_cast<const char*>(content.data()), content.size());
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
  if (inFlight_.erase(attempt) > 0) attempt->stream ? void(--streams_) : leavePlace();
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
  if (attempt->stream) attempt->stream->abandon();
}

void ClientPool::State::abandonAll(const Error& error) {
  for (const auto& attempt : std::exchange(waiting_, {})) abandon(attempt, error);
  const std::vector<AttemptPtr> inFlight(inFlight_.begin(), inFlight_.end());
  for (const auto& attempt : inFlight) abandon(attempt, error);
}

// Gives up what has no time left, waiting or in flight. When to look again.
SteadyPoint ClientPool::State::lookAfter(const void* owner) {
  std::erase_if(waiting_, [&](const AttemptPtr& attempt) {
    if (attempt->owner != owner) return false;
    Status may = attempt->maySend();
    if (!may) finish(attempt, fail(std::move(may.error())));
    return !may.has_value();
  });
  const SteadyPoint now = clock_.steadyNow();
  SteadyPoint next = now + options_.attemptDeadline;
  const std::vector<AttemptPtr> inFlight(inFlight_.begin(), inFlight_.end());
  for (const auto& attempt : inFlight) {
    if (attempt->owner != owner || attempt->finished) continue;
    if (attempt->deadline > now) {
      next = std::min(next, attempt->deadline);
    } else {
      abandon(attempt,
              {ErrorCode::kDeadline, "no answer in " + formatDuration(options_.attemptDeadline)});
    }
  }
  return next;
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
  attempt->deliver(std::move(result));
}

Error ClientPool::State::closedError() {
  return {ErrorCode::kUnavailable, "interrupted: the program is shutting down"};
}

ClientPool::ClientPool(PoolOptions options, Clock& clock)
    : state_(std::make_shared<State>(std::move(options), clock)) {}

ClientPool::~ClientPool() {
  state_->close();
  state_->waitUntilIdle();
}

std::vector<Result<Response>> ClientPool::sendAll(std::span<const Request> requests,
                                                  const MaySend& maySend) {
  return state_->sendAll(requests, maySend);
}

Result<Response> ClientPool::stream(const Request& request, const StreamOptions& options,
                                    const OnBytes& onBytes, const std::stop_token& stop) {
  return state_->stream(request, options, onBytes, stop);
}

void ClientPool::close() { state_->close(); }

}  // namespace bco::http
