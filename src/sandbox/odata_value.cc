#include "sandbox/odata_value.h"

#include <array>
#include <charconv>

namespace bco::sandbox::odata {
namespace {

void appendDigits(std::string& out, unsigned value, int width) {
  std::array<char, 4> digits{};
  for (int i = width - 1; i >= 0; --i) {
    digits[static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  out.append(digits.data(), static_cast<std::size_t>(width));
}

}  // namespace

std::partial_ordering compare(const Value& a, const Value& b) {
  if (a.index() != b.index() || isNull(a)) return std::partial_ordering::unordered;
  if (const auto* text = textOf(a)) return text->compare(*textOf(b)) <=> 0;
  if (const auto* time = std::get_if<TimePoint>(&a)) {
    return time->time_since_epoch().count() <=> std::get<TimePoint>(b).time_since_epoch().count();
  }
  if (const auto* flag = std::get_if<bool>(&a)) return *flag <=> std::get<bool>(b);
  return std::get<std::int64_t>(a) <=> std::get<std::int64_t>(b);
}

bool same(const Value& a, const Value& b) {
  return isNull(a) ? isNull(b) : compare(a, b) == std::partial_ordering::equivalent;
}

void appendTime(std::string& out, TimePoint time) {
  using namespace std::chrono;
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  appendDigits(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  out += '-';
  appendDigits(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  appendDigits(out, static_cast<unsigned>(date.day()), 2);
  out += 'T';
  appendDigits(out, static_cast<unsigned>(clock.hours().count()), 2);
  out += ':';
  appendDigits(out, static_cast<unsigned>(clock.minutes().count()), 2);
  out += ':';
  appendDigits(out, static_cast<unsigned>(clock.seconds().count()), 2);
  out += '.';
  appendDigits(out, static_cast<unsigned>(clock.subseconds().count()), 3);
  out += 'Z';
}

void appendJson(std::string& out, const Value& value) {
  if (const auto* text = textOf(value)) return appendJsonString(out, *text);
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    std::array<char, 24> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), *number).ptr;
    out.append(digits.data(), end);
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    out += *flag ? "true" : "false";
  } else if (const auto* time = std::get_if<TimePoint>(&value)) {
    out += '"';
    appendTime(out, *time);
    out += '"';
  } else {
    out += "null";
  }
}

}  // namespace bco::sandbox::odata
