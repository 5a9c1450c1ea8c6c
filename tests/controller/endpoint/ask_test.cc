#include "endpoint/ask.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bco::endpoint {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kShort = "7cf02a69e4d34c9da573914963cf54fd";
const std::string kLong = std::string(62, 'a');
constexpr auto kJson = "application/json";
constexpr auto kForm = "application/x-www-form-urlencoded";

TEST(Ask, ReadsWhatTheRelaySends) {
  const auto ask = parseAsk(kJson, R"({ "uuid": ")" + kShort + R"(", "balena_service": "relay" })");
  ASSERT_TRUE(ask);
  EXPECT_EQ(ask->uuid, kShort);
  EXPECT_EQ(ask->service, "relay");
}

TEST(Ask, TakesTheServiceThatIsNoneForNone) {
  for (const char* service : {R"("undefined")", R"("")", "null"}) {
    const auto ask =
        parseAsk(kJson, R"({"uuid":")" + kLong + R"(","balena_service":)" + service + "}");
    ASSERT_TRUE(ask) << service;
    EXPECT_EQ(ask->service, "") << service;
  }
  EXPECT_EQ(parseAsk(kJson, R"({"uuid":")" + kLong + R"("})")->service, "");
}

TEST(Ask, ReadsAForm) {
  const auto ask = parseAsk("application/x-www-form-urlencoded; charset=utf-8",
                            "balena%5Fservice=my+relay&x=1&uuid=" + kShort);
  ASSERT_TRUE(ask);
  EXPECT_EQ(ask->uuid, kShort);
  EXPECT_EQ(ask->service, "my relay");
}

TEST(Ask, LetsMembersPassThatNobodyKnows) {
  EXPECT_TRUE(parseAsk(kJson, R"({"uuid":")" + kShort + R"(","more":[1,{"a":null}]})"));
}

struct Bad {
  const char* type;
  std::string body;
};

class BadAsk : public testing::TestWithParam<Bad> {};

TEST_P(BadAsk, IsRefusedWithoutAQuote) {
  const auto ask = parseAsk(GetParam().type, GetParam().body);
  ASSERT_FALSE(ask) << GetParam().body;
  EXPECT_EQ(ask.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(ask.error().message, Not(HasSubstr("S3CRET")));
  EXPECT_THAT(ask.error().message, Not(testing::IsEmpty()));
}

INSTANTIATE_TEST_SUITE_P(
    Bodies, BadAsk,
    testing::Values(
        Bad{kJson, ""}, Bad{kJson, "  \n"}, Bad{kJson, "S3CRET"}, Bad{kJson, "[]"},
        Bad{kJson, "{}"}, Bad{kJson, R"({"uuid":"7cf02a6"})"}, Bad{kJson, R"({"uuid":7})"},
        Bad{kJson, R"({"uuid":null})"},
        Bad{kJson, R"({"uuid":"7CF02A69E4D34C9DA573914963CF54FD"})"},
        Bad{kJson, R"({"uuid":"7cf02a69e4d34c9da573914963cf54fd "})"},
        Bad{kJson, R"({"uuid":"7cf02a69e4d34c9da573914963cf54fd")"},
        Bad{kJson, R"({"uuid":"7cf02a69e4d34c9da573914963cf54fd","balena_service":["S3CRET"]})"},
        Bad{kJson, std::string(15000, '[')}, Bad{kForm, "uuid="}, Bad{kForm, "uuid=%7"},
        Bad{kForm, "balena_service=relay"},
        Bad{kForm, "uuid=7cf02a69e4d34c9da573914963cf54fd&balena_service=" + std::string(256, 's')},
        Bad{kForm, "uuid=7cf02a69e4d34c9da573914963cf54fd&uuid=S3CRET"},
        Bad{"", "uuid=7cf02a69e4d34c9da573914963cf54fd"}));

}  // namespace
}  // namespace bco::endpoint
