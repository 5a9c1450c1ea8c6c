#include "kube/status.h"

#include <gmock/gmock.h>

#include "tests/support/fake_clock.h"

namespace bco::kube {
namespace {

using http::Method;
using testing::HasSubstr;
using testing::Not;

std::string bodyOf(const std::string& reason, int code) {
  return R"({"kind":"Status","status":"Failure","message":"words of the server","reason":")" +
         reason + R"(","code":)" + std::to_string(code) + "}";
}

Error refusal(int status, const std::string& body, Method method = Method::kGet,
              Quote quote = Quote::kYes, http::Headers headers = {}) {
  const auto result = statusOf({.status = status, .headers = std::move(headers), .body = body},
                               method, "reading x", quote, test::FakeClock().now());
  EXPECT_FALSE(result) << status;
  return result ? Error{} : result.error();
}

TEST(KubeStatus, IsOkFor2xx) {
  for (const int status : {200, 201, 202}) {
    EXPECT_TRUE(statusOf({.status = status}, Method::kGet, "x", Quote::kYes, {}));
  }
}

TEST(KubeStatus, IsToldByTheReason) {
  const std::vector<std::tuple<std::string, int, ErrorCode>> cases = {
      {"NotFound", 404, ErrorCode::kNotFound},
      {"AlreadyExists", 409, ErrorCode::kAlreadyExists},
      {"Conflict", 409, ErrorCode::kConflict},
      {"Gone", 410, ErrorCode::kGone},
      {"Expired", 410, ErrorCode::kGone},
      {"Invalid", 422, ErrorCode::kInvalid},
      {"BadRequest", 400, ErrorCode::kInvalid},
      {"MethodNotAllowed", 405, ErrorCode::kInvalid},
      {"NotAcceptable", 406, ErrorCode::kInvalid},
      {"UnsupportedMediaType", 415, ErrorCode::kInvalid},
      {"RequestEntityTooLarge", 413, ErrorCode::kInvalid},
      {"Unauthorized", 401, ErrorCode::kUnauthenticated},
      {"Forbidden", 403, ErrorCode::kForbidden},
      {"TooManyRequests", 429, ErrorCode::kThrottled},
      {"Timeout", 504, ErrorCode::kUnavailable},
      {"ServerTimeout", 500, ErrorCode::kUnavailable},
      {"InternalError", 500, ErrorCode::kUnavailable},
      {"ServiceUnavailable", 503, ErrorCode::kUnavailable},
      {"StorageReadError", 500, ErrorCode::kUnavailable},
  };
  for (const auto& [reason, status, code] : cases) {
    EXPECT_EQ(refusal(status, bodyOf(reason, status)).code, code) << reason;
    EXPECT_EQ(refusal(599, bodyOf(reason, status)).code, code) << reason << " decides";
  }
}

TEST(KubeStatus, IsToldByTheCodeWithoutAReasonWeKnow) {
  const std::vector<std::pair<int, ErrorCode>> cases = {
      {400, ErrorCode::kInvalid},     {401, ErrorCode::kUnauthenticated},
      {403, ErrorCode::kForbidden},   {404, ErrorCode::kNotFound},
      {405, ErrorCode::kInvalid},     {406, ErrorCode::kInvalid},
      {408, ErrorCode::kUnavailable}, {409, ErrorCode::kConflict},
      {410, ErrorCode::kGone},        {413, ErrorCode::kInvalid},
      {415, ErrorCode::kInvalid},     {418, ErrorCode::kInternal},
      {422, ErrorCode::kInvalid},     {429, ErrorCode::kThrottled},
      {500, ErrorCode::kUnavailable}, {502, ErrorCode::kUnavailable},
      {504, ErrorCode::kUnavailable}, {302, ErrorCode::kInternal},
  };
  for (const auto& [status, code] : cases) {
    EXPECT_EQ(refusal(status, bodyOf("because the webhook says so", status)).code, code) << status;
    if (status == 404) continue;
    EXPECT_EQ(refusal(status, "<html>").code, code) << status;
  }
}

TEST(KubeStatus, DoesNotTakeAProxysPageForAnObjectThatIsNotThere) {
  const Error error = refusal(404, "<html>not found</html>");
  EXPECT_EQ(error.code, ErrorCode::kInternal);
  EXPECT_EQ(error.message, "reading x: the answer is not that of a Kubernetes API server (404)");
}

TEST(KubeStatus, TakesTheApiServersWordThatItDoesNotServeAKind) {
  const Error error =
      refusal(404, "404 page not found\n", Method::kGet, Quote::kYes, {{"Audit-Id", "a-b"}});
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_EQ(error.message,
            "reading x: it is not there, or the API server does not know its kind (404)");
}

TEST(KubeStatus, SaysConflictWhenTheNameBelongsToAnotherObject) {
  EXPECT_EQ(
      refusal(422, R"({"kind":"Status","reason":"Invalid","code":422,"details":{"causes":[)"
                   R"({"reason":"FieldValueInvalid","message":"m","field":"metadata.uid"}]}})")
          .code,
      ErrorCode::kConflict);
}

TEST(KubeStatus, TellsANamespaceThatEndsFromARightThatIsMissing) {
  const Error ending = refusal(
      403, R"({"kind":"Status","reason":"Forbidden","code":403,"details":{"causes":[)"
           R"({"reason":"NamespaceTerminating","message":"m","field":"metadata.namespace"}]}})");
  EXPECT_EQ(ending.code, ErrorCode::kForbidden);
  EXPECT_EQ(ending.reason, "NamespaceTerminating");
  EXPECT_EQ(refusal(403, bodyOf("Forbidden", 403)).reason, "");
}

TEST(KubeStatus, SaysGoneForAVersionFromTheFuture) {
  EXPECT_EQ(refusal(504, R"({"kind":"Status","reason":"Timeout","code":504,"details":{"causes":[)"
                         R"({"reason":"ResourceVersionTooLarge","message":"m"}]}})")
                .code,
            ErrorCode::kGone);
}

TEST(KubeStatus, KeepsTheServersWordsUnlessTheyMayQuoteASecret) {
  EXPECT_EQ(refusal(403, bodyOf("Forbidden", 403)).message, "reading x: words of the server (403)");
  EXPECT_EQ(refusal(403, bodyOf("Forbidden", 403), Method::kGet, Quote::kNo).message,
            "reading x: our service account has no right to it (403)");
  EXPECT_THAT(refusal(502, "<html>proxy</html>").message, Not(HasSubstr("proxy")));
}

TEST(KubeStatus, TellsHowLongToWait) {
  const std::string body =
      R"({"kind":"Status","reason":"TooManyRequests","details":{"retryAfterSeconds":3},"code":429})";
  EXPECT_EQ(refusal(429, body).retryAfter, Duration(3000));
  EXPECT_EQ(refusal(429, body, Method::kGet, Quote::kYes, {{"Retry-After", "5"}}).retryAfter,
            Duration(5000));
  EXPECT_EQ(refusal(429, "").retryAfter, std::nullopt);
}

TEST(KubeStatus, LeavesTheOutcomeOfAFailedWriteOpen) {
  EXPECT_TRUE(refusal(500, "", Method::kPut).outcomeUnknown);
  EXPECT_TRUE(refusal(504, bodyOf("Timeout", 504), Method::kPatch).outcomeUnknown);
  EXPECT_TRUE(refusal(408, "", Method::kPost).outcomeUnknown);
  EXPECT_FALSE(refusal(500, "").outcomeUnknown);
  EXPECT_FALSE(refusal(429, "", Method::kPost).outcomeUnknown);
  EXPECT_FALSE(refusal(409, bodyOf("Conflict", 409), Method::kPut).outcomeUnknown);
}

TEST(KubeStatus, IsAlsoThatOfAnEvent) {
  const Error gone = errorOfEvent(bodyOf("Expired", 410), "watching x");
  EXPECT_EQ(gone.code, ErrorCode::kGone);
  EXPECT_EQ(gone.message, "watching x: words of the server (410)");
  EXPECT_EQ(errorOfEvent("{}", "watching x").code, ErrorCode::kInternal);
}

}  // namespace
}  // namespace bco::kube
