#include "server/message_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <optional>
#include <utility>

#include "server/head_rules.h"

namespace bco::server {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using View = boost::beast::string_view;

// What a body is believed to need before its bytes have come.
constexpr std::uint64_t kReserveBytes = 64 * 1024;

// "0\r\n\r\n": a last chunk is no shorter. Where it is the first one as well, Beast (1.74) takes
// less of it for impossible, once it has seen its line, and asserts that.
constexpr std::size_t kShortestLastChunk = 5;

// More than browsers and proxies have need of. Each takes up many times what it is on the wire.
constexpr std::size_t kMostFields = 128;

// Before a request line (RFC 9112 2.2): some clients end a body with one that they don't count.
constexpr int kMostEmptyLines = 4;

class RequestParser final : public http::basic_parser<true> {
 public:
  Request request;
  bool expectsContinue = false;

 private:
  void on_request_impl(http::verb, View method, View target, int version, error_code& ec) override {
    request.method.assign(method.data(), method.size());
    request.target.assign(target.data(), target.size());
    request.headers.reserve(8);
    http11_ = version >= 11;
    ec = {};
  }
  void on_response_impl(int, View, int, error_code&) override {}
  void on_field_impl(http::field field, View name, View value, error_code& ec) override {
    ec = {};
    if (headDone_) return;  // trailers could pretend to be anything
    if (request.headers.size() == kMostFields) {
      ec = http::error::header_limit;
      return;
    }
    if (!note(field, {value.data(), value.size()})) {
      ec = http::error::bad_field;
      return;
    }
    request.headers.emplace_back(std::string(name.data(), name.size()),
                                 std::string(value.data(), value.size()));
  }
  void on_header_impl(error_code& ec) override {
    headDone_ = true;
    ec = {};
    if (http11_ && !hasHost_) ec = http::error::bad_field;
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code& ec) override {
    if (length) request.body.reserve(static_cast<std::size_t>(std::min(*length, kReserveBytes)));
    ec = {};
  }
  std::size_t on_body_impl(View body, error_code& ec) override {
    request.body.append(body.data(), body.size());
    ec = {};
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, View, error_code& ec) override { ec = {}; }
  std::size_t on_chunk_body_impl(std::uint64_t, View body, error_code& ec) override {
    return on_body_impl(body, ec);
  }
  void on_finish_impl(error_code& ec) override { ec = {}; }

  // False: nobody can be sure what is meant.
  bool note(http::field field, std::string_view value) {
    if (field == http::field::host) return !std::exchange(hasHost_, true) && isHost(value);
    if (field == http::field::transfer_encoding) {
      return http11_ && !std::exchange(hasTransferEncoding_, true) && isFraming(value);
    }
    if (field == http::field::expect && http11_) expectsContinue |= server::expectsContinue(value);
    return true;
  }

  bool http11_ = false;
  bool hasHost_ = false;
  bool hasTransferEncoding_ = false;
  bool headDone_ = false;
};

// A proxy's form, "http://host/path", means the same as "/path".
void toOriginForm(std::string& target) {
  const auto scheme = target.find("://");
  if (scheme == std::string::npos || target.front() == '/' || target.front() == '?') return;
  const auto path = target.find_first_of("/?", scheme + 3);
  target.erase(0, path == std::string::npos ? target.size() : path);
  if (target.empty() || target.front() == '?') target.insert(target.begin(), '/');
}

}  // namespace

class MessageParser::Sink {
 public:
  std::optional<RequestParser> parser;
  std::size_t maxHead = 0;
  std::size_t maxBody = 0;
  int emptyLines = 0;
};

MessageParser::MessageParser(std::size_t maxHeadBytes, std::size_t maxBodyBytes)
    : sink_(std::make_unique<Sink>()) {
  sink_->maxHead = maxHeadBytes;
  sink_->maxBody = maxBodyBytes;
  reset();
}

MessageParser::~MessageParser() = default;

void MessageParser::reset() {
  auto& parser = sink_->parser.emplace();
  parser.header_limit(static_cast<std::uint32_t>(sink_->maxHead));
  parser.body_limit(sink_->maxBody);
  sink_->emptyLines = 0;
}

Progress MessageParser::feed(std::string_view data, std::size_t& used) {
  auto& parser = *sink_->parser;
  used = 0;
  while (!parser.got_some() && data.substr(used).starts_with('\r')) {
    if (data.size() - used == 1) return Progress::kNeedMore;
    if (data[used + 1] != '\n' || ++sink_->emptyLines > kMostEmptyLines) {
      return Progress::kMalformed;
    }
    used += 2;
  }
  while (used < data.size()) {
    const bool hadHead = parser.is_header_done();
    error_code ec;
    const auto rest = data.substr(used);
    if (hadHead && parser.chunked() && rest.starts_with('0') && rest.size() < kShortestLastChunk) {
      return Progress::kNeedMore;
    }
    const std::size_t taken = parser.put(boost::asio::const_buffer(rest.data(), rest.size()), ec);
    used += taken;
    if (ec == http::error::need_more) {
      // A chunk's header has no limit of its own in Beast.
      if (data.size() - used > sink_->maxHead) return Progress::kMalformed;
      return Progress::kNeedMore;
    }
    if (ec == http::error::header_limit) return Progress::kHeadTooLarge;
    if (ec == http::error::body_limit) return Progress::kBodyTooLarge;
    if (ec) return Progress::kMalformed;
    if (!hadHead && parser.is_header_done()) toOriginForm(parser.request.target);
    if (parser.is_done()) return Progress::kDone;
    if (!hadHead && parser.is_header_done()) return Progress::kHeadDone;
    if (taken == 0) break;
  }
  return Progress::kNeedMore;
}

std::size_t MessageParser::missing() const {
  const auto& parser = *sink_->parser;
  if (!parser.is_header_done() || parser.chunked()) return 0;
  return static_cast<std::size_t>(parser.content_length_remaining().value_or(0));
}

std::size_t MessageParser::heldBytes() const {
  const Request& request = sink_->parser->request;
  std::size_t bytes = request.method.size() + request.target.size() + request.body.size();
  for (const auto& [name, value] : request.headers) {
    bytes += sizeof request.headers.front() + name.size() + value.size();
  }
  return bytes;
}

Request& MessageParser::request() { return sink_->parser->request; }
bool MessageParser::keepAlive() const { return sink_->parser->keep_alive(); }
bool MessageParser::expectsContinue() const { return sink_->parser->expectsContinue; }

}  // namespace bco::server
