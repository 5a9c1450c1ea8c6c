// ClearBlade's answers: JSON bodies and its one shape of errors.
#pragma once

#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "server/http_server.h"

namespace bco::sandbox {

// A refusal: HTTP status and google.rpc name, as in {"error":{"code","message","status"}}.
struct Problem {
  int code;
  std::string_view status;
  std::string message;
};

template <class T>
using Outcome = tl::expected<T, Problem>;

[[nodiscard]] inline tl::unexpected<Problem> refuse(int code, std::string_view status,
                                                    std::string message) {
  return tl::unexpected<Problem>(Problem{code, status, std::move(message)});
}
[[nodiscard]] inline tl::unexpected<Problem> invalidArgument(std::string message) {
  return refuse(400, "INVALID_ARGUMENT", std::move(message));
}
[[nodiscard]] inline tl::unexpected<Problem> failedPrecondition(std::string message) {
  return refuse(400, "FAILED_PRECONDITION", std::move(message));
}
[[nodiscard]] inline tl::unexpected<Problem> notFound(std::string message) {
  return refuse(404, "NOT_FOUND", std::move(message));
}

// The status of a refusal after which the connection has to be closed: the body was no JSON, so
// what follows on the connection may be the rest of it (Node's SDK counts characters, not bytes).
// It is shown as INVALID_ARGUMENT.
inline constexpr std::string_view kMalformed = "MALFORMED";

[[nodiscard]] server::Reply jsonReply(int status, std::string body);
[[nodiscard]] server::Reply problemReply(const Problem& problem);
[[nodiscard]] server::Reply textReply(int status, std::string body);
[[nodiscard]] server::Reply bareReply(int status);

}  // namespace bco::sandbox
