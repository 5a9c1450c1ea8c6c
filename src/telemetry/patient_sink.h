// Where lines of the log go: a file, a pipe or a terminal that somebody reads, or does not.
#pragma once

#include <spdlog/sinks/base_sink.h>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string_view>

#include "telemetry/log.h"

namespace bco::telemetry {

// Who does not read on (a pager, Ctrl-S, a collector that hangs) must not hold up the work: once a
// line has waited for `patience`, it and those after it are lost, and counted, until there is room
// again. Thread-safe.
class PatientSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  // `descriptor` stays the caller's.
  PatientSink(int descriptor, LogFormat format, std::chrono::milliseconds patience)
      : descriptor_(descriptor), format_(format), patience_(patience) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}

 private:
  // False when nobody has made room in time: a part may have been written.
  bool write(std::string_view text);
  [[nodiscard]] bool hasRoom() const;

  const int descriptor_;
  const LogFormat format_;
  const std::chrono::milliseconds patience_;
  std::uint64_t lost_ = 0;  // lines, since there was room last
  bool isTorn_ = false;     // what was written last is no whole line
};

}  // namespace bco::telemetry
