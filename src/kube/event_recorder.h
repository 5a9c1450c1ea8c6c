// Tells people what happened to their objects, without ever holding up who tells it.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "core/clock.h"
#include "core/random.h"
#include "kube/client.h"
#include "kube/event.h"
#include "kube/event_body.h"
#include "kube/event_correlator.h"
#include "telemetry/log.h"

namespace bco::kube {

inline constexpr Resource kEvents{"", "v1", "events"};

// Since the start.
struct EventCounters {
  std::uint64_t sent = 0;      // as new objects or as counts
  std::uint64_t filtered = 0;  // of objects that had more than their share
  std::uint64_t dropped = 0;   // the oldest of a full queue, or left over at the end
  std::uint64_t failed = 0;    // given up
};

// Events wait in a queue for one thread, which correlates them (event_correlator.h) and sends them.
// Three tries each; an event whose namespace is being deleted is told of the namespace, in
// "default", and one whose namespace is gone is forgotten. Only transitions are to be told:
// that something is as it was is no event.
class EventRecorder {
 public:
  static constexpr std::size_t kCapacity = 1000;  // of the queue
  // For what is left to be told after a stop.
  static constexpr Duration kLastWords = std::chrono::seconds(2);

  // All must outlive it.
  EventRecorder(EventSource source, Client& client, Clock& clock, Random& random,
                telemetry::Logger& logger);

  // Never blocks for longer than copying takes: a full queue loses its oldest. The message is cut
  // to kMaxMessage bytes. Thread-safe.
  void event(ObjectReference object, EventType type, std::string reason, std::string_view message);

  // Sends until a stop, and then for kLastWords at most what there is by then, without trying
  // twice; a call that is under way at the end of that is its transport's to end. On one thread,
  // once.
  void run(const std::stop_token& stop);

  // Thread-safe.
  [[nodiscard]] EventCounters counters() const;

 private:
  // Waits for one until the stop; then nullopt where there is none.
  [[nodiscard]] std::optional<Event> next(const std::stop_token& stop);
  void tell(const Event& event, const std::stop_token& stop);
  void send(const Event& event, const EventEntry& entry, const std::stop_token& stop);
  [[nodiscard]] Status trySend(const Event& event, const EventEntry& entry);
  [[nodiscard]] Status create(const Event& event, const EventEntry& entry);
  void giveUp(const Event& event, const Error& error);

  const EventSource source_;
  Client& client_;
  Clock& clock_;
  Random& random_;
  telemetry::Logger& logger_;

  std::mutex mutex_;  // guards queue_
  Condition changed_;
  std::deque<Event> queue_;

  EventCorrelator correlator_;  // this and the next: of run()'s thread
  bool failing_ = false;

  std::atomic<std::uint64_t> sent_{0};
  std::atomic<std::uint64_t> filtered_{0};
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<std::uint64_t> failed_{0};
};

}  // namespace bco::kube
