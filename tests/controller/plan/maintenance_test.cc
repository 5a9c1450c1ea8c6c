#include "plan/maintenance.h"

#include <gtest/gtest.h>

#include <map>

namespace bco {
namespace {

using namespace std::chrono_literals;

TimePoint instant(const std::string& text) { return *parseRfc3339(text); }

enum Weekday : std::size_t { kSun, kMon, kTue, kWed, kThu, kFri, kSat };

Window windowOf(std::initializer_list<Weekday> on, Duration start, Duration duration,
                const std::string& zone = "UTC") {
  Window window;
  for (const Weekday day : on) window.days.set(day);
  window.start = start;
  window.duration = duration;
  window.zone = std::make_shared<const TimeZone>(*TimeZone::load(zone));
  return window;
}

struct WindowCase {
  const char* name;
  Window window;
  const char* from;
  const char* opens;
  const char* closes;
};
class Windows : public testing::TestWithParam<WindowCase> {};

TEST_P(Windows, OpenAtTheirLocalTime) {
  const WindowCase& each = GetParam();
  const auto opening = nextOpening({each.window}, instant(each.from));
  ASSERT_TRUE(opening);
  EXPECT_EQ(formatRfc3339(opening->opens), each.opens);
  EXPECT_EQ(formatRfc3339(opening->closes), each.closes);
}

// 2026-11-23 is a Monday.
INSTANTIATE_TEST_SUITE_P(
    OnDays, Windows,
    testing::Values(WindowCase{"Before", windowOf({kMon}, 2h, 4h), "2026-11-23T01:59:59Z",
                               "2026-11-23T02:00:00Z", "2026-11-23T06:00:00Z"},
                    WindowCase{"AtItsOpening", windowOf({kMon}, 2h, 4h), "2026-11-23T02:00:00Z",
                               "2026-11-23T02:00:00Z", "2026-11-23T06:00:00Z"},
                    WindowCase{"Within", windowOf({kMon}, 2h, 4h), "2026-11-23T05:59:59Z",
                               "2026-11-23T02:00:00Z", "2026-11-23T06:00:00Z"},
                    WindowCase{"AtItsClosing", windowOf({kMon}, 2h, 4h), "2026-11-23T06:00:00Z",
                               "2026-11-30T02:00:00Z", "2026-11-30T06:00:00Z"},
                    WindowCase{"OnTheNextOfItsDays", windowOf({kTue, kSat}, 2h, 4h),
                               "2026-11-25T12:00:00Z", "2026-11-28T02:00:00Z",
                               "2026-11-28T06:00:00Z"},
                    WindowCase{"OverMidnight", windowOf({kMon}, 22h, 4h), "2026-11-24T01:00:00Z",
                               "2026-11-23T22:00:00Z", "2026-11-24T02:00:00Z"},
                    WindowCase{"OverDays", windowOf({kFri}, 20h, 50h), "2026-11-29T21:00:00Z",
                               "2026-11-27T20:00:00Z", "2026-11-29T22:00:00Z"}),
    [](const auto& each) { return std::string(each.param.name); });

INSTANTIATE_TEST_SUITE_P(
    InZones, Windows,
    testing::Values(
        WindowCase{"Berlin", windowOf({kMon}, 2h, 4h, "Europe/Berlin"), "2026-11-22T12:00:00Z",
                   "2026-11-23T01:00:00Z", "2026-11-23T05:00:00Z"},
        WindowCase{"BerlinInSummer", windowOf({kMon}, 2h, 4h, "Europe/Berlin"),
                   "2026-07-05T12:00:00Z", "2026-07-06T00:00:00Z", "2026-07-06T04:00:00Z"},
        // Monday there begins on Sunday, UTC.
        WindowCase{"Auckland", windowOf({kMon}, 2h, 1h, "Pacific/Auckland"), "2026-07-05T00:00:00Z",
                   "2026-07-05T14:00:00Z", "2026-07-05T15:00:00Z"},
        WindowCase{"NewYorkLate", windowOf({kMon}, 23h, 1h, "America/New_York"),
                   "2026-11-23T12:00:00Z", "2026-11-24T04:00:00Z", "2026-11-24T05:00:00Z"},
        // 02:30 is skipped on this Sunday, and shown twice on that one.
        WindowCase{"BerlinSkipped", windowOf({kSun}, 150min, 1h, "Europe/Berlin"),
                   "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z", "2026-03-29T02:30:00Z"},
        WindowCase{"BerlinTwice", windowOf({kSun}, 150min, 1h, "Europe/Berlin"),
                   "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"},
        // Four hours are four hours, also in the night that has 23.
        WindowCase{"BerlinShortNight", windowOf({kSun}, 1h, 4h, "Europe/Berlin"),
                   "2026-03-28T12:00:00Z", "2026-03-29T00:00:00Z", "2026-03-29T04:00:00Z"}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(NextOpening, IsAnyTimeWithoutWindows) {
  EXPECT_FALSE(nextOpening({}, instant("2026-11-23T02:00:00Z")));
}

TEST(NextOpening, IsTheFirstOfSeveralWindows) {
  const std::vector<Window> windows = {windowOf({kSat}, 2h, 1h), windowOf({kWed}, 3h, 1h)};
  EXPECT_EQ(nextOpening(windows, instant("2026-11-23T00:00:00Z"))->opens,
            instant("2026-11-25T03:00:00Z"));
  EXPECT_EQ(nextOpening(windows, instant("2026-11-25T04:00:00Z"))->opens,
            instant("2026-11-28T02:00:00Z"));
}

TEST(NextOpening, OfAWindowOfAWeekOrMoreHasAlwaysBeen) {
  for (const Duration duration : {Duration(168h), Duration(10000h)}) {
    const TimePoint from = instant("2026-11-25T12:00:00Z");
    EXPECT_LE(nextOpening({windowOf({kMon}, 2h, duration)}, from)->opens, from);
  }
}

// Every moment of a year against a plain look at the clock.
TEST(NextOpening, AgreesWithTheClockOnTheWall) {
  const Window window = windowOf({kTue, kSun}, 23h, 90min, "America/New_York");
  for (TimePoint t = instant("2026-01-01T00:00:00Z"); t < instant("2027-01-01T00:00:00Z");
       t += 10min) {
    const LocalTime now = window.zone->toLocal(t);
    const auto day = std::chrono::floor<std::chrono::days>(now);
    const auto weekday = [](auto d) { return std::chrono::weekday(d).c_encoding(); };
    const bool isLate = now - LocalTime(day) >= 23h && window.days.test(weekday(day));
    const bool isEarly =
        now - LocalTime(day) < 30min && window.days.test(weekday(day - std::chrono::days(1)));
    EXPECT_EQ(nextOpening({window}, t)->opens <= t, isLate || isEarly) << formatRfc3339(t);
  }
}

}  // namespace
}  // namespace bco
