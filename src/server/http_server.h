// An HTTP/1.1 server on Boost.Beast with limits and deadlines on everything.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "core/secret.h"

namespace bco::server {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method = {};  // "GET", …
  std::string target = {};  // as on the request line: path and query, still encoded
  Headers headers = {};
  std::string body = {};
  std::uint64_t connection = 0;  // number of the connection, from 1
  std::string peer = {};         // address without port, as its family writes it

  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
};

struct Reply {
  int status = 200;
  Headers headers = {};
  std::string body = {};
  bool close = false;  // close the connection after it
  // Instead of a reply: close the connection at once, with RST.
  bool reset = false;
};

// Called once for each request, on any thread, at once or later; or dropped, which leaves the
// request hanging until its client gives up.
using Responder = std::function<void(Reply)>;
// Called on a server thread; must not block.
using Handler = std::function<void(Request, Responder)>;

struct TlsFiles {
  std::string certificatePem;
  std::string privateKeyPem;

  // Each copy wipes its key.
  ~TlsFiles() { wipe(privateKeyPem.data(), privateKeyPem.size()); }
};

struct Options {
  std::string address = "127.0.0.1";  // an IP address; empty: all, of IPv6 and of IPv4
  std::uint16_t port = 0;             // 0: a free one
  std::optional<TlsFiles> tls;
  int threads = 1;
  std::size_t maxHeadBytes = 16 * 1024;   // beyond: 431
  std::size_t maxBodyBytes = 512 * 1024;  // beyond: 413
  std::chrono::milliseconds headTimeout{10000};
  std::chrono::milliseconds bodyTimeout{30000};
  std::chrono::milliseconds idleTimeout{60000};
  // Beyond: those that have kept us waiting longest for what they want to say are closed, so that
  // nobody can shut others out by saying nothing.
  std::size_t maxConnections = 10000;
  // Of all connections together: what came of requests that are not whole yet, what came behind
  // those that are, and replies that are not read. Beyond: those that have kept some of it longest
  // are closed.
  std::size_t maxHeldBytes = std::numeric_limits<std::size_t>::max();
  // What the kernel keeps of a connection in either direction, which it doubles for its own needs
  // and counts as the container's memory; what doesn't fit waits with the client. 0: as it likes.
  int socketBufferBytes = 0;
  // Told of what is refused before it is a whole request: its status (400, 408, 413 or 431) and
  // whose it was. Returns headers and body of what is answered. On a server thread; must not block.
  std::function<Reply(int status, const std::string& peer)> onRefusal = nullptr;
};

// Starts in start(); stops and joins its threads in the destructor. Thread-safe.
class HttpServer {
 public:
  // kUnavailable: the address can't be bound; kInvalid: bad certificate or key.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> start(const Options& options,
                                                                 Handler handler);
  virtual ~HttpServer() = default;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  // For connections from now on; of a server that was started with TLS. kInvalid: they can't be
  // used, and those before stay.
  [[nodiscard]] virtual Status useTls(const TlsFiles& files) = 0;
  // Takes no more connections, closes those between two requests, and each other one with the reply
  // that it is waiting for. Returns at once.
  virtual void drain() = 0;
  // Open ones.
  [[nodiscard]] virtual std::size_t connections() const = 0;
};

}  // namespace bco::server
