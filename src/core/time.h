// Points in time and durations, and the texts the clouds and our YAML write them in.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace bco {

using Duration = std::chrono::milliseconds;
// Wall-clock time, UTC.
using TimePoint = std::chrono::sys_time<Duration>;
// Monotonic time: for deadlines and waits, never shown to anyone.
using SteadyPoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;

// "2026-11-23T07:00:00Z", with ".123" only when there are milliseconds.
[[nodiscard]] std::string formatRfc3339(TimePoint time);
// Any RFC 3339 time with 0 to 9 fractional digits and an offset; nullopt when it is not one.
[[nodiscard]] std::optional<TimePoint> parseRfc3339(std::string_view text);
// RFC 9110 IMF-fixdate, as in the Date and Retry-After headers.
[[nodiscard]] std::optional<TimePoint> parseHttpDate(std::string_view text);
[[nodiscard]] std::string formatHttpDate(TimePoint time);

// Go's duration syntax without days: "2160h", "1h30m", "250ms". nullopt when it is not one, is
// negative or does not fit.
[[nodiscard]] std::optional<Duration> parseDuration(std::string_view text);
// The shortest text that parseDuration() reads back: "1h30m", "250ms", "0s".
[[nodiscard]] std::string formatDuration(Duration duration);

}  // namespace bco
