// Local times of the IANA time zones, from the system's TZif files (RFC 8536). <chrono> of GCC 12
// has no time zones yet, and the C library's are a process-wide setting.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"

namespace bco {

using LocalTime = std::chrono::local_time<Duration>;

// A rule such as "CET-1CEST,M3.5.0,M10.5.0/3": how the times go on after a file's last transition.
class ZoneRule {
 public:
  // The TZ string of POSIX, with the extensions of RFC 8536; nullopt when it is not one.
  [[nodiscard]] static std::optional<ZoneRule> parse(std::string_view text);
  // Local time less UTC.
  [[nodiscard]] Duration offsetAt(TimePoint time) const;

 private:
  friend class RuleParser;
  // A day of every year, and a time of it.
  struct YearlyDay {
    enum class Kind { kMonthWeekDay, kJulian, kDayOfYear } kind = Kind::kMonthWeekDay;
    int month = 0, week = 0, day = 0;
    Duration time = std::chrono::hours(2);
  };
  [[nodiscard]] static LocalTime dayOf(const YearlyDay& day, std::chrono::year year);

  Duration standard_{0};
  Duration daylight_{0};
  bool hasDaylight_ = false;
  YearlyDay begin_, end_;  // of daylight saving time
};

// Never changes; thread-safe.
class TimeZone {
 public:
  // UTC.
  TimeZone() = default;
  // A zone of the system's database: "Europe/Berlin". kNotFound: it has none of that name (is
  // tzdata installed?); kInvalid: not a name, or not a file of version 2 or later.
  [[nodiscard]] static Result<TimeZone> load(
      const std::string& name, const std::filesystem::path& database = "/usr/share/zoneinfo");
  [[nodiscard]] static Result<TimeZone> parse(std::string_view file);

  // Local time less UTC.
  [[nodiscard]] Duration offsetAt(TimePoint time) const;
  [[nodiscard]] LocalTime toLocal(TimePoint time) const;
  // The first instant at which clocks show `local`. Of a time that is skipped: the one they show
  // instead, as much later as is skipped.
  [[nodiscard]] TimePoint toUtc(LocalTime local) const;

 private:
  struct Transition {
    std::int64_t at = 0;  // seconds of UTC
    Duration offset{0};   // from then on
  };
  Duration first_{0};  // before the first transition
  std::vector<Transition> transitions_;
  std::optional<ZoneRule> rule_;  // after the last one
};

}  // namespace bco
