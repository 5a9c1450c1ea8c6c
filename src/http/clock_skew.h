// How far the clock of an upstream is from ours.
#pragma once

#include <mutex>
#include <optional>

#include "core/time.h"
#include "http/transport.h"

namespace bco::http {

// Thread-safe. From the Date header, which counts whole seconds: right to half a second and the
// time an answer travels.
class ClockSkew {
 public:
  // `now`: when the answer came. An answer without a readable Date changes nothing.
  void observe(const Response& response, TimePoint now);
  // Theirs less ours, as the latest answer showed it; nullopt before the first.
  [[nodiscard]] std::optional<Duration> latest() const;

 private:
  mutable std::mutex mutex_;  // guards latest_
  std::optional<Duration> latest_;
};

}  // namespace bco::http
