#include "clearblade/service_account.h"

#include <gmock/gmock.h>

namespace bco::clearblade {
namespace {

Result<ServiceAccount> parse(std::string_view json) {
  return parseServiceAccount(SecretBytes(json), "my-project");
}

TEST(ServiceAccount, IsReadFromClearBladesFile) {
  const auto account =
      parse(R"({"systemKey":"abc","token":"s3cret","url":"https://iot.clearblade.com/",)"
            R"("project":"my-project","more":1})");
  ASSERT_TRUE(account) << account.error().message;
  EXPECT_EQ(account->systemKey, "abc");
  EXPECT_EQ(account->token->reveal(), "s3cret");
  EXPECT_EQ(account->url, "https://iot.clearblade.com");
  EXPECT_EQ(account->project, "my-project");
}

TEST(ServiceAccount, MustBeCompleteAndForTheRegistrysProject) {
  const std::string_view bad[] = {
      "",
      "s3cret",
      "[\"s3cret\"]",
      "{\"token\":\"s3cret\"",
      R"({"token":"s3cret","url":"https://x.io","project":"my-project"})",
      R"({"systemKey":"","token":"s3cret","url":"https://x.io","project":"my-project"})",
      R"({"systemKey":"a","token":7,"url":"https://x.io","project":"my-project"})",
      R"({"systemKey":"a","token":"s3cret\n","url":"https://x.io","project":"my-project"})",
      R"({"systemKey":"a","token":"s3cret","project":"my-project"})",
      R"({"systemKey":"a","token":"s3cret","url":"http://x.io","project":"my-project"})",
      R"({"systemKey":"a","token":"s3cret","url":"https://s3cret@x.io","project":"my-project"})",
      R"({"systemKey":"a","token":"s3cret","url":"https://x.io/s3cret","project":"my-project"})",
      R"({"systemKey":"a","token":"s3cret","url":"x.io","project":"my-project"})",
      R"({"systemKey":"a","token":"s3cret","url":"https://x.io","project":"other"})",
  };
  for (const std::string_view json : bad) {
    const auto account = parse(json);
    ASSERT_FALSE(account) << json;
    EXPECT_EQ(account.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(account.error().message, testing::StartsWith("service account: "));
    EXPECT_THAT(account.error().message, testing::Not(testing::HasSubstr("s3cret")));
  }
}

TEST(ServiceAccount, MayUsePlainHttpOnLoopback) {
  EXPECT_TRUE(parse(R"({"systemKey":"a","token":"t","url":"http://127.0.0.1:8080",)"
                    R"("project":"my-project"})"));
}

}  // namespace
}  // namespace bco::clearblade
