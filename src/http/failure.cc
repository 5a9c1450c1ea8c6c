#include "http/failure.h"

#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace bco::http {

namespace {

constexpr std::string_view kHandshake = "Error in SSL handshake";

// The texts of the failures before the first byte of the request, in the library's source
// (http_client_asio.cpp of 2.10.18, which has been final since 2021).
constexpr std::array<std::string_view, 8> kBeforeTheFirstByte = {
    "Error resolving address",
    "Failed to connect to any resolved endpoint",
    kHandshake,
    "Error resolving proxy address",
    "Failed to connect to any resolved proxy endpoint",
    "Failed to send connect request to proxy.",
    "Expected a 200 response from proxy",
    "Failed to read HTTP status line from proxy",
};

}  // namespace

Error failureOf(std::string_view text, int value, std::string_view refusal) {
  Error error{ErrorCode::kUnavailable, std::string(text)};
  error.outcomeUnknown = std::none_of(kBeforeTheFirstByte.begin(), kBeforeTheFirstByte.end(),
                                      [text](auto start) { return text.starts_with(start); });
  if (value == ETIMEDOUT) {
    error.code = ErrorCode::kDeadline;
    error.message += ": timed out";
  } else if (text == kHandshake) {
    const char* const reason = ERR_reason_error_string(static_cast<unsigned long>(value));
    if (reason != nullptr) error.message += std::string(": ") + reason;
    if (!refusal.empty() && error.message.find("certificate") != std::string::npos) {
      error.message += " (" + std::string(refusal) + ")";
    }
  } else if (text.starts_with("Invalid ") &&
             text != "Invalid HTTP status line during proxy connection") {
    error.code = ErrorCode::kInternal;
  }
  return error;
}

}  // namespace bco::http
