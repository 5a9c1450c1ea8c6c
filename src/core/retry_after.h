// How long a server asks to wait: the Retry-After header (RFC 9110, 10.2.3).
#pragma once

#include <optional>
#include <string_view>

#include "core/time.h"

namespace bco {

// Seconds, or a date to count from `now` to (zero when past). nullopt when it is neither.
[[nodiscard]] std::optional<Duration> parseRetryAfter(std::string_view value, TimePoint now);

}  // namespace bco
