#include "core/time.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>

namespace bco {
namespace {

using std::chrono::day;
using std::chrono::month;
using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month_day;

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

// Takes exactly `count` digits off the front of `text`.
std::optional<int> takeDigits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool takeChar(std::string_view& text, char expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<TimePoint> fromParts(int y, int m, int d, int hour, int minute, int second) {
  const year_month_day date(year{y}, month{static_cast<unsigned>(m)},
                            day{static_cast<unsigned>(d)});
  // 60 is a leap second, which counts as the next minute's first.
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

struct Parts {
  year_month_day date;
  std::chrono::hh_mm_ss<Duration> clock;
};

Parts partsOf(TimePoint time) {
  const auto midnight = std::chrono::floor<std::chrono::days>(time);
  return {year_month_day(midnight), std::chrono::hh_mm_ss<Duration>(time - midnight)};
}

}  // namespace

std::string formatRfc3339(TimePoint time) {
  const Parts parts = partsOf(time);
  char text[48];
  int size = std::snprintf(
      text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(parts.date.year()),
      static_cast<unsigned>(parts.date.month()), static_cast<unsigned>(parts.date.day()),
      static_cast<int>(parts.clock.hours().count()),
      static_cast<int>(parts.clock.minutes().count()),
      static_cast<int>(parts.clock.seconds().count()));
  std::string result(text, static_cast<std::size_t>(size));
  if (const auto fraction = parts.clock.subseconds().count(); fraction != 0) {
    size = std::snprintf(text, sizeof text, ".%03d", static_cast<int>(fraction));
    result.append(text, static_cast<std::size_t>(size));
  }
  return result + "Z";
}

std::optional<TimePoint> parseRfc3339(std::string_view text) {
  const auto y = takeDigits(text, 4);
  if (!y || !takeChar(text, '-')) return std::nullopt;
  const auto m = takeDigits(text, 2);
  if (!m || !takeChar(text, '-')) return std::nullopt;
  const auto d = takeDigits(text, 2);
  if (!d || (!takeChar(text, 'T') && !takeChar(text, 't'))) return std::nullopt;
  const auto hour = takeDigits(text, 2);
  if (!hour || !takeChar(text, ':')) return std::nullopt;
  const auto minute = takeDigits(text, 2);
  if (!minute || !takeChar(text, ':')) return std::nullopt;
  const auto second = takeDigits(text, 2);
  if (!second) return std::nullopt;

  Duration fraction{0};
  if (takeChar(text, '.')) {
    int scale = 100;
    std::size_t digits = 0;
    while (const auto digit = takeDigits(text, 1)) {
      fraction += Duration(*digit * scale);
      scale /= 10;
      ++digits;
    }
    if (digits == 0 || digits > 9) return std::nullopt;
  }

  Duration offset{0};
  if (!takeChar(text, 'Z') && !takeChar(text, 'z')) {
    const bool behind = takeChar(text, '-');
    if (!behind && !takeChar(text, '+')) return std::nullopt;
    const auto hours = takeDigits(text, 2);
    if (!hours || *hours > 23 || !takeChar(text, ':')) return std::nullopt;
    const auto minutes = takeDigits(text, 2);
    if (!minutes || *minutes > 59) return std::nullopt;
    offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
    if (behind) offset = -offset;
  }
  if (!text.empty()) return std::nullopt;
  const auto local = fromParts(*y, *m, *d, *hour, *minute, *second);
  if (!local) return std::nullopt;
  return *local + fraction - offset;
}

std::optional<TimePoint> parseHttpDate(std::string_view text) {
  // "Sun, 06 Nov 1994 08:49:37 GMT"
  if (text.size() != 29 || !text.ends_with(" GMT")) return std::nullopt;
  text.remove_prefix(3);
  if (!takeChar(text, ',') || !takeChar(text, ' ')) return std::nullopt;
  const auto d = takeDigits(text, 2);
  if (!d || !takeChar(text, ' ')) return std::nullopt;
  int m = 0;
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    if (text.starts_with(kMonths[i])) m = static_cast<int>(i) + 1;
  }
  if (m == 0) return std::nullopt;
  text.remove_prefix(3);
  if (!takeChar(text, ' ')) return std::nullopt;
  const auto y = takeDigits(text, 4);
  if (!y || !takeChar(text, ' ')) return std::nullopt;
  const auto hour = takeDigits(text, 2);
  if (!hour || !takeChar(text, ':')) return std::nullopt;
  const auto minute = takeDigits(text, 2);
  if (!minute || !takeChar(text, ':')) return std::nullopt;
  const auto second = takeDigits(text, 2);
  if (!second) return std::nullopt;
  return fromParts(*y, m, *d, *hour, *minute, *second);
}

std::string formatHttpDate(TimePoint time) {
  const Parts parts = partsOf(time);
  const std::chrono::weekday weekday{sys_days(parts.date)};
  char text[48];
  const int size = std::snprintf(
      text, sizeof text, "%s, %02u %s %04d %02d:%02d:%02d GMT", kDays[weekday.c_encoding()].data(),
      static_cast<unsigned>(parts.date.day()),
      kMonths[static_cast<unsigned>(parts.date.month()) - 1].data(),
      static_cast<int>(parts.date.year()), static_cast<int>(parts.clock.hours().count()),
      static_cast<int>(parts.clock.minutes().count()),
      static_cast<int>(parts.clock.seconds().count()));
  return {text, static_cast<std::size_t>(size)};
}

std::optional<Duration> parseDuration(std::string_view text) {
  if (text == "0") return Duration::zero();
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    double number = 0;
    if (text.front() != '.' && (text.front() < '0' || text.front() > '9')) return std::nullopt;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    double unit = 0;
    if (text.starts_with("ms")) {
      unit = 1;
      text.remove_prefix(2);
    } else if (text.starts_with("h")) {
      unit = 3600000;
      text.remove_prefix(1);
    } else if (text.starts_with("m")) {
      unit = 60000;
      text.remove_prefix(1);
    } else if (text.starts_with("s")) {
      unit = 1000;
      text.remove_prefix(1);
    } else {
      return std::nullopt;
    }
    total += number * unit;
  }
  // Go's own range: 290 years.
  if (total > 9.2e12) return std::nullopt;
  // Rounded: "1.001s" is a hair less than 1001 ms in binary.
  return Duration(std::llround(total));
}

std::string formatDuration(Duration duration) {
  if (duration == Duration::zero()) return "0s";
  std::string text;
  auto rest = duration.count();
  if (rest < 0) {
    text += '-';
    rest = -rest;
  }
  const auto take = [&](Duration::rep unit, std::string_view name) {
    if (const auto count = rest / unit; count != 0) {
      text += std::to_string(count);
      text += name;
      rest %= unit;
    }
  };
  take(3600000, "h");
  take(60000, "m");
  take(1000, "s");
  take(1, "ms");
  return text;
}

}  // namespace bco
