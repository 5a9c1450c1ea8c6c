#include "telemetry/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <thread>
#include <type_traits>

#include "telemetry/log_format.h"

namespace bco::telemetry {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;

template <class T>
concept Loggable = std::constructible_from<Field, std::string_view, T>;
static_assert(Loggable<std::string> && Loggable<const char*> && Loggable<bool> && Loggable<int> &&
              Loggable<std::size_t> && Loggable<double>);
static_assert(!Loggable<SecretBytes> && !Loggable<const SecretBytes&> && !Loggable<SharedSecret>);
template <class T>
concept Message = requires(Logger& log, const T& text) {
  log.info(text);
};
static_assert(Message<std::string> && !Message<SecretBytes>);

constexpr TimePoint kTime{std::chrono::milliseconds(1763881200123)};

std::string text(std::string_view message, std::initializer_list<Field> fields = {}) {
  return formatText({kTime, LogLevel::kInfo, message, fields});
}
std::string json(std::string_view message, std::initializer_list<Field> fields = {}) {
  return formatJson({kTime, LogLevel::kInfo, message, fields});
}

TEST(LogText, HasTimeLevelMessageAndFieldsInColumns) {
  EXPECT_EQ(text("device provisioned", {{"uuid", "7cf0"}, {"requests", 6}, {"late", false}}),
            "2025-11-23T07:00:00.123Z info  device provisioned uuid=7cf0 requests=6 late=false");
  EXPECT_EQ(formatText({TimePoint{}, LogLevel::kError, "m", {}}),
            "1970-01-01T00:00:00.000Z error m");
}

TEST(LogText, QuotesValuesThatAreMoreThanOneWord) {
  EXPECT_THAT(text("m", {{"k", "a b"}}), EndsWith(R"( k="a b")"));
  EXPECT_THAT(text("m", {{"k", ""}}), EndsWith(R"( k="")"));
  EXPECT_THAT(text("m", {{"k", "a=b"}}), EndsWith(R"( k="a=b")"));
  EXPECT_THAT(text("m", {{"k", R"(a"\)"}}), EndsWith(R"( k="a\"\\")"));
  EXPECT_THAT(text("m", {{"k", "https://h:1/p?a,b;(c)"}}), EndsWith(" k=https://h:1/p?a,b;(c)"));
  EXPECT_THAT(text("m", {{"k", "größe"}}), EndsWith(R"( k="größe")"));
}

TEST(LogText, LetsNoTextPassForALineOrCommandATerminal) {
  const std::string line =
      text("a\n2025 error b\r", {{"k", "x\ny\x1b[31m\x7f\xc2\x9b"}, {"b\n", 1}});
  EXPECT_THAT(line, EndsWith("a\\n2025 error b\\r k=\"x\\ny\\x1b[31m\\x7f\\xc2\\x9b\" b\\n=1"));
  EXPECT_THAT(text("\xff\xc0\xaf"), EndsWith(" \\xff\\xc0\\xaf"));
}

TEST(LogJson, IsOneObjectALine) {
  EXPECT_EQ(json("device provisioned", {{"uuid", "7cf0"}, {"requests", 6U}, {"late", true}}),
            R"({"time":"2025-11-23T07:00:00.123Z","level":"info","message":"device provisioned",)"
            R"("uuid":"7cf0","requests":6,"late":true})");
}

TEST(LogJson, EscapesWhatJsonWants) {
  EXPECT_THAT(json("\"\\/\n\r\t\b\x1f", {{"k\"", "ä\xff😀"}}),
              HasSubstr(R"("message":"\"\\/\n\r\t\u0008\u001f","k\"":"ä\ufffd😀")"));
  EXPECT_THAT(json(std::string_view("a\0b", 3)), HasSubstr(R"("a\u0000b")"));
}

TEST(LogJson, WritesNumbersOfAllKinds) {
  EXPECT_THAT(json("m", {{"min", INT64_MIN}, {"max", UINT64_MAX}, {"half", 0.5}, {"large", 1e300}}),
              HasSubstr(R"("min":-9223372036854775808,"max":18446744073709551615,"half":0.5,)"
                        R"("large":1e+300)"));
  EXPECT_THAT(json("m", {{"a", std::numeric_limits<double>::infinity()}}),
              HasSubstr(R"("a":"inf")"));
}

TEST(Log, WritesWholeLinesToItsStream) {
  std::ostringstream out;
  Logger log({LogLevel::kInfo, LogFormat::kText}, out);
  log.info("one", {{"n", 1}});
  log.warn("two {} %s");
  EXPECT_THAT(out.str(), MatchesRegex("20..-..-..T..:..:..\\....Z info  one n=1\n"
                                      "20..-..-..T..:..:..\\....Z warn  two \\{\\} %s\n"));
}

TEST(Log, LeavesOutWhatIsBelowItsLevelWhichMayChange) {
  std::ostringstream out;
  Logger log({LogLevel::kWarn, LogFormat::kJson}, out);
  log.info("hidden");
  EXPECT_FALSE(log.enabled(LogLevel::kInfo));
  log.setLevel(LogLevel::kDebug);
  EXPECT_TRUE(log.enabled(LogLevel::kDebug));
  log.debug("shown");
  log.setLevel(LogLevel::kError);
  log.warn("hidden again");
  log.error("last");
  EXPECT_THAT(out.str(), HasSubstr("shown"));
  EXPECT_THAT(out.str(), HasSubstr("last"));
  EXPECT_THAT(out.str(), testing::Not(HasSubstr("hidden")));
}

TEST(Log, KeepsTheLinesOfManyThreadsWhole) {
  std::ostringstream out;
  Logger log({LogLevel::kInfo, LogFormat::kJson}, out);
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&log, thread] {
        for (int i = 0; i < 200; ++i) log.info("a line", {{"thread", thread}, {"i", i}});
      });
    }
  }
  std::istringstream in(out.str());
  int lines = 0;
  for (std::string line; std::getline(in, line); ++lines) {
    ASSERT_TRUE(line.starts_with("{\"time\"") && line.ends_with("}")) << line;
  }
  EXPECT_EQ(lines, 800);
}

TEST(Log, LeavesKeysOutOfMessagesAndFields) {
  std::ostringstream out;
  Logger log({LogLevel::kInfo, LogFormat::kJson}, out);
  const std::string pem = "-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----\n";
  log.error("cannot store " + pem, {{"body", "{\"value\":\"" + pem + "\"}"}});
  EXPECT_THAT(out.str(), testing::Not(HasSubstr("MIGH")));
  EXPECT_THAT(out.str(), HasSubstr("cannot store [redacted]"));
}

TEST(LogLevels, HaveNames) {
  for (const LogLevel level :
       {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn, LogLevel::kError}) {
    EXPECT_EQ(parseLevel(nameOf(level)), level);
  }
  EXPECT_EQ(parseLevel("warn"), LogLevel::kWarn);
  EXPECT_EQ(parseLevel("WARN"), std::nullopt);
  EXPECT_EQ(parseLevel("trace"), std::nullopt);
  EXPECT_EQ(parseLevel(""), std::nullopt);
}

}  // namespace
}  // namespace bco::telemetry
