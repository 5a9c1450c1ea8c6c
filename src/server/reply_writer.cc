#include "server/reply_writer.h"

#include <zlib.h>

#include <boost/beast/http/status.hpp>
#include <chrono>

#include "core/text.h"
#include "core/time.h"

namespace bco::server {
namespace {

constexpr std::size_t kGzipFromBytes = 1024;

bool hasBody(int status) { return status >= 200 && status != 204 && status != 304; }

bool hasHeader(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (equalsIgnoreCase(key, name)) return true;
  }
  return false;
}

}  // namespace

bool acceptsGzip(const Request& request) {
  const auto value = request.header("accept-encoding");
  if (!value) return false;
  for (const auto part : split(*value, ',')) {
    const auto parameters = split(part, ';');
    if (!equalsIgnoreCase(trim(parameters[0]), "gzip")) continue;
    if (parameters.size() < 2) return true;
    const auto quality = trim(parameters[1]);
    return quality != "q=0" && quality != "q=0.0" && quality != "q=0.00" && quality != "q=0.000";
  }
  return false;
}

class ReplyWriter::Gzip {
 public:
  Gzip() {
    constexpr int kGzipWindow = 15 + 16;
    // Less than the default: clearing its tables costs more than a short body gains by them.
    constexpr int kGzipMemory = 5;
    ready_ = deflateInit2(&stream_, Z_BEST_SPEED, Z_DEFLATED, kGzipWindow, kGzipMemory,
                          Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~Gzip() {
    if (ready_) deflateEnd(&stream_);
  }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  // False, and the body as it was, when it can't.
  bool compress(std::string& body) {
    if (!ready_ || body.size() > UINT32_MAX / 2) return false;
    deflateReset(&stream_);
    std::string out(deflateBound(&stream_, body.size()), '\0');
    stream_.next_in = reinterpret_cast<Bytef*>(body.data());
    stream_.avail_in = static_cast<uInt>(body.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    if (deflate(&stream_, Z_FINISH) != Z_STREAM_END) return false;
    out.resize(stream_.total_out);
    body = std::move(out);
    return true;
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

ReplyWriter::ReplyWriter() = default;
ReplyWriter::~ReplyWriter() = default;

const std::string& ReplyWriter::dateLine() {
  using std::chrono::system_clock;
  const auto now = std::chrono::floor<std::chrono::seconds>(system_clock::now());
  if (dateLine_.empty() || dateSecond_ != now.time_since_epoch().count()) {
    dateSecond_ = now.time_since_epoch().count();
    dateLine_ = "Date: " + formatHttpDate(now) + "\r\n";
  }
  return dateLine_;
}

void ReplyWriter::write(Reply& reply, const ReplyForm& form, std::string& head) {
  const bool body = hasBody(reply.status);
  if (!body) reply.body.clear();
  if (form.acceptsGzip && reply.body.size() > kGzipFromBytes &&
      !hasHeader(reply.headers, "content-encoding")) {
    if (!gzip_) gzip_ = std::make_unique<Gzip>();
    if (gzip_->compress(reply.body)) reply.headers.emplace_back("Content-Encoding", "gzip");
  }

  head += "HTTP/1.1 ";
  head += std::to_string(reply.status);
  head += ' ';
  using boost::beast::http::int_to_status;
  const auto reason =
      boost::beast::http::obsolete_reason(int_to_status(static_cast<unsigned>(reply.status)));
  head.append(reason.data(), reason.size());
  head += "\r\n";
  for (const auto& [name, value] : reply.headers) {
    head += name;
    head += ": ";
    head += value;
    head += "\r\n";
  }
  if (!hasHeader(reply.headers, "date")) head += dateLine();
  if (body && !hasHeader(reply.headers, "content-length")) {
    head += "Content-Length: ";
    head += std::to_string(reply.body.size());
    head += "\r\n";
  }
  head += form.keepAlive && !reply.close ? "Connection: keep-alive\r\n\r\n"
                                         : "Connection: close\r\n\r\n";
  if (form.headOnly) reply.body.clear();
}

}  // namespace bco::server
