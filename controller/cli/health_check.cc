// `healthcheck`: what `helm test` runs in the image, which has no other program that could ask.
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <iostream>
#include <memory>

#include "cli/commands.h"
#include "core/result.h"

namespace bco::cli {
namespace {

constexpr timeval kPatience{5, 0};  // for each step
constexpr std::size_t kLongest = 64 * 1024;

class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  [[nodiscard]] int get() const { return descriptor_; }

 private:
  int descriptor_;
};

struct Target {
  std::string host;
  std::string port;
  std::string path;
};

Result<Target> targetOf(const std::string& text) {
  constexpr std::string_view kScheme = "http://";
  const auto wrong = [&] {
    return fail(ErrorCode::kInvalid, "expected http://HOST:PORT/PATH, not " + text);
  };
  if (text.rfind(kScheme, 0) != 0) return wrong();
  const std::size_t slash = text.find('/', kScheme.size());
  const std::string place = text.substr(kScheme.size(), slash - kScheme.size());
  const std::size_t colon = place.rfind(':');
  if (slash == std::string::npos || colon == std::string::npos || colon == 0) return wrong();
  return Target{place.substr(0, colon), place.substr(colon + 1), text.substr(slash)};
}

// The whole answer, head and body; kUnavailable: there is none.
Result<std::string> ask(const Target& target) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int status = ::getaddrinfo(target.host.c_str(), target.port.c_str(), &wanted, &found);
  if (status != 0) return fail(ErrorCode::kUnavailable, target.host + ": " + gai_strerror(status));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  const std::string request =
      "GET " + target.path + " HTTP/1.1\r\nHost: " + target.host + "\r\nConnection: close\r\n\r\n";
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    const Socket socket(::socket(each->ai_family, each->ai_socktype | SOCK_CLOEXEC, 0));
    if (socket.get() < 0) continue;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    if (::connect(socket.get(), each->ai_addr, each->ai_addrlen) != 0 ||
        ::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
            static_cast<ssize_t>(request.size())) {
      continue;
    }
    std::string answer;
    std::array<char, 4096> part{};
    ssize_t size = 0;
    while (answer.size() < kLongest &&
           (size = ::recv(socket.get(), part.data(), part.size(), 0)) > 0) {
      answer.append(part.data(), static_cast<std::size_t>(size));
    }
    if (!answer.empty()) return answer;
  }
  return fail(ErrorCode::kUnavailable, "nobody answers at " + target.host + ":" + target.port);
}

}  // namespace

int runHealthCheck(const HealthCheckOptions& options) {
  const auto target = targetOf(options.url);
  if (!target) {
    std::cerr << target.error().message << '\n';
    return kExitBadInput;
  }
  const auto answer = ask(*target);
  if (!answer) {
    std::cerr << answer.error().message << '\n';
    return kExitNotConverged;
  }
  const std::size_t body = answer->find("\r\n\r\n");
  std::cout << (body == std::string::npos ? *answer : answer->substr(body + 4));
  return answer->rfind("HTTP/1.1 200 ", 0) == 0 ? kExitDone : kExitNotConverged;
}

}  // namespace bco::cli
