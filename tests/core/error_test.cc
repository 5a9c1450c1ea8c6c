#include "core/error.h"

#include <gtest/gtest.h>

#include <set>

#include "core/result.h"

namespace bco {
namespace {

using namespace std::chrono_literals;

constexpr ErrorCode kLast = ErrorCode::kInternal;

TEST(ErrorTraits, NameEveryCodeOnce) {
  std::set<std::string_view> labels;
  std::set<std::string_view> reasons;
  for (int code = 0; code <= static_cast<int>(kLast); ++code) {
    const ErrorTraits& traits = traitsOf(static_cast<ErrorCode>(code));
    EXPECT_TRUE(labels.insert(traits.label).second) << traits.label;
    EXPECT_TRUE(reasons.insert(traits.reason).second) << traits.reason;
    // Prometheus label values and condition reasons, as Kubernetes checks them.
    EXPECT_EQ(traits.label.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string::npos);
    EXPECT_TRUE(traits.reason[0] >= 'A' && traits.reason[0] <= 'Z') << traits.reason;
  }
}

TEST(ErrorTraits, StandInTheOrderOfTheCodes) {
  EXPECT_EQ(traitsOf(ErrorCode::kNotFound).label, "not_found");
  EXPECT_EQ(traitsOf(ErrorCode::kAlreadyExists).label, "already_exists");
  EXPECT_EQ(traitsOf(ErrorCode::kConflict).label, "conflict");
  EXPECT_EQ(traitsOf(ErrorCode::kInvalid).label, "invalid");
  EXPECT_EQ(traitsOf(ErrorCode::kUnauthenticated).label, "unauthenticated");
  EXPECT_EQ(traitsOf(ErrorCode::kForbidden).label, "forbidden");
  EXPECT_EQ(traitsOf(ErrorCode::kThrottled).label, "throttled");
  EXPECT_EQ(traitsOf(ErrorCode::kUnavailable).label, "unavailable");
  EXPECT_EQ(traitsOf(ErrorCode::kDeadline).label, "deadline");
  EXPECT_EQ(traitsOf(ErrorCode::kGone).label, "gone");
  EXPECT_EQ(traitsOf(ErrorCode::kInternal).label, "internal");
}

TEST(ErrorTraits, CallFinalOnlyWhatNobodyCanRepeatAway) {
  for (int code = 0; code <= static_cast<int>(kLast); ++code) {
    const auto value = static_cast<ErrorCode>(code);
    const bool final = value == ErrorCode::kNotFound || value == ErrorCode::kInvalid ||
                       value == ErrorCode::kUnauthenticated || value == ErrorCode::kForbidden;
    EXPECT_EQ(traitsOf(value).transient, !final) << traitsOf(value).label;
  }
}

TEST(ErrorTraits, SayWhatIsTheCause) {
  const auto causeOf = [](ErrorCode code) { return traitsOf(code).cause; };
  for (const auto code : {ErrorCode::kNotFound, ErrorCode::kAlreadyExists, ErrorCode::kConflict}) {
    EXPECT_EQ(causeOf(code), Cause::kOutdated) << traitsOf(code).label;
  }
  for (const auto code : {ErrorCode::kUnavailable, ErrorCode::kDeadline}) {
    EXPECT_EQ(causeOf(code), Cause::kOutage) << traitsOf(code).label;
  }
  EXPECT_EQ(causeOf(ErrorCode::kThrottled), Cause::kTurn);
  EXPECT_EQ(causeOf(ErrorCode::kUnauthenticated), Cause::kAccess);
  EXPECT_EQ(causeOf(ErrorCode::kInvalid), Cause::kRequest);
}

TEST(WithContext, ChangesTheMessageAlone) {
  const Error error{ErrorCode::kThrottled, "too many calls", 5s, true};
  const Error wrapped = withContext(error, "balena");
  EXPECT_EQ(wrapped.message, "balena: too many calls");
  EXPECT_EQ(wrapped.code, ErrorCode::kThrottled);
  EXPECT_EQ(wrapped.retryAfter, Duration(5s));
  EXPECT_TRUE(wrapped.outcomeUnknown);
}

TEST(Fail, MakesAResultOfAnyType) {
  const Result<int> number = fail(ErrorCode::kInvalid, "no number");
  ASSERT_FALSE(number);
  EXPECT_EQ(number.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(number.error().message, "no number");
  EXPECT_FALSE(number.error().outcomeUnknown);
  EXPECT_FALSE(number.error().retryAfter);
  const Status status = fail(withContext(number.error(), "input"));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "input: no number");
}

}  // namespace
}  // namespace bco
