// Structured logging: a message that is always the same for the same event, and fields.
//
//   log.info("device provisioned", {{"uuid", uuid}, {"reconcileId", id}, {"requests", 6}});
//
//   text: 2026-11-23T07:00:00.123Z info  device provisioned uuid=7cf0… reconcileId=42 requests=6
//   JSON: {"time":"2026-11-23T07:00:00.123Z","level":"info","message":"device provisioned",…}
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "core/secret.h"
#include "core/time.h"

namespace bco::telemetry {

enum class LogLevel { kDebug, kInfo, kWarn, kError };
// "debug", "info", "warn", "error"; nullopt for anything else.
[[nodiscard]] std::optional<LogLevel> parseLevel(std::string_view name);
[[nodiscard]] std::string_view nameOf(LogLevel level);

enum class LogFormat { kText, kJson };

// A key and a value, for the time of one call: it refers to the texts it is given. Secrets don't
// compile.
class Field {
 public:
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  template <std::convertible_to<std::string_view> Text>
  Field(std::string_view key, const Text& value) : key_(key), value_(std::string_view(value)) {}
  Field(std::string_view key, std::signed_integral auto value)
      : key_(key), value_(std::int64_t{value}) {}
  template <std::unsigned_integral Count>
  requires(!std::same_as<Count, bool>) Field(std::string_view key, Count value)
      : key_(key), value_(std::uint64_t{value}) {}
  Field(std::string_view key, std::same_as<bool> auto value) : key_(key), value_(value) {}
  Field(std::string_view key, double value) : key_(key), value_(value) {}
  Field(std::string_view key, const SecretBytes& secret) = delete;
  Field(std::string_view key, const SharedSecret& secret) = delete;

  [[nodiscard]] std::string_view key() const { return key_; }
  [[nodiscard]] const Value& value() const { return value_; }

 private:
  std::string_view key_;
  Value value_;
};

struct LogOptions {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kText;
};

// Writes one line an event, flushed. Thread-safe. Line breaks and other control characters are
// escaped, so that no text can pass for a line of ours; whatever looks like a PEM, or like the
// base64 of one, is left out (the second line of defence: such texts don't belong here).
class Logger {
 public:
  // To stderr.
  explicit Logger(LogOptions options);
  // To a stream that outlives the logger; nobody else may write to it meanwhile.
  Logger(LogOptions options, std::ostream& out);
  ~Logger();
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  // For lines that cost something to prepare.
  [[nodiscard]] bool enabled(LogLevel level) const { return level >= level_.load(); }
  void setLevel(LogLevel level) { level_.store(level); }

  using Fields = std::initializer_list<Field>;
  void debug(std::string_view message, Fields fields = {}) {
    log(LogLevel::kDebug, message, fields);
  }
  void info(std::string_view message, Fields fields = {}) { log(LogLevel::kInfo, message, fields); }
  void warn(std::string_view message, Fields fields = {}) { log(LogLevel::kWarn, message, fields); }
  void error(std::string_view message, Fields fields = {}) {
    log(LogLevel::kError, message, fields);
  }
  void debug(const SecretBytes& message, Fields fields = {}) = delete;
  void info(const SecretBytes& message, Fields fields = {}) = delete;
  void warn(const SecretBytes& message, Fields fields = {}) = delete;
  void error(const SecretBytes& message, Fields fields = {}) = delete;

  void log(LogLevel level, std::string_view message, std::span<const Field> fields);

 private:
  struct Output;

  const LogFormat format_;
  std::atomic<LogLevel> level_;
  std::unique_ptr<Output> output_;
};

}  // namespace bco::telemetry
