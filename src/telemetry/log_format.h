// The lines of the log, as pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/time.h"
#include "telemetry/log.h"

namespace bco::telemetry {

struct LogEvent {
  TimePoint time;
  LogLevel level;
  std::string_view message;
  std::span<const Field> fields;
};

// Without the newline. Bytes that are not UTF-8 become U+FFFD in JSON and \xHH in text.
[[nodiscard]] std::string formatText(const LogEvent& event);
[[nodiscard]] std::string formatJson(const LogEvent& event);

}  // namespace bco::telemetry
