// What the HTTP library's failures mean.
#pragma once

#include <string_view>

#include "core/error.h"

namespace bco::http {

// `text` and `value` are an http_exception's what() and error_code().value(); `refusal` is why the
// peer's certificate was refused, if it was. outcomeUnknown is set unless it is certain that no
// byte of the request was sent. The message names neither headers nor bodies.
[[nodiscard]] Error failureOf(std::string_view text, int value, std::string_view refusal);

}  // namespace bco::http
