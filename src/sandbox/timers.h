// The sandbox's clock and everything that is to happen later, and with it the threading rule of the
// whole sandbox:
//
//   One mutex, `World::mutex` below, guards both clouds, the devices and the clock. Whoever handles
//   a request holds it while he does; timers' callbacks run with it held. Nothing else is locked,
//   and nobody waits for anything while holding it. Replies are built under it and sent after it.
//
// Two clocks stand side by side: the world's, which may be moved by hand (expiry, notifications,
// polls, restarts, publishes), and the wire's, which is always real (latency, late effects), so
// that a client never hangs on a clock that nobody moves.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "core/time.h"

namespace bco::sandbox {

enum class ClockMode {
  kReal,    // time passes by itself; advance() puts the clock ahead
  kManual,  // time passes in advance() alone
};

// Names one scheduled callback; never used again.
using TimerId = std::pair<TimePoint, std::uint64_t>;

// Every method but advance(), stop() and the destructor needs the world's mutex held.
class Timers {
 public:
  // `world` outlives this. A real clock starts a thread of its own, which runs the callbacks; a
  // manual one runs them in the thread that calls advance().
  Timers(std::mutex& world, ClockMode mode, TimePoint start);
  // As stop().
  ~Timers();
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  // Milliseconds since the epoch, UTC. Within a callback of a manual clock: the time it was due.
  [[nodiscard]] TimePoint now() const;

  // Callbacks run in the order of their times, those of one time in the order they were added; one
  // whose time has passed already runs as soon as it can, never within this call.
  TimerId at(TimePoint due, std::function<void()> callback);
  TimerId after(Duration delay, std::function<void()> callback) {
    return at(now() + delay, std::move(callback));
  }
  // False when it has run already or was never there.
  bool cancel(const TimerId& timer);

  // Moves the clock on. Call it without the mutex. A manual clock runs all that falls due on the
  // way, one at a time, letting requests in between; on return it has run. A real one only wakes
  // its thread.
  void advance(Duration duration);

  // From now on no callback runs. Call it without the mutex, before what callbacks refer to dies.
  void stop();

  [[nodiscard]] std::size_t pending() const { return queue_.size(); }

 private:
  void run();
  // Runs the first callback if it is due by `until`.
  bool runFirst(TimePoint until);

  std::mutex& world_;
  const ClockMode mode_;
  TimePoint manualNow_;  // manual clock
  Duration offset_{0};   // real clock: how far it is ahead of the system's
  std::uint64_t lastNumber_ = 0;
  std::map<TimerId, std::function<void()>> queue_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::jthread thread_;  // last: it uses all above
};

[[nodiscard]] TimePoint systemNow();

// What every part of the sandbox is built on.
struct World {
  explicit World(ClockMode mode, TimePoint start = systemNow())
      : clock(mutex, mode, start), wire(mutex, ClockMode::kReal, systemNow()) {}
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  void stop() {
    clock.stop();
    wire.stop();
  }

  std::mutex mutex;
  Timers clock;
  Timers wire;
};

}  // namespace bco::sandbox
