#include "endpoint/tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bco::endpoint {
namespace {

constexpr auto kOne = "0123456789abcdef";
constexpr auto kOther = "fedcba9876543210";

TEST(Tokens, AcceptsEachOfItsLinesAndNothingElse) {
  Tokens tokens;
  tokens.replace(*parseTokens(SecretBytes("# old\n" + std::string(kOne) + "\r\n\n  " + kOther)));
  EXPECT_TRUE(tokens.accept("Bearer " + std::string(kOne)));
  EXPECT_TRUE(tokens.accept("bearer  " + std::string(kOther) + " "));
  for (const std::string& header :
       {std::string("Bearer "), std::string("Bearer"), std::string(), std::string(kOne),
        "Basic " + std::string(kOne), "Bearer " + std::string(kOne).substr(1),
        "Bearer " + std::string(kOne) + kOther, std::string("Bearer # old")}) {
    EXPECT_FALSE(tokens.accept(header)) << header;
  }
  EXPECT_FALSE(tokens.accept(std::nullopt));
}

TEST(Tokens, AcceptsNoneBeforeItHasAny) {
  EXPECT_FALSE(Tokens().accept("Bearer "));
  EXPECT_FALSE(Tokens().accept("Bearer " + std::string(kOne)));
}

TEST(Tokens, NoLongerAcceptsWhatWasReplaced) {
  Tokens tokens;
  tokens.replace(*parseTokens(SecretBytes(kOne)));
  tokens.replace(*parseTokens(SecretBytes(kOther)));
  EXPECT_FALSE(tokens.accept("Bearer " + std::string(kOne)));
  EXPECT_TRUE(tokens.accept("Bearer " + std::string(kOther)));
}

TEST(Tokens, AreNoneWhereAllHaveBeenTakenBack) {
  for (const char* text : {"", "\n# none\n"}) {
    Tokens tokens;
    tokens.replace(*parseTokens(SecretBytes(kOne)));
    tokens.replace(*parseTokens(SecretBytes(text)));
    EXPECT_FALSE(tokens.accept("Bearer " + std::string(kOne)));
    EXPECT_FALSE(tokens.accept("Bearer "));
  }
}

TEST(Tokens, RefusesAFileThatWouldLetEverybodyIn) {
  for (const char* text :
       {"short\n", "short # and a comment behind it\n", "0123456789abcdef-token # of the ingress\n",
        "0123456789 abcdef-token\n"}) {
    const auto tokens = parseTokens(SecretBytes(text));
    ASSERT_FALSE(tokens) << text;
    EXPECT_EQ(tokens.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(tokens.error().message, testing::Not(testing::HasSubstr("short")));
  }
}

}  // namespace
}  // namespace bco::endpoint
