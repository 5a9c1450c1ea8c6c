#include "core/retry_after.h"

#include <algorithm>
#include <charconv>

#include "core/text.h"

namespace bco {

std::optional<Duration> parseRetryAfter(std::string_view value, TimePoint now) {
  value = trim(value);
  unsigned seconds = 0;
  const char* end = value.data() + value.size();
  if (const auto [rest, error] = std::from_chars(value.data(), end, seconds);
      error == std::errc() && rest == end) {
    return std::chrono::seconds(seconds);
  }
  const auto date = parseHttpDate(value);
  if (!date) return std::nullopt;
  return std::max(*date - now, Duration::zero());
}

}  // namespace bco
