#include "server/message_parser.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

namespace bco::server {
namespace {

// What a connection does with bytes that come in pieces of this size, up to the first message's
// end.
Progress feedInPieces(MessageParser& parser, std::string_view data, std::size_t size) {
  Progress progress = Progress::kNeedMore;
  std::string pending;
  while (!data.empty() && (progress == Progress::kNeedMore || progress == Progress::kHeadDone)) {
    pending += data.substr(0, size);
    data.remove_prefix(std::min(size, data.size()));
    do {
      std::size_t used = 0;
      progress = parser.feed(pending, used);
      pending.erase(0, used);
    } while (progress == Progress::kHeadDone && !pending.empty());
  }
  return progress;
}

constexpr std::string_view kChunkedHead =
    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";

TEST(MessageParser, TakesChunksInPiecesOfAnySize) {
  for (std::size_t size = 1; size < 20; ++size) {
    for (const auto& [chunks, body] :
         {std::pair("0\r\n\r\n", ""), std::pair("0\r\nX: y\r\n\r\n", ""),
          std::pair("00\r\n\r\n", ""), std::pair("3\r\n0\r\n\r\n0\r\n\r\n", "0\r\n"),
          std::pair("02\r\n00\r\n1\r\n0\r\n0\r\n\r\n", "000")}) {
      MessageParser parser(512, 512);
      EXPECT_EQ(feedInPieces(parser, std::string(kChunkedHead) + chunks, size), Progress::kDone)
          << chunks << " in pieces of " << size;
      EXPECT_EQ(parser.request().body, body);
    }
  }
}

TEST(MessageParser, RefusesBadChunksInPiecesOfAnySize) {
  for (std::size_t size = 1; size < 20; ++size) {
    for (const auto* chunks : {"zz\r\n", "0\r\n{}\r\n\r\n", "1\r\nabcdef\r\n", "0;\r\n\r\n\r\n"}) {
      MessageParser parser(512, 512);
      EXPECT_EQ(feedInPieces(parser, std::string(kChunkedHead) + chunks, size),
                Progress::kMalformed)
          << chunks << " in pieces of " << size;
    }
  }
}

// The first message's end in a single piece.
Progress feedWhole(std::string_view data) {
  MessageParser parser(512, 512);
  return feedInPieces(parser, data, data.size());
}

TEST(MessageParser, RefusesABodyThatOthersMayFrameOtherwise) {
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\n";
  for (const std::string fields :
       {"Transfer-Encoding: xchunked", "Transfer-Encoding: gzip", "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked, identity", "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding:", "Transfer-Encoding: gzip\r\nContent-Length: 0",
        "Content-Length: 0\r\nTransfer-Encoding: xchunked",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5"}) {
    EXPECT_EQ(feedWhole(head + fields + "\r\n\r\n0\r\n\r\n"), Progress::kMalformed) << fields;
  }
  EXPECT_EQ(feedWhole("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            Progress::kMalformed);
  EXPECT_EQ(feedWhole(head + "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n"), Progress::kDone);
}

TEST(MessageParser, WantsOneHost) {
  for (const std::string fields : {"", "Host: a\r\nHost: b\r\n", "Host: a\r\nHost: a\r\n",
                                   "Host: a b/c\r\n", "Host: a, b\r\n"}) {
    EXPECT_EQ(feedWhole("GET / HTTP/1.1\r\n" + fields + "\r\n"), Progress::kMalformed) << fields;
  }
  EXPECT_EQ(feedWhole("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), Progress::kMalformed);
  EXPECT_EQ(feedWhole("GET / HTTP/1.0\r\n\r\n"), Progress::kDone);
  EXPECT_EQ(feedWhole("GET / HTTP/1.1\r\nHost: a:1\r\n\r\n"), Progress::kDone);
}

TEST(MessageParser, IgnoresAFewEmptyLinesBeforeARequest) {
  const std::string request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";
  for (std::size_t size = 1; size < 20; ++size) {
    MessageParser parser(512, 512);
    for (const std::string lines : {"", "\r\n", "\r\n\r\n\r\n\r\n"}) {
      EXPECT_EQ(feedInPieces(parser, lines + request, size), Progress::kDone) << size;
      EXPECT_EQ(parser.request().body, "hi");
      parser.reset();
    }
    EXPECT_EQ(feedInPieces(parser, "\r\n\r\n\r\n\r\n\r\n" + request, size), Progress::kMalformed);
    for (const std::string lines : {"\r", "\n", "\r\r\n", "\r\n\n", "\r\n \r\n"}) {
      parser.reset();
      EXPECT_EQ(feedInPieces(parser, lines + request, size), Progress::kMalformed) << lines;
    }
  }
}

TEST(MessageParser, TakesNoMoreFieldsThanAnybodyNeeds) {
  const auto withFields = [](int count) {
    std::string head = "GET / HTTP/1.1\r\nHost: x\r\n";
    for (int i = 1; i < count; ++i) head += "a:\r\n";
    return head + "\r\n";
  };
  for (const std::size_t size : {1, 7, 100'000}) {
    MessageParser parser(8192, 512);
    EXPECT_EQ(feedInPieces(parser, withFields(128), size), Progress::kDone);
    parser.reset();
    EXPECT_EQ(feedInPieces(parser, withFields(129), size), Progress::kHeadTooLarge);
  }
}

TEST(MessageParser, KnowsHowMuchOfABodyIsMissing) {
  MessageParser parser(512, 512);
  EXPECT_EQ(parser.missing(), 0U);
  EXPECT_EQ(feedInPieces(parser, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhi", 99),
            Progress::kNeedMore);
  EXPECT_EQ(parser.missing(), 7U);
  EXPECT_GT(parser.heldBytes(), std::string_view("POST/Hostxhi").size());
  parser.reset();
  EXPECT_EQ(parser.heldBytes(), 0U);
  EXPECT_EQ(feedInPieces(parser, std::string(kChunkedHead) + "9\r\nhi", 99), Progress::kNeedMore);
  EXPECT_EQ(parser.missing(), 0U) << "other chunks may follow";
}

TEST(MessageParser, TakesABodyOfZerosByItsLength) {
  MessageParser parser(512, 512);
  EXPECT_EQ(feedInPieces(parser, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n0\r\n", 1),
            Progress::kDone);
  EXPECT_EQ(parser.request().body, "0\r\n");
}

}  // namespace
}  // namespace bco::server
