#include "http/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

namespace bco::http {

void tuneSocket(int descriptor) {
  const int on = 1;
  const linger abortive{.l_onoff = 1, .l_linger = 0};
  const int idle = 30;
  const int interval = 10;
  const int probes = 3;
  // A socket that refuses them works all the same, only slower or less abruptly.
  static_cast<void>(::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
  static_cast<void>(::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &abortive, sizeof abortive));
  static_cast<void>(::setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on));
  static_cast<void>(::setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle));
  static_cast<void>(
      ::setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval));
  static_cast<void>(::setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes));
}

void cork(int descriptor) {
  const int on = 1;
  static_cast<void>(::setsockopt(descriptor, IPPROTO_TCP, TCP_CORK, &on, sizeof on));
}

void uncork(int descriptor) {
  const int off = 0;
  static_cast<void>(::setsockopt(descriptor, IPPROTO_TCP, TCP_CORK, &off, sizeof off));
}

bool isStale(int descriptor) {
  pollfd state{.fd = descriptor, .events = POLLIN | POLLRDHUP, .revents = 0};
  return ::poll(&state, 1, 0) != 0;
}

}  // namespace bco::http
