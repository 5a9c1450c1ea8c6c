#include "server/head_rules.h"

#include <gtest/gtest.h>

namespace bco::server {
namespace {

TEST(HeadRules, KnowAHostWhenTheySeeIt) {
  for (const auto* host : {"", "x", "example.com", "example.com:", "example.com:8080",
                           "192.0.2.1:80", "[2001:db8::1]", "[::1]:443", "a_b-c~d", "%20"}) {
    EXPECT_TRUE(isHost(host)) << host;
  }
  for (const auto* host : {"a b", "a b/c", "a/b", "a,b/", "a:b", "a:1:2", "user@host", "[::1", "[]",
                           "[::1]x", "[::1]:x", "a\tb", "a?b", "http://a", "\"a\""}) {
    EXPECT_FALSE(isHost(host)) << host;
  }
}

TEST(HeadRules, TrustOneTransferCodingAlone) {
  for (const auto* coding : {"chunked", "CHUNKED", "Chunked"}) EXPECT_TRUE(isFraming(coding));
  for (const auto* coding :
       {"xchunked", "chunkedx", "chunked;q=1", "\"chunked\"", "gzip", "gzip, chunked",
        "chunked, gzip", "chunked, chunked", "identity", "", ",chunked", "chunked,"}) {
    EXPECT_FALSE(isFraming(coding)) << coding;
  }
}

TEST(HeadRules, FindContinueAmongTheExpectations) {
  for (const auto* expect : {"100-continue", "100-Continue", "x, 100-continue",
                             "100-continue , x=y", ", 100-continue"}) {
    EXPECT_TRUE(expectsContinue(expect)) << expect;
  }
  for (const auto* expect : {"", "x", "100-continued", "100-continue;q=1", "x=100-continue"}) {
    EXPECT_FALSE(expectsContinue(expect)) << expect;
  }
}

}  // namespace
}  // namespace bco::server
