// A queue of keys for workers, with the promises of client-go's: a key waits in it at most once, is
// in the hands of at most one worker, and added again meanwhile comes back when that one is done.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <utility>

#include "core/clock.h"

namespace bco {

// What is served first. Each lane is first in, first out; no lane starves: after kBurst keys of a
// better lane one of the next is served.
enum class Lane { kRevocation, kFresh, kSweep };
inline constexpr std::size_t kLanes = 3;

// Thread-safe.
class WorkQueue {
 public:
  explicit WorkQueue(Clock& clock) : clock_(clock) {}

  // Waits for a worker now. A key that already waits moves to the better of both lanes.
  void add(const std::string& key, Lane lane);
  // Waits from now + delay on. Of several delays for a key the earliest counts; add() does not
  // cancel it.
  void addAfter(const std::string& key, Duration delay, Lane lane);

  // The next key, which stays in flight until done(); nullopt after a stop.
  [[nodiscard]] std::optional<std::string> take(const std::stop_token& stop);
  void done(const std::string& key);

  // Nothing waits, nothing is in flight and nothing is due before `horizon` from now.
  [[nodiscard]] bool idle(Duration horizon) const;
  // Keys that wait now, without the delayed ones.
  [[nodiscard]] std::size_t depth() const;

 private:
  struct Delayed {
    SteadyPoint due;
    Lane lane;
  };

  void push(const std::string& key, Lane lane);
  void promoteDue();
  [[nodiscard]] std::optional<std::string> pop();

  static constexpr int kBurst = 16;

  Clock& clock_;
  mutable std::mutex mutex_;  // guards all below
  Condition changed_;
  std::array<std::deque<std::string>, kLanes> lanes_;
  std::array<int, kLanes> servedInRow_{};
  std::unordered_map<std::string, Lane> waiting_;
  std::unordered_map<std::string, std::optional<Lane>> inFlight_;  // and the lane to come back to
  std::unordered_map<std::string, Delayed> delayed_;
  std::set<std::pair<SteadyPoint, std::string>> byDue_;
};

}  // namespace bco
