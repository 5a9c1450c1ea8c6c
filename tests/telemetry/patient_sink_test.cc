#include "telemetry/patient_sink.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <unistd.h>

#include <array>
#include <string>

namespace bco::telemetry {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// A log into a pipe of four pages. While one of them is free there is room.
class ANarrowLog : public testing::TestWithParam<LogFormat> {
 protected:
  ANarrowLog() {
    EXPECT_EQ(::pipe2(pipe_.data(), O_CLOEXEC), 0);
    ::fcntl(pipe_[1], F_SETPIPE_SZ, 4 * 4096);
    logger_ = std::make_unique<spdlog::logger>(
        "test", std::make_shared<PatientSink>(pipe_[1], GetParam(), std::chrono::milliseconds(0)));
    logger_->set_formatter(std::make_unique<spdlog::pattern_formatter>("%v"));
  }
  ~ANarrowLog() override {
    for (const int end : pipe_) ::close(end);
  }

  void say(const std::string& line) { logger_->log(spdlog::level::info, line); }
  std::string read() {
    std::string text(64 * 1024, '\0');
    const ssize_t got = ::read(pipe_[0], text.data(), text.size());
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return text;
  }

  std::array<int, 2> pipe_{};
  std::unique_ptr<spdlog::logger> logger_;
};

TEST_P(ANarrowLog, IsWrittenWhileSomebodyReads) {
  say("one");
  say("two");
  EXPECT_EQ(read(), "one\ntwo\n");
}

TEST_P(ANarrowLog, HoldsNobodyUpAndSaysLaterWhatIsLost) {
  for (int i = 0; i < 4; ++i) say(std::string(4000, 'a'));
  for (int i = 0; i < 7; ++i) say(std::string(200, 'b'));
  EXPECT_THAT(read(), StartsWith("aaaa"));
  say("there you are");
  const std::string told = read();
  EXPECT_THAT(told, HasSubstr("nobody read the log: lines of it are lost"));
  EXPECT_THAT(told, HasSubstr(GetParam() == LogFormat::kJson ? "\"lines\":7" : "lines=7"));
  EXPECT_THAT(told, EndsWith("there you are\n"));
  say("and on");
  EXPECT_EQ(read(), "and on\n");
}

TEST_P(ANarrowLog, GoesOnOnALineOfItsOwnAfterOneThatWasTorn) {
  say(std::string(20000, 'a'));
  EXPECT_EQ(read(), std::string(4 * 4096, 'a'));
  say("whole");
  EXPECT_THAT(read(), testing::AllOf(StartsWith("\n"), EndsWith("\nwhole\n")));
}

TEST_P(ANarrowLog, ThatHasNoReaderAnyMoreHoldsNobodyUpEither) {
  ::signal(SIGPIPE, SIG_IGN);
  ::close(pipe_[0]);
  for (int i = 0; i < 100; ++i) say(std::string(200, 'b'));
  pipe_[0] = ::dup(pipe_[1]);
}

INSTANTIATE_TEST_SUITE_P(Formats, ANarrowLog, testing::Values(LogFormat::kText, LogFormat::kJson));

}  // namespace
}  // namespace bco::telemetry
