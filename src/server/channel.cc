#include "server/channel.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace bco::server {
namespace {

// Buffers of a handshake, beside what has come of it.
constexpr std::size_t kHandshakeBytes = 32 * 1024;
// A ClientHello may announce 128 KiB: OpenSSL makes room at once, and some more, and clears it.
constexpr std::size_t kHelloBytes = 176 * 1024;
// A record, whole or not, of which something has not been read.
constexpr std::size_t kRecordBytes = 17 * 1024;

bool isTransient(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

void Channel::FreeTls::operator()(SSL* tls) const { SSL_free(tls); }

Channel::Channel(int socket, std::shared_ptr<SSL_CTX> context)
    : socket_(socket), context_(std::move(context)) {}

Channel::~Channel() = default;

Io Channel::tlsError(int result) const {
  switch (SSL_get_error(tls_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Io::kWantRead;
    case SSL_ERROR_WANT_WRITE:
      return Io::kWantWrite;
    default:
      return Io::kClosed;
  }
}

Io Channel::handshake() {
  if (!isTls()) return Io::kDone;
  if (!tls_) {
    tls_.reset(SSL_new(context_.get()));
    SSL_set_fd(tls_.get(), socket_);
    SSL_set_accept_state(tls_.get());
  }
  ERR_clear_error();
  const int result = SSL_accept(tls_.get());
  return result == 1 ? Io::kDone : tlsError(result);
}

Transfer Channel::read(char* data, std::size_t size) {
  if (tls_) {
    ERR_clear_error();
    std::size_t bytes = 0;
    const int result = SSL_read_ex(tls_.get(), data, size, &bytes);
    return result == 1 ? Transfer{Io::kDone, bytes} : Transfer{tlsError(result), 0};
  }
  const ssize_t bytes = ::recv(socket_, data, size, 0);
  if (bytes > 0) return {Io::kDone, static_cast<std::size_t>(bytes)};
  return {bytes < 0 && isTransient(errno) ? Io::kWantRead : Io::kClosed, 0};
}

bool Channel::hasBuffered() const { return tls_ && SSL_has_pending(tls_.get()) == 1; }

std::size_t Channel::heldBytes() const {
  if (!tls_) return 0;
  if (SSL_is_init_finished(tls_.get()) == 1) return hasBuffered() ? kRecordBytes : 0;
  const auto bytes = static_cast<std::size_t>(BIO_number_read(SSL_get_rbio(tls_.get())));
  if (bytes == 0) return 0;
  const bool isOfUnknownSize = SSL_get_state(tls_.get()) == TLS_ST_SR_CLNT_HELLO;
  return kHandshakeBytes + (isOfUnknownSize ? std::max(kHelloBytes, bytes) : bytes);
}

Transfer Channel::write(std::string_view first, std::string_view second) {
  if (tls_) {
    const std::string_view part = first.empty() ? second : first;
    ERR_clear_error();
    std::size_t bytes = 0;
    const int result = SSL_write_ex(tls_.get(), part.data(), part.size(), &bytes);
    return result == 1 ? Transfer{Io::kDone, bytes} : Transfer{tlsError(result), 0};
  }
  std::array<iovec, 2> parts{iovec{const_cast<char*>(first.data()), first.size()},
                             iovec{const_cast<char*>(second.data()), second.size()}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  const ssize_t bytes = ::sendmsg(socket_, &message, MSG_NOSIGNAL);
  if (bytes >= 0) return {Io::kDone, static_cast<std::size_t>(bytes)};
  return {isTransient(errno) ? Io::kWantWrite : Io::kClosed, 0};
}

void Channel::finish() {
  ERR_clear_error();
  if (tls_ && SSL_is_init_finished(tls_.get())) SSL_shutdown(tls_.get());
  tls_.reset();
  context_.reset();
  ::shutdown(socket_, SHUT_WR);
}

Transfer Channel::discard() {
  std::array<char, 16 * 1024> waste;
  const ssize_t bytes = ::recv(socket_, waste.data(), waste.size(), 0);
  if (bytes > 0) return {Io::kDone, static_cast<std::size_t>(bytes)};
  return {bytes < 0 && isTransient(errno) ? Io::kWantRead : Io::kClosed, 0};
}

}  // namespace bco::server
