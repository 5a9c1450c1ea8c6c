#include "sandbox/relay_calls.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <nlohmann/json.hpp>

namespace bco::sandbox {
namespace {

RelayReply parseRelayReply(const std::string& text) {
  RelayReply reply;
  // "HTTP/1.1 201 …"
  if (text.size() < 12 || !text.starts_with("HTTP/1.")) return reply;
  std::from_chars(text.data() + 9, text.data() + 12, reply.status);
  const std::size_t end = text.find("\r\n\r\n");
  if (end == std::string::npos) return RelayReply{};
  const auto body = nlohmann::json::parse(text.substr(end + 4), nullptr, false);
  if (!body.is_object()) return reply;
  const auto code = body.find("code");
  if (code != body.end()) reply.isSix = *code == 6 || *code == "6";  // it compares loosely
  return reply;
}

bool mayGoOn() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

std::optional<ProvisionUrl> parseProvisionUrl(const std::string& text) {
  constexpr std::string_view kScheme = "http://";
  if (!text.starts_with(kScheme)) return std::nullopt;
  ProvisionUrl url;
  url.text = text;
  const std::size_t slash = text.find('/', kScheme.size());
  if (slash != std::string::npos) url.path = text.substr(slash);
  std::string host = text.substr(kScheme.size(), slash - kScheme.size());
  if (const std::size_t colon = host.find(':'); colon != std::string::npos) {
    const char* const end = host.data() + host.size();
    const auto parsed = std::from_chars(host.data() + colon + 1, end, url.port);
    if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
    host.resize(colon);
  }
  url.address = host == "localhost" ? "127.0.0.1" : host;
  in_addr parsed{};
  if (inet_pton(AF_INET, url.address.c_str(), &parsed) != 1) return std::nullopt;
  return url;
}

RelayCalls::RelayCalls(std::mutex& world) : world_(world) {
  std::array<int, 2> pipe{};
  if (pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK) == 0) {
    wakeReader_ = pipe[0];
    wakeWriter_ = pipe[1];
  }
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

RelayCalls::~RelayCalls() {
  thread_.request_stop();
  wake();
  thread_.join();
  for (const Call& call : started_) ::close(call.socket);
  ::close(wakeReader_);
  ::close(wakeWriter_);
}

void RelayCalls::wake() const {
  const char byte = 0;
  // A full pipe wakes as well.
  [[maybe_unused]] const auto written = ::write(wakeWriter_, &byte, 1);
}

void RelayCalls::post(const ProvisionUrl& url, const std::string& body, Done done) {
  Call call;
  call.done = std::move(done);
  call.request = "POST " + url.path + " HTTP/1.1\r\nHost: " + url.address + ':' +
                 std::to_string(url.port) +
                 "\r\nContent-Type: application/json\r\nCache-Control: no-cache"
                 "\r\nConnection: close\r\nContent-Length: " +
                 std::to_string(body.size()) + "\r\n\r\n" + body;
  (void)open(call, url);
  {
    const std::lock_guard lock(mutex_);
    started_.push_back(std::move(call));
  }
  wake();
}

bool RelayCalls::open(Call& call, const ProvisionUrl& url) {
  call.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  peer.sin_port = htons(url.port);
  ::inet_pton(AF_INET, url.address.c_str(), &peer.sin_addr);
  return ::connect(call.socket, reinterpret_cast<const sockaddr*>(&peer), sizeof(peer)) == 0 ||
         errno == EINPROGRESS;
}

bool RelayCalls::goOn(Call& call) {
  while (call.sent < call.request.size()) {
    const auto sent = ::send(call.socket, call.request.data() + call.sent,
                             call.request.size() - call.sent, MSG_NOSIGNAL);
    if (sent < 0) return mayGoOn();
    call.sent += static_cast<std::size_t>(sent);
  }
  std::array<char, 4096> buffer{};
  while (true) {
    const auto count = ::recv(call.socket, buffer.data(), buffer.size(), 0);
    if (count < 0) return mayGoOn();
    if (count == 0) return false;
    call.reply.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

void RelayCalls::finish(const Call& call) {
  if (call.socket >= 0) ::close(call.socket);
  const RelayReply reply = parseRelayReply(call.reply);
  const std::lock_guard lock(world_);
  call.done(reply);
}

void RelayCalls::run(const std::stop_token& stop) {
  Calls calls;
  std::vector<pollfd> sockets;
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      calls.splice(calls.end(), started_);
    }
    sockets.assign(1, {wakeReader_, POLLIN, 0});
    for (const Call& call : calls) {
      const bool writes = call.sent < call.request.size();
      sockets.push_back({call.socket, static_cast<short>(writes ? POLLOUT : POLLIN), 0});
    }
    ::poll(sockets.data(), sockets.size(), -1);
    if (stop.stop_requested()) break;
    std::array<char, 64> bytes{};
    while (::read(wakeReader_, bytes.data(), bytes.size()) > 0) continue;
    std::size_t place = 1;
    for (auto call = calls.begin(); call != calls.end(); ++place) {
      // One without a socket ends here: there were none left.
      const bool isReady = sockets[place].revents != 0 || call->socket < 0;
      if (!isReady || goOn(*call)) {
        ++call;
        continue;
      }
      finish(*call);
      call = calls.erase(call);
    }
  }
  for (const Call& call : calls) ::close(call.socket);
}

}  // namespace bco::sandbox
