#include "clearblade/status.h"

#include <simdjson.h>

#include <algorithm>

#include "core/retry_after.h"
#include "core/text.h"

namespace bco::clearblade {
namespace {

constexpr std::size_t kLongestQuote = 200;

// {"error":{"code":409,"message":"…","status":"ALREADY_EXISTS"}}; empty for any other body.
struct Problem {
  bool isJson = false;
  std::string status;
  std::string message;
};

Problem problemOf(const std::string& body) {
  Problem problem;
  simdjson::dom::parser parser;
  simdjson::dom::object error;
  if (parser.parse(body)["error"].get(error) != simdjson::SUCCESS) return problem;
  problem.isJson = true;
  std::string_view text;
  if (error["status"].get(text) == simdjson::SUCCESS) problem.status = text;
  if (error["message"].get(text) == simdjson::SUCCESS) problem.message = text;
  return problem;
}

ErrorCode codeOf(int status, const Problem& problem) {
  switch (status) {
    case 400:
      return ErrorCode::kInvalid;
    case 401:
      return ErrorCode::kUnauthenticated;
    case 403:
      return ErrorCode::kForbidden;
    case 404:
      return problem.isJson ? ErrorCode::kNotFound : ErrorCode::kForbidden;
    case 408:
    case 499:
    case 504:
      return ErrorCode::kDeadline;
    case 409:
      return problem.status == "ALREADY_EXISTS" ? ErrorCode::kAlreadyExists : ErrorCode::kConflict;
    case 412:
      return ErrorCode::kConflict;
    case 429:
      return ErrorCode::kThrottled;
    case 501:
      return ErrorCode::kInternal;
    default:
      return status >= 500 ? ErrorCode::kUnavailable : ErrorCode::kInternal;
  }
}

std::string quoteOf(std::string text, const SecretBytes& token) {
  if (!token.empty() && text.find(token.reveal()) != std::string::npos) return "";
  if (text.size() > kLongestQuote) text.resize(kLongestQuote);
  std::ranges::replace_if(
      text, [](char c) { return c < ' ' || c > '~'; }, ' ');
  return text;
}

}  // namespace

Status statusOf(const http::Response& response, http::Method method, std::string_view what,
                TimePoint now, const SecretBytes& token) {
  const int status = response.status;
  if (status >= 200 && status < 300) return {};
  const Problem problem = problemOf(response.body);
  Error error{codeOf(status, problem),
              std::string(what) + ": ClearBlade answers " + std::to_string(status)};
  if (!problem.status.empty()) error.message += ' ' + quoteOf(problem.status, token);
  if (!problem.message.empty()) error.message += ": " + quoteOf(problem.message, token);
  if (const auto wait = response.header("Retry-After"))
    error.retryAfter = parseRetryAfter(*wait, now);
  error.outcomeUnknown =
      method != http::Method::kGet && (status >= 500 || status == 408 || status == 499);
  return fail(std::move(error));
}

bool refusesAccess(const http::Response& response) {
  return response.status == 401 || response.status == 403 ||
         (response.status == 404 && !problemOf(response.body).isJson);
}

}  // namespace bco::clearblade
