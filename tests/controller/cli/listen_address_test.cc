#include "cli/listen_address.h"

#include <gtest/gtest.h>

namespace bco::cli {
namespace {

TEST(ListenAddress, IsAHostAndAPort) {
  const auto isRead = [](const std::string& text, const std::string& host, int port) {
    const auto address = parseListenAddress(text);
    return address && address->host == host && address->port == port;
  };
  EXPECT_TRUE(isRead("127.0.0.1:8080", "127.0.0.1", 8080));
  EXPECT_TRUE(isRead(":0", "", 0));
  EXPECT_TRUE(isRead("[::1]:65535", "::1", 65535));
  for (const char* bad : {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                          "::1:80", "127.0.0.1:80x", "127.0.0.1:-1"}) {
    EXPECT_FALSE(parseListenAddress(bad)) << bad;
  }
}

TEST(ListenAddress, ReadsBackWhatItSays) {
  for (const char* text : {"127.0.0.1:8080", "[::1]:80", "0.0.0.0:0", ":8081"}) {
    EXPECT_EQ(toString(*parseListenAddress(text)), text);
  }
}

}  // namespace
}  // namespace bco::cli
