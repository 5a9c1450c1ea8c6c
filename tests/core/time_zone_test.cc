#include "core/time_zone.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

namespace bco {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TimePoint utc(const std::string& text) { return *parseRfc3339(text); }
// "2026-03-29T02:30:00" as clocks show it.
LocalTime local(const std::string& text) {
  return LocalTime{parseRfc3339(text + "Z")->time_since_epoch()};
}

// ---- rules

struct RuleCase {
  const char* name;
  const char* rule;
  const char* time;
  Duration offset;
};
class Rules : public testing::TestWithParam<RuleCase> {};

TEST_P(Rules, GiveTheOffset) {
  const auto rule = ZoneRule::parse(GetParam().rule);
  ASSERT_TRUE(rule);
  EXPECT_EQ(rule->offsetAt(utc(GetParam().time)), GetParam().offset);
}

constexpr auto kBerlin = "CET-1CEST,M3.5.0,M10.5.0/3";
constexpr auto kNewYork = "EST5EDT,M3.2.0,M11.1.0";
constexpr auto kSydney = "AEST-10AEDT,M10.1.0,M4.1.0/3";
constexpr auto kLordHowe = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0";

INSTANTIATE_TEST_SUITE_P(
    Posix, Rules,
    testing::Values(
        RuleCase{"Utc", "UTC0", "2040-07-01T00:00:00Z", 0h},
        RuleCase{"Quoted", "<+0545>-5:45", "2040-07-01T00:00:00Z", 345min},
        RuleCase{"West", "<-03>3", "2040-07-01T00:00:00Z", -3h},
        RuleCase{"BerlinWinter", kBerlin, "2040-01-15T00:00:00Z", 1h},
        RuleCase{"BerlinBeforeSpring", kBerlin, "2040-03-25T00:59:59Z", 1h},
        RuleCase{"BerlinSpring", kBerlin, "2040-03-25T01:00:00Z", 2h},
        RuleCase{"BerlinBeforeAutumn", kBerlin, "2040-10-28T00:59:59Z", 2h},
        RuleCase{"BerlinAutumn", kBerlin, "2040-10-28T01:00:00Z", 1h},
        RuleCase{"NewYorkBeforeSpring", kNewYork, "2040-03-11T06:59:59Z", -5h},
        RuleCase{"NewYorkSpring", kNewYork, "2040-03-11T07:00:00Z", -4h},
        RuleCase{"NewYorkAutumn", kNewYork, "2040-11-04T06:00:00Z", -5h},
        RuleCase{"SydneyNewYear", kSydney, "2040-01-01T00:00:00Z", 11h},
        RuleCase{"SydneyWinter", kSydney, "2040-07-01T00:00:00Z", 10h},
        RuleCase{"SydneyDecember", kSydney, "2040-12-31T20:00:00Z", 11h},
        RuleCase{"HalfAnHour", kLordHowe, "2040-01-01T00:00:00Z", 11h},
        RuleCase{"HalfAnHourLess", kLordHowe, "2040-07-01T00:00:00Z", 630min},
        RuleCase{"JulianBefore", "AAA-3BBB,J60/0,J300/0", "2040-02-29T20:59:59Z", 3h},
        RuleCase{"JulianSkips29February", "AAA-3BBB,J60/0,J300/0", "2040-02-29T21:00:00Z", 4h},
        RuleCase{"DayOfYear", "AAA-3BBB,59/0,300/0", "2040-02-28T21:00:00Z", 4h},
        RuleCase{"NegativeTime", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2040-03-25T01:00:00Z", -1h}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(ZoneRules, ThatAreNoneAreRefused) {
  for (const char* text :
       {"", "CET", "C-1", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.1.0,M1.1.0",
        "CET-1CEST,M3.6.0,M1.1.0", "<CET-1", "CET-200", "CET-1x", "CET-1CEST,M3.5.0,M10.5.0/3 "}) {
    EXPECT_FALSE(ZoneRule::parse(text)) << text;
  }
}

// ---- files

std::string number(std::int64_t value, std::size_t size) {
  std::string bytes;
  for (std::size_t i = size; i-- > 0;) bytes += static_cast<char>(value >> (8 * i) & 0xff);
  return bytes;
}

// +1 h at first, +3 h from 2020 on, then by the rule.
std::string zoneFile(const std::string& rule, char version = '2') {
  const auto header = [&](int times, int types) {
    std::string text = std::string("TZif") + version + std::string(15, '\0');
    for (const int count : {0, 0, 0, times, types, 4}) text += number(count, 4);
    return text;
  };
  const std::int64_t at = utc("2020-01-01T00:00:00Z").time_since_epoch() / 1s;
  const std::string oldBlock = number(0, 6) + std::string("AAA\0", 4);
  return header(0, 1) + oldBlock + header(1, 2) + number(at, 8) + "\1" + number(3600, 4) +
         std::string(2, '\0') + number(10800, 4) + std::string(2, '\0') + std::string("AAA\0", 4) +
         "\n" + rule + "\n";
}

TEST(ZoneFiles, GiveTheOffsetsOfTheirTransitions) {
  const auto zone = TimeZone::parse(zoneFile(""));
  ASSERT_TRUE(zone) << zone.error().message;
  EXPECT_EQ(zone->offsetAt(utc("2019-12-31T23:59:59Z")), 1h);
  EXPECT_EQ(zone->offsetAt(utc("2020-01-01T00:00:00Z")), 3h);
  EXPECT_EQ(zone->offsetAt(utc("2050-01-01T00:00:00Z")), 3h);
}

TEST(ZoneFiles, GoOnByTheirRuleAfterTheLastTransition) {
  const auto zone = TimeZone::parse(zoneFile(kBerlin));
  ASSERT_TRUE(zone) << zone.error().message;
  EXPECT_EQ(zone->offsetAt(utc("2019-07-01T00:00:00Z")), 1h);
  EXPECT_EQ(zone->offsetAt(utc("2050-07-01T00:00:00Z")), 2h);
}

TEST(ZoneFiles, ThatAreCutAreRefusedWhereverThatIs) {
  const std::string whole = zoneFile(kBerlin);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(TimeZone::parse(whole.substr(0, size))) << size;
  }
  EXPECT_FALSE(TimeZone::parse(zoneFile("", '\0')));
  EXPECT_FALSE(TimeZone::parse(zoneFile("nonsense")));
}

TEST(ZoneFiles, AreFoundByTheirName) {
  const auto berlin = TimeZone::load("Europe/Berlin");
  ASSERT_TRUE(berlin) << berlin.error().message;
  EXPECT_EQ(berlin->offsetAt(utc("1979-07-01T00:00:00Z")), 1h) << "no daylight saving time yet";
  EXPECT_EQ(berlin->offsetAt(utc("2026-07-01T00:00:00Z")), 2h);
  EXPECT_EQ(TimeZone::load("UTC")->offsetAt(utc("2026-07-01T00:00:00Z")), 0h);
}

TEST(ZoneFiles, ThatAreMissingAreNamed) {
  const auto unknown = TimeZone::load("Europe/Atlantis");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(unknown.error().message, HasSubstr("Europe/Atlantis"));
  for (const char* name : {"", "../../etc/passwd", "/etc/passwd", "Europe//Berlin", "Europe"}) {
    EXPECT_FALSE(TimeZone::load(name)) << name;
  }
}

// ---- local times

TEST(LocalTimes, AreTakenForTheFirstInstantThatShowsThem) {
  const auto zone = TimeZone::load("Europe/Berlin");
  ASSERT_TRUE(zone);
  EXPECT_EQ(zone->toUtc(local("2026-01-15T02:30:00")), utc("2026-01-15T01:30:00Z"));
  EXPECT_EQ(zone->toUtc(local("2026-07-15T02:30:00")), utc("2026-07-15T00:30:00Z"));
  // Shown twice.
  EXPECT_EQ(zone->toUtc(local("2026-10-25T02:30:00")), utc("2026-10-25T00:30:00Z"));
  EXPECT_EQ(zone->toUtc(local("2026-10-25T03:00:00")), utc("2026-10-25T02:00:00Z"));
  // Skipped: 03:30 is shown instead.
  EXPECT_EQ(zone->toUtc(local("2026-03-29T02:30:00")), utc("2026-03-29T01:30:00Z"));
  EXPECT_EQ(zone->toUtc(local("2026-03-29T03:30:00")), utc("2026-03-29T01:30:00Z"));
  EXPECT_EQ(zone->toUtc(local("2026-03-29T01:59:59")), utc("2026-03-29T00:59:59Z"));
}

TEST(LocalTimes, OfInstantsLeadBackToThem) {
  for (const char* name : {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe"}) {
    const auto zone = TimeZone::load(name);
    ASSERT_TRUE(zone);
    int twice = 0;
    for (TimePoint t = utc("2026-01-01T00:00:00Z"); t < utc("2027-01-01T00:00:00Z"); t += 15min) {
      const TimePoint back = zone->toUtc(zone->toLocal(t));
      EXPECT_LE(back, t);
      twice += back == t ? 0 : 1;
    }
    // The hour, or half hour, that is shown twice in the autumn.
    EXPECT_GE(twice, 2) << name;
    EXPECT_LE(twice, 4) << name;
  }
}

}  // namespace
}  // namespace bco
