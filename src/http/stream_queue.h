// The bytes of an answer that never ends, on their way from the connections' thread to the caller.
#pragma once

#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/result.h"
#include "http/transport.h"

namespace bco::http {

// One thread puts in, another takes out. Thread-safe.
class StreamQueue {
 public:
  // `limit`: from how many bytes on push() asks to pause. `clock` must outlive it.
  StreamQueue(std::size_t limit, Clock& clock) : limit_(limit), clock_(clock) {}

  // Status and headers; before the first bytes.
  void begin(Response head);
  // True: there is room for more. False: it is taken, but nothing more may come before take() has
  // returned with `madeRoom`.
  [[nodiscard]] bool push(std::string_view bytes);
  // The last word; what is queued is still taken first.
  void end(Result<Response> result);

  enum class Outcome { kBytes, kEnded, kSilent, kStopped };
  struct Taken {
    Outcome outcome;
    bool madeRoom = false;
  };
  // Waits for bytes, which replace the content of `bytes`, for the end, or until `deadline`. A stop
  // comes before all of them.
  [[nodiscard]] Taken take(std::string& bytes, SteadyPoint deadline, const std::stop_token& stop);

  // Status 0 before begin().
  [[nodiscard]] Response head() const;
  // Waits for the end.
  [[nodiscard]] Result<Response> result();

 private:
  const std::size_t limit_;
  Clock& clock_;
  mutable std::mutex mutex_;  // guards all below
  Condition changed_;
  Response head_;
  std::string bytes_;
  bool full_ = false;
  std::optional<Result<Response>> end_;
};

}  // namespace bco::http
