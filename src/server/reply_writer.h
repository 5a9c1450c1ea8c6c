// A reply as the bytes that go on the wire.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "server/http_server.h"

namespace bco::server {

// What the request says about how its reply may look.
struct ReplyForm {
  bool headOnly = false;
  bool keepAlive = true;
  bool acceptsGzip = false;
};

[[nodiscard]] bool acceptsGzip(const Request& request);

// One per thread: reuses its compressor and the text of the Date header.
class ReplyWriter {
 public:
  ReplyWriter();
  ~ReplyWriter();
  ReplyWriter(const ReplyWriter&) = delete;
  ReplyWriter& operator=(const ReplyWriter&) = delete;

  // Appends the head to `head` and compresses or drops `reply.body` as the form demands.
  void write(Reply& reply, const ReplyForm& form, std::string& head);

 private:
  class Gzip;
  [[nodiscard]] const std::string& dateLine();

  std::unique_ptr<Gzip> gzip_;
  std::string dateLine_;
  std::int64_t dateSecond_ = 0;
};

}  // namespace bco::server
