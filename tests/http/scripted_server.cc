#include "tests/http/scripted_server.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

namespace bco::test {

namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

std::size_t contentLength(const std::string& head) {
  const auto at = head.find("Content-Length:");
  return at == std::string::npos ? 0 : std::strtoul(head.c_str() + at + 15, nullptr, 10);
}

}  // namespace

Peer::~Peer() { close(); }

std::string Peer::readRequest(int* reads) {
  std::string text;
  std::array<char, 65536> buffer;
  for (;;) {
    if (const auto end = text.find("\r\n\r\n"); end != std::string::npos) {
      if (text.size() >= end + 4 + contentLength(text.substr(0, end))) return text;
    }
    const ssize_t size = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
    if (size <= 0) return {};
    if (reads != nullptr) ++*reads;
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

bool Peer::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

bool Peer::answer(std::string_view body) {
  return write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
               std::string(body));
}

void Peer::waitUntilDelivered() {
  int unacknowledged = 1;
  while (::ioctl(descriptor_, SIOCOUTQ, &unacknowledged) == 0 && unacknowledged > 0) {
    std::this_thread::yield();
  }
}

void Peer::close() {
  if (descriptor_ < 0) return;
  ::shutdown(descriptor_, SHUT_RDWR);
  tcp_info info{};
  socklen_t size = sizeof info;
  do {
    std::this_thread::yield();
  } while (::getsockopt(descriptor_, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
           info.tcpi_state == TCP_FIN_WAIT1);
  descriptor_ = -1;  // the server closes it, so that its number is not used again meanwhile
}

void Peer::reset() {
  // Connecting to nowhere resets a connected socket at once.
  sockaddr nowhere{};
  nowhere.sa_family = AF_UNSPEC;
  ::connect(descriptor_, &nowhere, sizeof nowhere);
  descriptor_ = -1;
}

bool Peer::waitForReset() {
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t size = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
    if (size < 0) return errno == ECONNRESET;
    if (size == 0) {
      // An abortive close shuts down first: the RST follows the FIN.
      pollfd state{.fd = descriptor_, .events = 0, .revents = 0};
      return ::poll(&state, 1, 2000) == 1 && (state.revents & (POLLHUP | POLLERR)) != 0;
    }
  }
}

void Peer::tunnelTo(std::uint16_t port) {
  const int other = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  if (::connect(other, generic(address), sizeof address) != 0) std::abort();
  std::array<pollfd, 2> states{{{.fd = descriptor_, .events = POLLIN, .revents = 0},
                                {.fd = other, .events = POLLIN, .revents = 0}}};
  std::array<char, 65536> buffer;
  for (bool open = true; open && ::poll(states.data(), states.size(), -1) > 0;) {
    for (std::size_t i = 0; i < states.size() && open; ++i) {
      if (states[i].revents == 0) continue;
      const ssize_t size = ::recv(states[i].fd, buffer.data(), buffer.size(), 0);
      open = size > 0 && ::send(states[1 - i].fd, buffer.data(), static_cast<std::size_t>(size),
                                MSG_NOSIGNAL) == size;
    }
  }
  ::close(other);
}

ScriptedServer::ScriptedServer(std::function<void(Peer&)> script)
    : script_(std::move(script)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(listener_, generic(address), sizeof address) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::abort();
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::jthread([this] { accept(); });
}

ScriptedServer::~ScriptedServer() {
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (const int descriptor : open_) ::shutdown(descriptor, SHUT_RDWR);
  threads_.clear();
  for (const int descriptor : open_) ::close(descriptor);
  ::close(listener_);
}

std::string ScriptedServer::url(std::string_view target) const {
  return "http://127.0.0.1:" + std::to_string(port_) + std::string(target);
}

void ScriptedServer::accept() {
  for (;;) {
    const int descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0) return;
    const int number = ++connections_;
    std::lock_guard lock(mutex_);
    open_.push_back(descriptor);
    threads_.emplace_back([this, descriptor, number] {
      Peer peer(descriptor, number);
      script_(peer);
    });
  }
}

}  // namespace bco::test
