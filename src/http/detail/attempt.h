// One request in the hands of the HTTP library. For client_pool.cc alone: the library's headers
// cost seconds to compile.
#pragma once

#include <cpprest/containerstream.h>
#include <cpprest/http_client.h>
#include <cpprest/producerconsumerstream.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "http/stream_queue.h"
#include "http/tls_context.h"
#include "http/transport.h"
#include "http/url.h"

namespace bco::http {

// Thrown through the library, to be told apart from its own failures.
struct TooLarge final : std::exception {};

// The connections to one scheme, host and port.
struct Origin {
  std::unique_ptr<TlsContext> tls;
  std::unique_ptr<web::http::client::http_client> client;
};

// Where the library writes an answer that never ends. It reads no more from the connection until a
// write is done, so a write that stays undone while the queue is full makes the other side wait.
// For the library's thread.
class StreamBuffer final
    : public concurrency::streams::details::basic_producer_consumer_buffer<std::uint8_t> {
 public:
  explicit StreamBuffer(std::shared_ptr<StreamQueue> queue)
      : basic_producer_consumer_buffer(1), queue_(std::move(queue)) {}

  pplx::task<std::size_t> putn_nocopy(const std::uint8_t* data, std::size_t size) override;
  // The queue has room again.
  void resume();
  // The connection is closed and nobody takes any more: what still comes is thrown away.
  void abandon();

  [[nodiscard]] StreamQueue& queue() { return *queue_; }

 private:
  struct Paused {
    pplx::task_completion_event<std::size_t> written;
    std::size_t size;
  };
  const std::shared_ptr<StreamQueue> queue_;
  std::optional<Paused> paused_;
  bool abandoned_ = false;
};

struct Attempt {
  // Takes the result, once.
  std::function<void(Result<Response>)> deliver;
  const void* owner = nullptr;  // of several attempts that are given up together
  // May it be sent, now that it has its turn?
  std::function<Status()> maySend;
  SteadyPoint deadline;  // since it was started
  Url url;
  bool isWrite = false;
  std::size_t maxResponseBytes = 0;
  SecretBytes body;
  web::http::http_request message;
  // The answer: all of it, or if `stream` is set, piece by piece.
  // Not of a std::string, which the library would use through a pointer of the wrong type.
  concurrency::streams::container_buffer<std::vector<std::uint8_t>> content;
  std::shared_ptr<StreamBuffer> stream;
  web::http::http_response response;
  pplx::cancellation_token_source cancellation;
  std::shared_ptr<Origin> origin;  // since it was started
  std::optional<int> corked;       // the descriptor of the connection, until the body is written
  bool stale = false;
  bool finished = false;   // its result is delivered
  bool abandoned = false;  // and the library still works on it
};
using AttemptPtr = std::shared_ptr<Attempt>;

// Without a place for its result. `queue`: for an answer that never ends. kInvalid: a URL that
// parseUrl() refuses, or a header with a line break.
[[nodiscard]] Result<AttemptPtr> makeAttempt(const Request& request, const std::string& userAgent,
                                             std::shared_ptr<StreamQueue> queue = nullptr);

// How large the body will be, as its head says; 0 when it does not. The library would make a stream
// to read the number.
[[nodiscard]] std::size_t announcedSize(const web::http::http_response& response);

// Status and headers of its answer, which are moved out of it.
[[nodiscard]] Response headOf(Attempt& attempt);

}  // namespace bco::http
