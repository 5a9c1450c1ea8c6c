#include <gmock/gmock.h>

#include "api/json_decode.h"
#include "tests/controller/api/served.h"

namespace bco::api {
namespace {

using test::served;
using test::with;
using testing::HasSubstr;
using testing::Not;

TEST(DecodeSecret, ReadsItsValues) {
  const auto secret = decodeSecret(served("secret"));
  ASSERT_TRUE(secret) << secret.error().message;
  EXPECT_EQ(secret->resourceVersion, 216U);
  ASSERT_EQ(secret->values.size(), 2U);
  EXPECT_EQ(secret->values.at("token").reveal(), "s3cret");
  EXPECT_TRUE(secret->values.at("empty").empty());
}

TEST(DecodeSecret, ReadsAnyBytes) {
  const auto secret =
      decodeSecret(with(served("secret"), R"("empty":"")", R"("seed" : "AP8KIg==" )"));
  ASSERT_TRUE(secret) << secret.error().message;
  EXPECT_EQ(secret->values.at("seed").reveal(), std::string_view("\0\xff\n\"", 4));
}

TEST(DecodeSecret, MayBeEmpty) {
  std::string text = served("secret");
  for (const auto* data : {R"("data":null,)", R"("data":{},)", ""}) {
    const auto secret =
        decodeSecret(with(text, R"("data":{"empty":"","token":"czNjcmV0"},)", data));
    ASSERT_TRUE(secret) << secret.error().message;
    EXPECT_TRUE(secret->values.empty());
  }
}

TEST(DecodeSecret, NamesWhatItRefusesButQuotesNoValue) {
  for (const auto* value :
       {R"("hunter2")", R"("aHVudGVy")", R"("aHVudGVyMg=\u003d")", R"({"hunter2":"hunter2"})",
        R"(["hunter2"])", "20", R"("hunter2)", "hunter2"}) {
    const auto secret = decodeSecret(
        with(served("secret"), R"("czNjcmV0")", std::string(value) + R"(,"more":"hunter2!")"));
    ASSERT_FALSE(secret) << value;
    EXPECT_EQ(secret.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(secret.error().message, Not(HasSubstr("hunter2")));
    EXPECT_THAT(secret.error().message, Not(HasSubstr("aHVudGVy")));
  }
  EXPECT_THAT(decodeSecret(with(served("secret"), R"("czNjcmV0")", "\"?\"")).error().message,
              "Secret default/balena: data.token: not base64");
  EXPECT_THAT(decodeSecret(with(served("secret"), R"("czNjcmV0")", "17")).error().message,
              "Secret default/balena: data.token: not a string");
}

}  // namespace
}  // namespace bco::api
