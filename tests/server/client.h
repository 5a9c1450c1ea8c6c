// A blocking loopback client that sends bytes as they are and gives up after a while.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace bco::server::test {

class Client {
 public:
  // `tls`: with TLS, trusting anybody.
  explicit Client(std::uint16_t port, bool tls = false);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(std::string_view bytes);
  // One message with its body by Content-Length; what came of it when the connection ended before.
  std::string readReply(bool bodyless = false);
  // Everything until the connection ends.
  std::string readAll();
  // The peer closed with RST, once all before it has been read.
  bool wasReset();
  void closeSending();
  std::string exchange(std::string_view request) {
    send(request);
    return readReply();
  }

 private:
  struct Tls;
  long receive(char* data, std::size_t size);
  int socket_ = -1;
  std::unique_ptr<Tls> tls_;
  std::string buffered_;
};

// A self-signed certificate of "localhost" for the tests and its key.
extern const char* const kCertificate;
extern const char* const kPrivateKey;

}  // namespace bco::server::test
