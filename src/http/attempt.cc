#include "http/detail/attempt.h"

#include <cpprest/rawptrstream.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "http/socket.h"

namespace bco::http {

namespace {

// Not find_first_of, which makes a call of each character, and tokens are long.
bool hasLineBreak(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
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
  namespace streams = concurrency::streams;
  web::http::http_request message{std::string(nameOf(request.method))};
  message.set_request_uri(web::uri(attempt->url.target));
  auto& headers = message.headers();
  for (const auto& [name, value] : request.headers) headers.add(name, value);
  if (request.credential) {
    headers.add(std::string(request.credentialHeader), std::string(request.credential->reveal()));
  }
  headers.add("User-Agent", userAgent);
  if (request.mayCompress && !attempt->isWrite && !attempt->stream)
    headers.add("Accept-Encoding", "gzip");
  if (!attempt->body.empty()) {
    const std::string_view bytes = attempt->body.reveal();
    message.set_body(streams::rawptr_stream<std::uint8_t>::open_istream(
                         reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()),
                     bytes.size(), std::string(request.contentType));
  }
  if (attempt->stream) {
    message.set_response_stream(
        streams::ostream(streams::streambuf<std::uint8_t>(attempt->stream)));
  } else {
    message.set_response_stream(streams::ostream(attempt->content));
  }
  // Called while the library works on the message, which the attempt outlives.
  message.set_progress_handler(
      [attempt = attempt.get()](web::http::message_direction::direction direction,
                                utility::size64_t bytes) {
        if (direction == web::http::message_direction::upload) {
          if (attempt->corked && bytes == attempt->body.size()) {
            uncork(*std::exchange(attempt->corked, std::nullopt));
          }
        } else if (!attempt->stream && bytes > attempt->maxResponseBytes) {
          throw TooLarge{};
        }
      });
  return message;
}

}  // namespace

pplx::task<std::size_t> StreamBuffer::putn_nocopy(const std::uint8_t* data, std::size_t size) {
  if (abandoned_ || queue_->push({reinterpret_cast<const char*>(data), size})) {
    return pplx::task_from_result(size);
  }
  paused_.emplace(Paused{.written = {}, .size = size});
  return pplx::create_task(paused_->written);
}

void StreamBuffer::resume() {
  if (const auto paused = std::exchange(paused_, std::nullopt)) paused->written.set(paused->size);
}

void StreamBuffer::abandon() {
  abandoned_ = true;
  // A write that waits is all that the library waits for; after it, it finds the connection closed.
  resume();
}

Result<AttemptPtr> makeAttempt(const Request& request, const std::string& userAgent,
                               std::shared_ptr<StreamQueue> queue) {
  auto url = parseUrl(request.url);
  if (!url) return fail(std::move(url.error()));
  if (auto status = checkHeaders(request); !status) return fail(std::move(status.error()));
  auto attempt = std::make_shared<Attempt>();
  attempt->url = *std::move(url);
  attempt->isWrite = request.callClass != CallClass::kRead;
  attempt->maxResponseBytes = request.maxResponseBytes;
  attempt->body = request.body.clone();
  if (queue) attempt->stream = std::make_shared<StreamBuffer>(std::move(queue));
  try {
    attempt->message = buildMessage(request, attempt, userAgent);
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInvalid, displayUrl(request.url) + ": " + error.what());
  }
  return attempt;
}

std::size_t announcedSize(const web::http::http_response& response) {
  std::size_t size = 0;
  const auto header = response.headers().find(web::http::header_names::content_length);
  if (header != response.headers().end()) {
    const std::string& digits = header->second;
    std::from_chars(digits.data(), digits.data() + digits.size(), size);
  }
  return size;
}

Response headOf(Attempt& attempt) {
  Response head;
  head.status = attempt.response.status_code();
  for (auto& [name, value] : attempt.response.headers()) {
    head.headers.emplace_back(name, std::move(value));
  }
  return head;
}

}  // namespace bco::http
