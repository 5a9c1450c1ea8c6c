#include <cctype>

#include "core/time_zone.h"

namespace bco {

// Reads a rule from left to right; every part says whether it was there.
class RuleParser {
 public:
  explicit RuleParser(std::string_view text) : rest_(text) {}

  std::optional<ZoneRule> parse() {
    ZoneRule rule;
    if (!name() || !time(rule.standard_)) return std::nullopt;
    rule.standard_ = -rule.standard_;  // POSIX counts westwards
    if (rest_.empty()) return rule;
    if (!name()) return std::nullopt;
    rule.hasDaylight_ = true;
    rule.daylight_ = rule.standard_ + std::chrono::hours(1);
    if (!rest_.empty() && rest_.front() != ',') {
      if (!time(rule.daylight_)) return std::nullopt;
      rule.daylight_ = -rule.daylight_;
    }
    if (!yearlyDay(rule.begin_) || !yearlyDay(rule.end_) || !rest_.empty()) return std::nullopt;
    return rule;
  }

 private:
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // "CET" or "<+03>".
  bool name() {
    const bool isQuoted = take('<');
    std::size_t length = 0;
    while (length < rest_.size() && rest_[length] != '>' &&
           (isQuoted || std::isalpha(static_cast<unsigned char>(rest_[length])) != 0)) {
      ++length;
    }
    rest_.remove_prefix(length);
    return length >= 3 && (!isQuoted || take('>'));
  }

  bool number(int& value, int least, int most) {
    std::size_t digits = 0;
    value = 0;
    while (digits < 3 && digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9') {
      value = value * 10 + (rest_[digits++] - '0');
    }
    rest_.remove_prefix(digits);
    return digits > 0 && value >= least && value <= most;
  }

  // [+-]h[:m[:s]]
  bool time(Duration& value) {
    const bool isNegative = take('-');
    if (!isNegative) take('+');
    int h = 0, m = 0, s = 0;
    if (!number(h, 0, 167)) return false;
    if (take(':') && !number(m, 0, 59)) return false;
    if (take(':') && !number(s, 0, 59)) return false;
    value = std::chrono::hours(h) + std::chrono::minutes(m) + std::chrono::seconds(s);
    if (isNegative) value = -value;
    return true;
  }

  // ",M3.5.0/2", ",J60" or ",59"
  bool yearlyDay(ZoneRule::YearlyDay& day) {
    using Kind = ZoneRule::YearlyDay::Kind;
    if (!take(',')) return false;
    if (take('M')) {
      day.kind = Kind::kMonthWeekDay;
      if (!number(day.month, 1, 12) || !take('.') || !number(day.week, 1, 5) || !take('.') ||
          !number(day.day, 0, 6)) {
        return false;
      }
    } else {
      day.kind = take('J') ? Kind::kJulian : Kind::kDayOfYear;
      if (!number(day.day, day.kind == Kind::kJulian ? 1 : 0, 365)) return false;
    }
    return !take('/') || time(day.time);
  }

  std::string_view rest_;
};

std::optional<ZoneRule> ZoneRule::parse(std::string_view text) { return RuleParser(text).parse(); }

LocalTime ZoneRule::dayOf(const YearlyDay& day, std::chrono::year inYear) {
  const std::chrono::local_days newYear{inYear / 1 / 1};
  switch (day.kind) {
    case YearlyDay::Kind::kMonthWeekDay: {
      const auto month = inYear / std::chrono::month(static_cast<unsigned>(day.month));
      const std::chrono::weekday weekday(static_cast<unsigned>(day.day));
      const std::chrono::local_days date =
          day.week == 5 ? std::chrono::local_days(month / weekday[std::chrono::last])
                        : std::chrono::local_days(month / weekday[static_cast<unsigned>(day.week)]);
      return date + day.time;
    }
    case YearlyDay::Kind::kJulian:  // 29 February is not counted
      return newYear +
             std::chrono::days(day.day - 1 + (inYear.is_leap() && day.day >= 60 ? 1 : 0)) +
             day.time;
    case YearlyDay::Kind::kDayOfYear:
      return newYear + std::chrono::days(day.day) + day.time;
  }
  return newYear;
}

Duration ZoneRule::offsetAt(TimePoint time) const {
  if (!hasDaylight_) return standard_;
  const LocalTime local{time.time_since_epoch() + standard_};
  const auto date = std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(local));
  const TimePoint begin{(dayOf(begin_, date.year()) - standard_).time_since_epoch()};
  const TimePoint end{(dayOf(end_, date.year()) - daylight_).time_since_epoch()};
  // On the southern half of the world it begins late in the year and ends early.
  const bool isDaylight = begin < end ? time >= begin && time < end : time >= begin || time < end;
  return isDaylight ? daylight_ : standard_;
}

}  // namespace bco
