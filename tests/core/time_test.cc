#include "core/time.h"

#include <gtest/gtest.h>

namespace bco {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint at(std::int64_t seconds, std::int64_t milliseconds = 0) {
  return TimePoint{std::chrono::seconds(seconds) + Duration(milliseconds)};
}

TEST(FormatRfc3339, WritesUtcAndMillisecondsOnlyWhenThereAreAny) {
  EXPECT_EQ(formatRfc3339(at(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(formatRfc3339(at(1795417200)), "2026-11-23T07:00:00Z");
  EXPECT_EQ(formatRfc3339(at(1795417200, 7)), "2026-11-23T07:00:00.007Z");
  EXPECT_EQ(formatRfc3339(at(951782399, 999)), "2000-02-28T23:59:59.999Z");
  EXPECT_EQ(formatRfc3339(at(-1)), "1969-12-31T23:59:59Z");
  EXPECT_EQ(formatRfc3339(at(-1, -1)), "1969-12-31T23:59:58.999Z");
}

TEST(ParseRfc3339, ReadsTimesOfEveryForm) {
  const std::pair<std::string_view, TimePoint> cases[] = {
      {"2026-11-23T07:00:00Z", at(1795417200)},
      {"2026-11-23t07:00:00z", at(1795417200)},
      {"2026-11-23T07:00:00.5Z", at(1795417200, 500)},
      {"2026-11-23T07:00:00.123456789Z", at(1795417200, 123)},
      {"2026-11-23T07:00:00.000Z", at(1795417200)},
      {"2026-11-23T08:30:00+01:30", at(1795417200)},
      {"2026-11-22T19:00:00-12:00", at(1795417200)},
      {"2026-11-23T07:00:00-00:00", at(1795417200)},
      {"2024-02-29T00:00:00Z", at(1709164800)},
      {"2016-12-31T23:59:60Z", at(1483228800)},
      {"1969-12-31T23:59:59Z", at(-1)},
      {"9999-12-31T23:59:59Z", at(253402300799)},
      {"0001-01-01T00:00:00Z", at(-62135596800)},
  };
  for (const auto& [text, time] : cases) EXPECT_EQ(parseRfc3339(text), time) << text;
}

TEST(ParseRfc3339, RefusesEverythingElse) {
  for (const std::string_view text : {"",
                                      "2026-11-23",
                                      "2026-11-23T07:00:00",
                                      "2026-11-23 07:00:00Z",
                                      "2026-11-23T07:00Z",
                                      "2026-11-23T07:00:00.Z",
                                      "2026-11-23T07:00:00.1234567890Z",
                                      "2026-11-23T07:00:00Zx",
                                      "2026-11-23T07:00:00+0100",
                                      "2026-11-23T07:00:00+24:00",
                                      "2026-11-23T07:00:00+01:60",
                                      "2026-11-23T07:00:00+01",
                                      "2026-13-01T00:00:00Z",
                                      "2026-00-01T00:00:00Z",
                                      "2026-02-29T00:00:00Z",
                                      "2026-04-31T00:00:00Z",
                                      "2026-11-00T00:00:00Z",
                                      "2026-11-23T24:00:00Z",
                                      "2026-11-23T07:60:00Z",
                                      "2026-11-23T07:00:61Z",
                                      "26-11-23T07:00:00Z",
                                      "+026-11-23T07:00:00Z",
                                      "2026-1-23T07:00:00Z",
                                      " 2026-11-23T07:00:00Z",
                                      "2026-11-23T07:00:00 Z",
                                      "2026-11-23T-7:00:00Z"}) {
    EXPECT_EQ(parseRfc3339(text), std::nullopt) << text;
  }
}

TEST(Rfc3339, ReadsBackWhatItWrites) {
  for (std::int64_t i = 0; i < 1000; ++i) {
    const TimePoint time = at(i * 86399 * 37, i);
    EXPECT_EQ(parseRfc3339(formatRfc3339(time)), time);
  }
}

TEST(HttpDate, ReadsAndWritesTheExampleOfRfc9110) {
  EXPECT_EQ(parseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT"), at(784111777));
  EXPECT_EQ(formatHttpDate(at(784111777)), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(formatHttpDate(at(784111777, 999)), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(formatHttpDate(at(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(HttpDate, KnowsEveryMonthAndDay) {
  for (int i = 0; i < 400; ++i) {
    const TimePoint time = at(1700000000 + i * 86400LL);
    EXPECT_EQ(parseHttpDate(formatHttpDate(time)), time);
  }
}

TEST(HttpDate, RefusesEverythingElse) {
  for (const std::string_view text :
       {"", "120", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37",
        "Sun, 6 Nov 1994 08:49:37 GMT ", "Sun, 06 Now 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT",
        "Sun, 06 Nov 1994 08-49:37 GMT", "Sun; 06 Nov 1994 08:49:37 GMT"}) {
    EXPECT_EQ(parseHttpDate(text), std::nullopt) << text;
  }
}

TEST(ParseDuration, ReadsWhatGoReads) {
  const std::pair<std::string_view, Duration> cases[] = {
      {"0", 0ms},
      {"0s", 0ms},
      {"2160h", 2160h},
      {"1h30m", 90min},
      {"1h30m5s250ms", 5405250ms},
      {"250ms", 250ms},
      {"1.5h", 90min},
      {".5s", 500ms},
      {"1.001s", 1001ms},
      {"0.29s", 290ms},
      {"1m1m", 2min},
      {"2500000h", 2500000h},
  };
  for (const auto& [text, duration] : cases) EXPECT_EQ(parseDuration(text), duration) << text;
}

TEST(ParseDuration, RefusesEverythingElse) {
  for (const std::string_view text :
       {"",    "1",     "h",    "-1h", "+1h",  "1d",        "1h 30m",
        " 1h", "1h ",   "1e3s", "1hm", "..5s", ".",         ".s",
        "inf", "nan",   "infs", "1us", "0x1h", "99999999h", "99999999999999999999999h",
        "1H",  "1h-30m"}) {
    EXPECT_EQ(parseDuration(text), std::nullopt) << text;
  }
}

TEST(FormatDuration, IsShortAndReadsBack) {
  EXPECT_EQ(formatDuration(0ms), "0s");
  EXPECT_EQ(formatDuration(250ms), "250ms");
  EXPECT_EQ(formatDuration(90min), "1h30m");
  EXPECT_EQ(formatDuration(2160h), "2160h");
  EXPECT_EQ(formatDuration(3600001ms), "1h1ms");
  EXPECT_EQ(formatDuration(-90s), "-1m30s");
  for (Duration::rep i = 0; i < 2000; ++i) {
    const Duration duration(i * i * 7919);
    EXPECT_EQ(parseDuration(formatDuration(duration)), duration);
  }
}

}  // namespace
}  // namespace bco
