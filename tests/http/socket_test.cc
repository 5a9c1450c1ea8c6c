#include "http/socket.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bco::http {
namespace {

int optionOf(int descriptor, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  EXPECT_EQ(::getsockopt(descriptor, level, name, &value, &size), 0);
  return value;
}

TEST(Socket, NoticesAHostThatIsGoneWithoutAWordWithinAMinute) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  tuneSocket(descriptor);
  EXPECT_NE(optionOf(descriptor, SOL_SOCKET, SO_KEEPALIVE), 0);
  EXPECT_LE(optionOf(descriptor, IPPROTO_TCP, TCP_KEEPIDLE) +
                optionOf(descriptor, IPPROTO_TCP, TCP_KEEPINTVL) *
                    optionOf(descriptor, IPPROTO_TCP, TCP_KEEPCNT),
            60);
  ::close(descriptor);
}

}  // namespace
}  // namespace bco::http
