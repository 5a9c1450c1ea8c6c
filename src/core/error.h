// The closed set of things that can go wrong, and what each means to the rest of the program.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/time.h"

namespace bco {

enum class ErrorCode {
  kNotFound,         // the thing addressed is not there (balena says so with 200 and an empty list)
  kAlreadyExists,    // a unique key is taken: an observation, not a failure
  kConflict,         // somebody changed it meanwhile, or its parent is not there
  kInvalid,          // the request or the input is wrong; repeating it is useless
  kUnauthenticated,  // the credential is not accepted
  kForbidden,        // the credential is accepted but may not do this
  kThrottled,        // too many calls: ours (limiter) or theirs (429)
  kUnavailable,      // the other side or the way to it is failing
  kDeadline,         // no answer in time
  kGone,             // a version or page token is no longer served
  kInternal,         // an answer we can't understand, or a defect of ours
};

// What went wrong, in words for a person. `message` never holds a secret or a body of an answer to
// a request that carried one.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  // How long the other side, or our own limiter, asks to wait.
  std::optional<Duration> retryAfter = std::nullopt;
  // The call was a write and it may or may not have taken effect: observe before deciding anything.
  bool outcomeUnknown = false;
  // kInternal because the answer has more bytes than we take: asking for less may help.
  bool answerTooLarge = false;
  // The condition's reason where the table's says too little; a literal.
  std::string_view reason = {};
};

// What an error says of the rest of the world.
enum class Cause {
  kOutdated,  // what was read is no longer so: looking again, at once, sees what is
  kTurn,      // our turn has not come
  kOutage,    // the other side, or the way to it, is not there
  kAccess,    // our credential
  kRequest,   // what was asked for, or the answer
};

// One row of the table that says what an error leads to.
struct ErrorTraits {
  std::string_view label;   // metric label and log field: "not_found"
  std::string_view reason;  // reason of the condition: "NotFound"
  Cause cause;              // decides phase, first repetition, breaker and loudness
  bool transient;           // worth repeating later without anybody changing anything
};
[[nodiscard]] const ErrorTraits& traitsOf(ErrorCode code);
// What a condition says of it: its own reason, else the table's.
[[nodiscard]] inline std::string_view reasonOf(const Error& error) {
  return error.reason.empty() ? traitsOf(error.code).reason : error.reason;
}

// The same error with "context: " before its message.
[[nodiscard]] Error withContext(Error error, std::string_view context);

}  // namespace bco
