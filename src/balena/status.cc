#include "balena/status.h"

#include "core/retry_after.h"
#include "core/text.h"

namespace bco::balena {
namespace {

struct Meaning {
  ErrorCode code;
  std::string_view text;
};

Meaning meaningOf(const http::Response& response) {
  switch (response.status) {
    case 400:
    case 413:
      return {ErrorCode::kInvalid, "balena refuses the request as invalid"};
    case 401:
      return {ErrorCode::kUnauthenticated, "balena does not accept the token"};
    case 403:
      return {ErrorCode::kForbidden, "access to balena's API is forbidden"};
    case 404:
      return {ErrorCode::kInternal, "there is no API of balena's at this URL"};
    case 408:
    case 504:
      return {ErrorCode::kDeadline, "balena did not answer in time"};
    case 409:
      if (response.body.find("unique") != std::string::npos) {
        return {ErrorCode::kAlreadyExists, "it exists already"};
      }
      return {ErrorCode::kConflict, "its device or service is not there"};
    case 429:
      return {ErrorCode::kThrottled, "balena asks for fewer requests"};
    case 500:
      if (trim(response.body).empty()) {
        return {ErrorCode::kInternal, "balena can't process the query"};
      }
      break;
    default:
      break;
  }
  if (response.status >= 500) return {ErrorCode::kUnavailable, "balena's API is failing"};
  return {ErrorCode::kInternal, "balena gave an unexpected answer"};
}

}  // namespace

Status statusOf(const http::Response& response, http::Method method, std::string_view what,
                TimePoint now) {
  if (response.status >= 200 && response.status < 300) return {};
  const Meaning meaning = meaningOf(response);
  Error error{meaning.code, std::string(what) + ": " + std::string(meaning.text) + " (" +
                                std::to_string(response.status) + ")"};
  if (const auto wait = response.header("Retry-After"))
    error.retryAfter = parseRetryAfter(*wait, now);
  error.outcomeUnknown =
      method != http::Method::kGet && (response.status >= 500 || response.status == 408);
  return fail(std::move(error));
}

}  // namespace bco::balena
