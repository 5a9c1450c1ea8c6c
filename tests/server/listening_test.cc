// On which addresses of which family a server is reached.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <iterator>
#include <thread>

#include "server/http_server.h"

namespace bco::server {
namespace {

void sayPeer(const Request& request, const Responder& respond) { respond({.body = request.peer}); }

// What the server takes for the peer's address, of a client that connects to `host`.
std::string peerSeenAt(const char* host, const Options& options) {
  const auto server = HttpServer::start(options, sayPeer);
  if (!server) return server.error().message;
  boost::asio::ip::tcp::iostream client(host, std::to_string((*server)->port()));
  client << "GET / HTTP/1.0\r\n\r\n" << std::flush;
  std::string reply{std::istreambuf_iterator<char>(client), {}};
  return reply.substr(reply.rfind('\n') + 1);
}

TEST(Listening, ListensOnBothFamiliesWithoutAnAddress) {
  Options options;
  options.address = "";
  EXPECT_EQ(peerSeenAt("127.0.0.1", options), "127.0.0.1") << "not as IPv6 writes it";
  EXPECT_EQ(peerSeenAt("::1", options), "::1");
}

TEST(Listening, DoesNotTakeOneFamilyForBoth) {
  Options options;
  options.address = "127.0.0.1";
  EXPECT_EQ(peerSeenAt("::1", options), "");
  options.address = "::1";
  EXPECT_EQ(peerSeenAt("127.0.0.1", options), "");
  // A port that is taken for one family is not had by the other alone.
  const auto taken = HttpServer::start(options, sayPeer);
  ASSERT_TRUE(taken.has_value());
  options.address = "";
  options.port = (*taken)->port();
  const auto second = HttpServer::start(options, sayPeer);
  ASSERT_FALSE(second.has_value());
  EXPECT_THAT(second.error().message, testing::HasSubstr("in use"));
}

// Has the kernel say from now on, to this thread, that it has no IPv6.
void forgetIpv6() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[0])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{static_cast<unsigned short>(std::size(program)), program};
  ASSERT_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ASSERT_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
}

TEST(Listening, ListensOnIpv4AloneWhereThereIsNoIpv6) {
  Options options;
  options.address = "";
  std::string peer;
  std::thread([&] {
    forgetIpv6();
    peer = peerSeenAt("127.0.0.1", options);
  }).join();
  EXPECT_EQ(peer, "127.0.0.1");
}

}  // namespace
}  // namespace bco::server
