// The seam to the network: requests out, responses or errors back.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/lane.h"
#include "core/result.h"
#include "core/secret.h"

namespace bco::http {

enum class Method { kGet, kPost, kPatch, kPut, kDelete };
[[nodiscard]] std::string_view nameOf(Method method);

// Which bucket of the upstream's budget a call draws from, and whether it may be repeated: reads
// may, writes whose outcome is unknown never are.
enum class CallClass { kRead, kCreateDelete, kUpdate };

// How long a call that continues what has begun waits for the budget: a sweep's next page, or the
// writes of a device that has been read. Giving those back would only mean to read again.
inline constexpr Duration kUnderwayBudgetWait = std::chrono::seconds(30);

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  Method method = Method::kGet;
  CallClass callClass = CallClass::kRead;
  // What the call is, for metrics and logs: a name from a small fixed set, "balena.device.get".
  std::string_view kind;
  // Absolute, http(s)://. Never holds a secret: URLs get logged.
  std::string url;
  Headers headers = {};
  // Sent as header `credentialHeader`: e.g. "Authorization" and the whole "Bearer …" value.
  std::string_view credentialHeader;
  SharedSecret credential;
  // May hold a private key, hence the type; empty means no body.
  SecretBytes body;
  std::string_view contentType = "application/json";
  // The answer is refused with kInternal beyond this many bytes (after decompression).
  std::size_t maxResponseBytes = 16U << 20;
  // Whose turn it is in the budget.
  Lane lane = Lane::kFresh;
  // The longest wait for the rate limiter before the call is given back as kThrottled.
  Duration maxBudgetWait{250};
  // The answer may come compressed to a read. Not when it holds a secret: what is decompressed
  // leaves copies behind.
  bool mayCompress = true;
  // What the call rests on is too old after this: looked at when nothing is left but to send it.
  std::optional<SteadyPoint> sendBefore = std::nullopt;
  // A write that is not the leader's alone to make: the write gate is not asked, and whether it has
  // taken effect matters to no successor.
  bool isAnybodys = false;

  // Copies the body too.
  [[nodiscard]] Request clone() const;
};

struct Response {
  int status = 0;
  Headers headers = {};
  std::string body = {};

  // The first header of that name, in any case; nullopt when absent.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
};

// Thread-safe. Blocks until every request has its answer, its error or its deadline.
class HttpTransport {
 public:
  virtual ~HttpTransport() = default;

  // Sends all at once and waits once: N parallel calls cost one waiting thread. Results stand in
  // the order of the requests. A response of any status is a value here, not an error; errors are
  //   kUnavailable  no connection, TLS failure, connection lost, breaker open; not sent: the lease
  //                 gate refuses writes, sendBefore has passed
  //   kDeadline     no answer in time; the socket was closed abortively
  //   kThrottled    not sent: our own limiter would have to wait longer than maxBudgetWait, or no
  //                 connection became free in time
  //   kInternal     answer larger than maxResponseBytes (answerTooLarge), or not HTTP
  // For writes `outcomeUnknown` is set unless it is certain that no byte was sent.
  [[nodiscard]] virtual std::vector<Result<Response>> sendAll(
      std::span<const Request> requests) = 0;

  // Ends what is in flight with kUnavailable, and whatever comes later: for a shutdown whose time
  // is up.
  virtual void close() {}

  [[nodiscard]] Result<Response> send(const Request& request);
};

// The transport next to the network, in which a request may have to wait for a connection.
class PooledTransport : public HttpTransport {
 public:
  // May the request at `position` be sent now? An error becomes its result. Asked when its turn has
  // come, right before it is sent, and now and then while it waits. Called on a thread of the
  // transport's, while sendAll() lasts; must not block.
  using MaySend = std::function<Status(std::size_t position)>;

  [[nodiscard]] virtual std::vector<Result<Response>> sendAll(std::span<const Request> requests,
                                                              const MaySend& maySend) = 0;
  // However long they wait.
  [[nodiscard]] std::vector<Result<Response>> sendAll(std::span<const Request> requests) override;
};

struct StreamOptions {
  // The longest silence, from the request on and between any two pieces of the answer.
  Duration idleTimeout{std::chrono::minutes(5)};
  // The same where it depends on what has come: asked, on the calling thread, at the beginning and
  // after each piece. nullptr: always idleTimeout.
  std::function<Duration()> longestSilence = nullptr;
  // What may have arrived and not been taken yet; beyond that nothing more is read, and the other
  // side has to wait.
  std::size_t maxBuffered = 1U << 20;
  // After a piece, the next is held back this long, so that of many small ones few large are made:
  // half of what a small piece costs is to wake the caller.
  Duration gather{0};
};

// Answers that never end. Thread-safe.
class StreamTransport {
 public:
  virtual ~StreamTransport() = default;

  // Takes a piece of the answer; false ends the stream. Pieces end anywhere.
  using OnBytes = std::function<bool(std::string_view piece)>;

  // Sends a read and blocks while its answer lasts. The pieces of a 2xx answer's body go to
  // `onBytes`, on the calling thread; the answer is returned with an empty body when it has ended,
  // when `onBytes` wants no more, or after a stop (status 0 if it had not begun): in the last two
  // cases the connection is closed at once. Any other answer is returned with its body. Errors:
  //   kUnavailable  no connection, TLS failure, connection lost, transport closed
  //   kDeadline     silence for too long; the socket was closed abortively
  //   kInternal     not HTTP, or a body beside 2xx larger than maxResponseBytes
  [[nodiscard]] virtual Result<Response> stream(const Request& request,
                                                const StreamOptions& options,
                                                const OnBytes& onBytes,
                                                const std::stop_token& stop) = 0;
};

}  // namespace bco::http
