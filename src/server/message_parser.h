// Beast's HTTP/1 parser, filling a Request directly.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "server/http_server.h"

namespace bco::server {

enum class Progress {
  kNeedMore,
  kHeadDone,  // a body follows; go on feeding
  kDone,
  kMalformed,
  kHeadTooLarge,
  kBodyTooLarge,
};

// Reads one request after another. Not thread-safe.
class MessageParser {
 public:
  MessageParser(std::size_t maxHeadBytes, std::size_t maxBodyBytes);
  ~MessageParser();
  MessageParser(const MessageParser&) = delete;
  MessageParser& operator=(const MessageParser&) = delete;

  // Makes ready for the next request.
  void reset();
  // Takes from the front of `data` what it can use and says how much in `used`; what it could not
  // use yet must come again, with more behind it.
  Progress feed(std::string_view data, std::size_t& used);

  // How much more of a body must come; 0 when nobody can say.
  [[nodiscard]] std::size_t missing() const;
  // What the request takes up so far.
  [[nodiscard]] std::size_t heldBytes() const;

  // From kHeadDone or kDone on.
  [[nodiscard]] Request& request();
  [[nodiscard]] bool keepAlive() const;
  [[nodiscard]] bool expectsContinue() const;

 private:
  class Sink;
  std::unique_ptr<Sink> sink_;
};

}  // namespace bco::server
