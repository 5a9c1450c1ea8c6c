#include "telemetry/families.h"

#include <gmock/gmock.h>

#include "telemetry/process.h"

namespace bco::telemetry {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Families, AreServedInPrometheusTextFormat) {
  Families families;
  families.gauge("devices", "Devices by state.")
      .add({{"fleet", "default/sensors"}, {"state", "Ready"}}, 3)
      .add({{"fleet", "default/sensors"}, {"state", "Failed"}}, 0);
  families.counter("calls_total", "Calls.").add({}, 1.5);
  prometheus::Histogram histogram({0.5, 2});
  histogram.Observe(1);
  families.histogram("took_seconds", "Time.").add({{"kind", "get"}}, histogram);
  EXPECT_EQ(families.text(), R"(# HELP devices Devices by state.
# TYPE devices gauge
devices{fleet="default/sensors",state="Ready"} 3
devices{fleet="default/sensors",state="Failed"} 0
# HELP calls_total Calls.
# TYPE calls_total counter
calls_total 1.5
# HELP took_seconds Time.
# TYPE took_seconds histogram
took_seconds_count{kind="get"} 1
took_seconds_sum{kind="get"} 1
took_seconds_bucket{kind="get",le="0.5"} 0
took_seconds_bucket{kind="get",le="2"} 1
took_seconds_bucket{kind="get",le="+Inf"} 1
)");
}

TEST(Families, EscapeWhatAFormatWouldTakeForItsOwn) {
  Families families;
  families.gauge("it", "It.").add({{"text", "a\"b\\c\nd"}}, 1);
  EXPECT_THAT(families.text(), HasSubstr(R"(it{text="a\"b\\c\nd"} 1)"));
}

TEST(Families, KeepTimesToTheSecond) {
  Families families;
  families.gauge("at_seconds", "When.").add({}, unixSeconds(*parseRfc3339("2026-11-23T07:00:01Z")));
  EXPECT_THAT(families.text(), HasSubstr("at_seconds 1795417201\n"));
}

TEST(Families, WithoutASampleIsStillThere) {
  Families families;
  families.gauge("it", "It.");
  EXPECT_EQ(families.text(), "# HELP it It.\n# TYPE it gauge\n");
}

TEST(ProcessFamilies, TellOfThisProcess) {
  Families families;
  addProcess(families);
  const std::string text = families.text();
  const auto valueOf = [&text](const std::string& name) {
    const std::size_t line = text.find("\n" + name + " ");
    return line == std::string::npos ? -1 : std::stod(text.substr(line + name.size() + 2));
  };
  EXPECT_GE(valueOf("process_cpu_seconds_total"), 0);
  EXPECT_GT(valueOf("process_resident_memory_bytes"), 1e5);
  EXPECT_GE(valueOf("process_open_fds"), 3);
  const double now = unixSeconds(std::chrono::floor<Duration>(std::chrono::system_clock::now()));
  EXPECT_LE(valueOf("process_start_time_seconds"), now + 1);
  EXPECT_GT(valueOf("process_start_time_seconds"), now - 86400);
}

}  // namespace
}  // namespace bco::telemetry
