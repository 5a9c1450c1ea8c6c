#include "balena/status.h"

#include <gtest/gtest.h>

namespace bco::balena {
namespace {

using http::Method;

struct Row {
  int status;
  std::string body;
  ErrorCode code;
};

class Answers : public testing::TestWithParam<Row> {};

TEST_P(Answers, MeanWhatTheResearchMeasured) {
  const auto& [status, body, code] = GetParam();
  const Status judged = statusOf({status, {}, body}, Method::kGet, "reading", TimePoint{});
  ASSERT_FALSE(judged);
  EXPECT_EQ(judged.error().code, code);
  EXPECT_FALSE(judged.error().outcomeUnknown) << "a read has no outcome";
}

INSTANTIATE_TEST_SUITE_P(
    OfBalena, Answers,
    testing::Values(
        Row{400, "\"Environment variables RESIN, BALENA, USER are reserved\"", ErrorCode::kInvalid},
        Row{400, "\"Variable values cannot contain line break characters\"", ErrorCode::kInvalid},
        Row{400, "", ErrorCode::kInvalid}, Row{400, "<html>", ErrorCode::kInvalid},
        Row{401, "", ErrorCode::kUnauthenticated}, Row{403, "", ErrorCode::kForbidden},
        Row{404, "", ErrorCode::kInternal}, Row{408, "", ErrorCode::kDeadline},
        Row{409, "\"\\\"device\\\" and \\\"name\\\" must be unique.\"", ErrorCode::kAlreadyExists},
        Row{409, "\"\\\"device\\\" and \\\"service\\\" and \\\"name\\\" must be unique.\"",
            ErrorCode::kAlreadyExists},
        Row{409, "\"Data is referenced by device.\"", ErrorCode::kConflict},
        Row{409, "", ErrorCode::kConflict}, Row{413, "<html>", ErrorCode::kInvalid},
        Row{429, "\"Too Many Requests\"", ErrorCode::kThrottled},
        Row{431, "", ErrorCode::kInternal}, Row{500, "", ErrorCode::kInternal},
        Row{500, "\"Server error\"", ErrorCode::kUnavailable},
        Row{500, "\"Database error\"", ErrorCode::kUnavailable},
        Row{502, "<html>Bad Gateway</html>", ErrorCode::kUnavailable},
        Row{503, "", ErrorCode::kUnavailable}, Row{504, "", ErrorCode::kDeadline},
        Row{301, "", ErrorCode::kInternal}));

TEST(Answer, OfAnyTwoHundredIsFine) {
  EXPECT_TRUE(statusOf({200, {}, ""}, Method::kDelete, "removing", TimePoint{}));
  EXPECT_TRUE(statusOf({201, {}, "{}"}, Method::kPost, "writing", TimePoint{}));
}

TEST(Answer, LeavesAWritesOutcomeOpenOnlyWhenTheServerFailed) {
  for (const int status : {408, 500, 502, 503, 504}) {
    EXPECT_TRUE(
        statusOf({status, {}, ""}, Method::kPost, "writing", TimePoint{}).error().outcomeUnknown)
        << status;
  }
  for (const int status : {400, 401, 403, 404, 409, 413, 429}) {
    EXPECT_FALSE(
        statusOf({status, {}, ""}, Method::kPost, "writing", TimePoint{}).error().outcomeUnknown)
        << status;
  }
}

TEST(Answer, TellsHowLongToWait) {
  const TimePoint now = *parseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT");
  const auto waitOf = [&](std::string value) {
    return statusOf({429, {{"retry-after", std::move(value)}}, ""}, Method::kGet, "reading", now)
        .error()
        .retryAfter;
  };
  EXPECT_EQ(waitOf("7"), std::chrono::seconds(7));
  EXPECT_EQ(waitOf("Sun, 06 Nov 1994 08:50:07 GMT"), std::chrono::seconds(30));
  EXPECT_EQ(waitOf("Sun, 06 Nov 1994 08:00:00 GMT"), std::chrono::seconds(0));
  EXPECT_EQ(waitOf("soon"), std::nullopt);
  EXPECT_EQ(waitOf("-1"), std::nullopt);
}

TEST(Answer, IsNeverQuoted) {
  const Status status =
      statusOf({400, {}, "\"the-private-key\""}, Method::kPost, "writing GCP_PRIVATE_KEY", {});
  EXPECT_EQ(status.error().message,
            "writing GCP_PRIVATE_KEY: balena refuses the request as invalid (400)");
}

}  // namespace
}  // namespace bco::balena
