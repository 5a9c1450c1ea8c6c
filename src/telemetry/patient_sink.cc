#include "telemetry/patient_sink.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <string>

#include "telemetry/log_format.h"

namespace bco::telemetry {

void PatientSink::sink_it_(const spdlog::details::log_msg& message) {
  spdlog::memory_buf_t line;
  formatter_->format(message, line);
  if (lost_ > 0) {
    const Field fields[] = {{"lines", lost_}};
    const LogEvent told{std::chrono::floor<Duration>(std::chrono::system_clock::now()),
                        LogLevel::kWarn, "nobody read the log: lines of it are lost", fields};
    const std::string text = format_ == LogFormat::kJson ? formatJson(told) : formatText(told);
    if (!write((isTorn_ ? "\n" : "") + text + "\n")) {
      ++lost_;
      return;
    }
    lost_ = 0;
  }
  if (!write({line.data(), line.size()})) ++lost_;
}

bool PatientSink::write(std::string_view text) {
  while (!text.empty()) {
    if (!hasRoom()) return false;
    // So much a pipe takes at once where it says that there is room.
    const auto part = text.substr(0, PIPE_BUF);
    const ssize_t written = ::write(descriptor_, part.data(), part.size());
    if (written < 0 && errno != EINTR && errno != EAGAIN)
      return true;  // nobody is there to be told
    text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
    isTorn_ = !text.empty();
  }
  return true;
}

bool PatientSink::hasRoom() const {
  pollfd wanted{.fd = descriptor_, .events = POLLOUT, .revents = 0};
  // Waited for once.
  const int patience = lost_ > 0 ? 0 : static_cast<int>(patience_.count());
  return ::poll(&wanted, 1, patience) != 0;
}

}  // namespace bco::telemetry
