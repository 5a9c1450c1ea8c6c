#include "kube/status.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "core/retry_after.h"
#include "kube/json.h"

namespace bco::kube {
namespace {

struct Reason {
  std::string_view name;
  ErrorCode code;
};

constexpr std::array<Reason, 19> kReasons = {{
    {"NotFound", ErrorCode::kNotFound},
    {"AlreadyExists", ErrorCode::kAlreadyExists},
    {"Conflict", ErrorCode::kConflict},
    {"Gone", ErrorCode::kGone},
    {"Expired", ErrorCode::kGone},
    {"Invalid", ErrorCode::kInvalid},
    {"BadRequest", ErrorCode::kInvalid},
    {"MethodNotAllowed", ErrorCode::kInvalid},
    {"NotAcceptable", ErrorCode::kInvalid},
    {"UnsupportedMediaType", ErrorCode::kInvalid},
    {"RequestEntityTooLarge", ErrorCode::kInvalid},
    {"Unauthorized", ErrorCode::kUnauthenticated},
    {"Forbidden", ErrorCode::kForbidden},
    {"TooManyRequests", ErrorCode::kThrottled},
    {"Timeout", ErrorCode::kUnavailable},
    {"ServerTimeout", ErrorCode::kUnavailable},
    {"InternalError", ErrorCode::kUnavailable},
    {"ServiceUnavailable", ErrorCode::kUnavailable},
    {"StorageReadError", ErrorCode::kUnavailable},
}};

// `fromServer`: it is the API server's answer, not that of a proxy before it.
ErrorCode codeOf(int status, bool fromServer) {
  switch (status) {
    case 400:
    case 405:
    case 406:
    case 413:
    case 415:
    case 422:
      return ErrorCode::kInvalid;
    case 401:
      return ErrorCode::kUnauthenticated;
    case 403:
      return ErrorCode::kForbidden;
    case 404:
      return fromServer ? ErrorCode::kNotFound : ErrorCode::kInternal;
    case 408:
      return ErrorCode::kUnavailable;
    case 409:
      return ErrorCode::kConflict;
    case 410:
      return ErrorCode::kGone;
    case 429:
      return ErrorCode::kThrottled;
    default:
      return status >= 500 ? ErrorCode::kUnavailable : ErrorCode::kInternal;
  }
}

ErrorCode codeOf(const StatusBody& body, int status) {
  if (body.versionTooLarge) return ErrorCode::kGone;
  if (body.uidDiffers) return ErrorCode::kConflict;
  const auto* const known = std::ranges::find(kReasons, body.reason, &Reason::name);
  return known == kReasons.end() ? codeOf(status, true) : known->code;
}

std::string_view textOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotFound:
      return "it is not there, or the API server does not know its kind";
    case ErrorCode::kAlreadyExists:
      return "it exists already";
    case ErrorCode::kConflict:
      return "it was changed meanwhile, or is another object of that name";
    case ErrorCode::kGone:
      return "the version asked for is no longer kept";
    case ErrorCode::kInvalid:
      return "the API server refuses it as invalid";
    case ErrorCode::kUnauthenticated:
      return "the API server does not accept our credentials";
    case ErrorCode::kForbidden:
      return "our service account has no right to it";
    case ErrorCode::kThrottled:
      return "the API server asks for fewer requests";
    case ErrorCode::kUnavailable:
      return "the API server is failing";
    default:
      return "the answer is not that of a Kubernetes API server";
  }
}

Error errorOf(const std::optional<StatusBody>& body, int status, std::string_view what, Quote quote,
              bool fromServer) {
  Error error;
  error.code = body ? codeOf(*body, status) : codeOf(status, fromServer);
  error.message = std::string(what) + ": ";
  const bool quoted = quote == Quote::kYes && body && !body->message.empty();
  error.message += quoted ? std::string_view(body->message) : textOf(error.code);
  error.message += " (" + std::to_string(status) + ")";
  if (body) error.retryAfter = body->retryAfter;
  if (body && body->namespaceEnds) error.reason = kNamespaceTerminating;
  return error;
}

}  // namespace

Status statusOf(const http::Response& response, http::Method method, std::string_view what,
                Quote quote, TimePoint now) {
  if (response.status >= 200 && response.status < 300) return {};
  const bool fromServer = response.header("Audit-Id").has_value();
  Error error = errorOf(parseStatus(response.body), response.status, what, quote, fromServer);
  if (const auto wait = response.header("Retry-After")) {
    error.retryAfter = parseRetryAfter(*wait, now);
  }
  error.outcomeUnknown =
      method != http::Method::kGet && (response.status >= 500 || response.status == 408);
  return fail(std::move(error));
}

Error errorOfEvent(std::string_view json, std::string_view what) {
  const auto body = parseStatus(json);
  return errorOf(body, body ? body->code : 0, what, Quote::kYes, true);
}

}  // namespace bco::kube
