// A connected socket, plain or TLS, read and written without blocking.
#pragma once

#include <openssl/types.h>

#include <cstddef>
#include <memory>
#include <string_view>

namespace bco::server {

enum class Io { kDone, kWantRead, kWantWrite, kClosed };

struct Transfer {
  Io io = Io::kClosed;
  std::size_t bytes = 0;
};

// Does not own the socket, which must be non-blocking. Its thread must have SIGPIPE blocked, since
// OpenSSL writes with write(2).
class Channel {
 public:
  // `context` nullptr: plain.
  Channel(int socket, std::shared_ptr<SSL_CTX> context);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  [[nodiscard]] bool isTls() const { return context_ != nullptr; }
  // Nothing of TLS takes up memory before it.
  [[nodiscard]] Io handshake();
  [[nodiscard]] Transfer read(char* data, std::size_t size);
  // Decrypted or not, there are bytes here that no wait on the socket will report.
  [[nodiscard]] bool hasBuffered() const;
  // What TLS takes up beside what it always does.
  [[nodiscard]] std::size_t heldBytes() const;
  // `second` follows `first`; may write a part.
  [[nodiscard]] Transfer write(std::string_view first, std::string_view second);
  // No more will be written, nor read but by discard().
  void finish();
  // Reads from the socket itself and forgets it.
  [[nodiscard]] Transfer discard();

 private:
  struct FreeTls {
    void operator()(SSL* tls) const;
  };
  [[nodiscard]] Io tlsError(int result) const;

  const int socket_;
  std::shared_ptr<SSL_CTX> context_;
  std::unique_ptr<SSL, FreeTls> tls_;
};

}  // namespace bco::server
