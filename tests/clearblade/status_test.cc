#include "clearblade/status.h"

#include <gmock/gmock.h>

#include "tests/clearblade/fixture.h"

namespace bco::clearblade {
namespace {

using http::Method;

struct Row {
  int status;
  std::string body;
  ErrorCode code;
};

class RegistryAnswers : public testing::TestWithParam<Row> {};

TEST_P(RegistryAnswers, MeanWhatTheTableSays) {
  const auto& [status, body, code] = GetParam();
  const SecretBytes token(kToken);
  const Status judged = statusOf({status, {}, body}, Method::kGet, "reading", {}, token);
  ASSERT_FALSE(judged);
  EXPECT_EQ(judged.error().code, code);
  EXPECT_FALSE(judged.error().outcomeUnknown);
}

INSTANTIATE_TEST_SUITE_P(
    OfClearBlade, RegistryAnswers,
    testing::Values(Row{400, problem(400, "INVALID_ARGUMENT"), ErrorCode::kInvalid},
                    Row{400, problem(400, "FAILED_PRECONDITION", " it's associated with "),
                        ErrorCode::kInvalid},
                    Row{400, "bad", ErrorCode::kInvalid},
                    Row{401, problem(401, "UNAUTHENTICATED"), ErrorCode::kUnauthenticated},
                    Row{401, "Unauthorized", ErrorCode::kUnauthenticated},
                    Row{403, problem(403, "PERMISSION_DENIED"), ErrorCode::kForbidden},
                    Row{404, problem(404, "NOT_FOUND"), ErrorCode::kNotFound},
                    Row{404, "404 page not found", ErrorCode::kForbidden},
                    Row{404, "", ErrorCode::kForbidden}, Row{408, "", ErrorCode::kDeadline},
                    Row{409, problem(409, "ALREADY_EXISTS"), ErrorCode::kAlreadyExists},
                    Row{409, problem(409, "ABORTED"), ErrorCode::kConflict},
                    Row{409, "", ErrorCode::kConflict}, Row{412, "", ErrorCode::kConflict},
                    Row{429, problem(429, "RESOURCE_EXHAUSTED"), ErrorCode::kThrottled},
                    Row{499, problem(499, "CANCELLED"), ErrorCode::kDeadline},
                    Row{500, problem(500, "INTERNAL"), ErrorCode::kUnavailable},
                    Row{501, problem(501, "UNIMPLEMENTED"), ErrorCode::kInternal},
                    Row{502, "<html>", ErrorCode::kUnavailable},
                    Row{503, problem(503, "UNAVAILABLE"), ErrorCode::kUnavailable},
                    Row{504, problem(504, "DEADLINE_EXCEEDED"), ErrorCode::kDeadline},
                    Row{302, "", ErrorCode::kInternal}));

TEST(RegistryAnswer, LeavesAWritesOutcomeOpenOnlyWhenTheServerFailed) {
  const SecretBytes token;
  for (const int status : {408, 499, 500, 502, 503, 504}) {
    EXPECT_TRUE(statusOf({status, {}, ""}, Method::kPost, "w", {}, token).error().outcomeUnknown)
        << status;
  }
  for (const int status : {400, 401, 403, 404, 409, 429}) {
    EXPECT_FALSE(statusOf({status, {}, ""}, Method::kPost, "w", {}, token).error().outcomeUnknown)
        << status;
  }
}

TEST(RegistryAnswer, IsQuotedShortAndWithoutTheToken) {
  const SecretBytes token(kToken);
  const auto messageOf = [&](std::string_view message) {
    return statusOf({400, {}, problem(400, "INVALID_ARGUMENT", message)}, Method::kPost, "w", {},
                    token)
        .error()
        .message;
  };
  EXPECT_EQ(messageOf("bad \\n key"), "w: ClearBlade answers 400 INVALID_ARGUMENT: bad   key");
  EXPECT_LT(messageOf(std::string(5000, 'x')).size(), 300U);
  EXPECT_THAT(messageOf("token reg1nSecret is bad"),
              testing::Not(testing::HasSubstr(std::string(kToken))));
}

TEST(RegistryAnswer, TellsHowLongToWait) {
  const SecretBytes token;
  EXPECT_EQ(
      statusOf({429, {{"Retry-After", "3"}}, ""}, Method::kGet, "r", {}, token).error().retryAfter,
      std::chrono::seconds(3));
}

TEST(RegistryAnswer, RefusesTheAccessByStatusOrByNotComingFromTheRegistry) {
  EXPECT_TRUE(refusesAccess({401, {}, ""}));
  EXPECT_TRUE(refusesAccess({403, {}, problem(403, "PERMISSION_DENIED")}));
  EXPECT_TRUE(refusesAccess({404, {}, "404 page not found"}));
  EXPECT_FALSE(refusesAccess({404, {}, problem(404, "NOT_FOUND")}));
  EXPECT_FALSE(refusesAccess({200, {}, ""}));
  EXPECT_FALSE(refusesAccess({500, {}, ""}));
}

}  // namespace
}  // namespace bco::clearblade
