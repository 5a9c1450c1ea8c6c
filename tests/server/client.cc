#include "tests/server/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <utility>

namespace bco::server::test {

struct Client::Tls {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL* connection = SSL_new(context);
  ~Tls() {
    SSL_free(connection);
    SSL_CTX_free(context);
  }
};

Client::Client(std::uint16_t port, bool tls) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval patience{10, 0};
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("can't connect");
  }
  if (!tls) return;
  tls_ = std::make_unique<Tls>();
  SSL_set_fd(tls_->connection, socket_);
  if (SSL_connect(tls_->connection) != 1) throw std::runtime_error("no TLS handshake");
}

Client::~Client() { ::close(socket_); }

void Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const long sent =
        tls_ ? SSL_write(tls_->connection, bytes.data(), static_cast<int>(bytes.size()))
             : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // closed: the reading side will tell
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

long Client::receive(char* data, std::size_t size) {
  return tls_ ? SSL_read(tls_->connection, data, static_cast<int>(size))
              : ::recv(socket_, data, size, 0);
}

std::string Client::readReply(bool bodyless) {
  std::array<char, 16 * 1024> chunk;
  while (true) {
    const auto headEnd = buffered_.find("\r\n\r\n");
    if (headEnd != std::string::npos) {
      std::size_t total = headEnd + 4;
      const auto length = buffered_.find("Content-Length: ");
      if (!bodyless && length < headEnd) total += std::stoul(buffered_.substr(length + 16));
      if (buffered_.size() >= total) {
        std::string reply = buffered_.substr(0, total);
        buffered_.erase(0, total);
        return reply;
      }
    }
    const long bytes = receive(chunk.data(), chunk.size());
    if (bytes <= 0) return std::exchange(buffered_, {});
    buffered_.append(chunk.data(), static_cast<std::size_t>(bytes));
  }
}

std::string Client::readAll() {
  std::array<char, 16 * 1024> chunk;
  while (true) {
    const long bytes = receive(chunk.data(), chunk.size());
    if (bytes <= 0) return std::exchange(buffered_, {});
    buffered_.append(chunk.data(), static_cast<std::size_t>(bytes));
  }
}

bool Client::wasReset() {
  std::array<char, 1024> chunk;
  long bytes = 0;
  while ((bytes = ::recv(socket_, chunk.data(), chunk.size(), 0)) > 0) {
  }
  return bytes < 0 && errno == ECONNRESET;
}

void Client::closeSending() { ::shutdown(socket_, SHUT_WR); }

const char* const kCertificate = R"(-----BEGIN CERTIFICATE-----
MIIBmTCCAT+gAwIBAgIUCrzLXwHOF3qq1GXwGPtssa6nYlswCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MB4XDTI2MTEyMzA4MjAyMFoXDTM2MTEyMDA4
MjAyMFowFDESMBAGA1UEAwwJbG9jYWxob3N0MFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAESqO2mbDaWQzAvK0EZB0g9NuecdddMDWU2uJ01dfWfkC8gS19fcEyayco
qF0n3Obvt29Jj6lugrQgDeGMXiDJpaNvMG0wHQYDVR0OBBYEFIloMDOG0G3oMk7x
R1z7desfnbfaMB8GA1UdIwQYMBaAFIloMDOG0G3oMk7xR1z7desfnbfaMA8GA1Ud
EwEB/wQFMAMBAf8wGgYDVR0RBBMwEYIJbG9jYWxob3N0hwR/AAABMAoGCCqGSM49
BAMCA0gAMEUCIQDZD2ui8wCUgjxoVTROk9ztTzCU2jhK3+SKnSI0aBDemQIgF0uI
5sDgnfppnset4xglMVBR4sFWNR8WmpYbl8WbRaE=
-----END CERTIFICATE-----
)";

const char* const kPrivateKey = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgoTHM3m5gYab7qfZa
Vn4nnMoAdmx96lzf+rdjP/qeEcOhRANCAARKo7aZsNpZDMC8rQRkHSD0255x110w
NZTa4nTV19Z+QLyBLX19wTJrJyioXSfc5u+3b0mPqW6CtCAN4YxeIMml
-----END PRIVATE KEY-----
)";

}  // namespace bco::server::test
