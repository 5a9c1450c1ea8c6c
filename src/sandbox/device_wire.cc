#include "sandbox/device_wire.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <utility>

#include "core/text.h"

namespace bco::sandbox {
namespace {

constexpr int kTimeoutSeconds = 5;

std::size_t contentLength(const std::string& head) {
  const std::size_t found = toLower(head).find("\r\ncontent-length:");
  return found == std::string::npos ? 0 : std::strtoul(head.c_str() + found + 17, nullptr, 10);
}

}  // namespace

DeviceWire::DeviceWire(std::mutex& world) : world_(world) {}

DeviceWire::~DeviceWire() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    jobs_.clear();
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  close();
}

void DeviceWire::connectTo(const std::string& address, std::uint16_t port) {
  address_ = address;
  port_ = port;
  thread_ = std::jthread([this] { run(); });
}

void DeviceWire::post(const std::string& target, const std::string& token, const std::string& body,
                      Done done) {
  Job job{"POST " + target + " HTTP/1.1\r\nHost: " + address_ + ':' + std::to_string(port_) +
              "\r\nContent-Type: application/json\r\nClearBlade-UserToken: " + token +
              "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body,
          std::move(done)};
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  changed_.notify_one();
}

void DeviceWire::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return;
    const Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    const Answer answer = exchange(job.request);
    {
      const std::lock_guard world(world_);
      job.done(answer.status, answer.body);
    }
    lock.lock();
  }
}

DeviceWire::Answer DeviceWire::exchange(const std::string& request) {
  const bool reused = socket_ >= 0;
  for (int attempt = 0; attempt < (reused ? 2 : 1); ++attempt) {
    if (socket_ < 0 && !open()) return {};
    const auto sent = ::send(socket_, request.data(), request.size(), MSG_NOSIGNAL);
    if (std::cmp_equal(sent, request.size())) {
      Answer answer = read();
      if (answer.status != 0) return answer;
    }
    // An idle connection that the listener has closed meanwhile gets a second try on a new one.
    close();
  }
  return {};
}

DeviceWire::Answer DeviceWire::read() {
  std::string text;
  std::array<char, 4096> buffer{};
  std::size_t end = std::string::npos;
  while (end == std::string::npos || text.size() < end + 4 + contentLength(text.substr(0, end))) {
    const auto count = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (count <= 0) return {};
    text.append(buffer.data(), static_cast<std::size_t>(count));
    end = text.find("\r\n\r\n");
  }
  // "HTTP/1.1 204 …"
  const Answer answer{std::atoi(text.c_str() + 9), text.substr(end + 4)};
  if (toLower(text.substr(0, end)).find("\r\nconnection: close") != std::string::npos) close();
  return answer;
}

bool DeviceWire::open() {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval timeout{kTimeoutSeconds, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  peer.sin_port = htons(port_);
  ::inet_pton(AF_INET, address_.c_str(), &peer.sin_addr);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&peer), sizeof(peer)) == 0) return true;
  close();
  return false;
}

void DeviceWire::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

}  // namespace bco::sandbox
