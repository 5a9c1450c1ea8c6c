#include "telemetry/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ostream_sink.h>
#include <unistd.h>

#include <array>

#include "telemetry/log_format.h"
#include "telemetry/patient_sink.h"

namespace bco::telemetry {
namespace {

// For who reads the log: long beside what a reader needs, short beside every deadline.
constexpr std::chrono::seconds kPatience{1};

constexpr std::array<std::string_view, 4> kNames = {"debug", "info", "warn", "error"};

}  // namespace

std::optional<LogLevel> parseLevel(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames[i]) return static_cast<LogLevel>(i);
  }
  return std::nullopt;
}

std::string_view nameOf(LogLevel level) { return kNames.at(static_cast<std::size_t>(level)); }

// spdlog orders the lines of all threads and writes them; what they say is ours.
struct Logger::Output {
  explicit Output(spdlog::sink_ptr sink) : logger("bco", std::move(sink)) {
    logger.set_formatter(std::make_unique<spdlog::pattern_formatter>("%v"));
    logger.set_level(spdlog::level::trace);
    logger.flush_on(spdlog::level::trace);
  }
  spdlog::logger logger;
};

Logger::Logger(LogOptions options)
    : format_(options.format),
      level_(options.level),
      output_(std::make_unique<Output>(
          std::make_shared<PatientSink>(STDERR_FILENO, options.format, kPatience))) {}

Logger::Logger(LogOptions options, std::ostream& out)
    : format_(options.format),
      level_(options.level),
      output_(std::make_unique<Output>(std::make_shared<spdlog::sinks::ostream_sink_mt>(out))) {}

Logger::~Logger() = default;

void Logger::log(LogLevel level, std::string_view message, std::span<const Field> fields) {
  if (!enabled(level)) return;
  const auto now = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  const LogEvent event{now, level, message, fields};
  output_->logger.log(spdlog::level::info,
                      format_ == LogFormat::kJson ? formatJson(event) : formatText(event));
}

}  // namespace bco::telemetry
