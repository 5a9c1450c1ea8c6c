// A queue of keys for workers, with the promises of client-go's: a key waits in it at most once, is
// in the hands of at most one worker, and added again meanwhile comes back when that one is done.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <limits>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <utility>

#include "core/clock.h"
#include "core/lane.h"

namespace bco {

// Keys that share a fate, as the devices of one fleet do: groups take turns, so that neither a
// large nor a slow one keeps the others waiting.
struct Groups {
  // Called with the queue locked: it must not call the queue. All keys are of one group without it.
  std::function<std::string(const std::string& key)> of;
  // The most keys of one group in flight.
  std::size_t limit = std::numeric_limits<std::size_t>::max();
};

// What is told of a queue's keys, for measuring. Called with the queue locked: must neither block
// nor call the queue.
class QueueObserver {
 public:
  virtual ~QueueObserver() = default;
  // A key waits for a worker now.
  virtual void onAdded() = 0;
  virtual void onTaken(Duration waited) = 0;
  virtual void onDone(Duration worked) = 0;
};

// The better lane is served first. No lane starves: after kBurst keys of a better lane one of the
// next is served. Within a lane and group first in, first out. Thread-safe.
class WorkQueue {
 public:
  // `observer`, if any, must outlive it.
  explicit WorkQueue(Clock& clock, Groups groups = {}, QueueObserver* observer = nullptr)
      : clock_(clock), groups_(std::move(groups)), observer_(observer) {}

  // Waits for a worker now. A key that already waits moves to the better of both lanes.
  void add(const std::string& key, Lane lane);
  // Waits from now + delay on. Of several delays for a key the earliest counts; add() does not
  // cancel it.
  void addAfter(const std::string& key, Duration delay, Lane lane);

  // The next key, which stays in flight until done(); nullopt after a stop. Who calls done() comes
  // back to take(): the place that has become free in the key's group is for nobody else to notice.
  [[nodiscard]] std::optional<std::string> take(const std::stop_token& stop);
  void done(const std::string& key);
  // In which lane a key waited that is in flight now.
  [[nodiscard]] Lane laneOf(const std::string& key) const;
  // How long the keys that are in flight have been so.
  struct Unfinished {
    Duration longest{0};
    Duration total{0};
  };
  [[nodiscard]] Unfinished unfinished() const;

  // Nothing waits, nothing is in flight and nothing is due before `horizon` from now.
  [[nodiscard]] bool idle(Duration horizon) const;
  // Keys that wait now, without the delayed ones.
  [[nodiscard]] std::size_t depth() const;
  // Keys in the hands of workers.
  [[nodiscard]] std::size_t inFlight() const;

 private:
  struct Delayed {
    SteadyPoint due;
    Lane lane;
  };

  // There may be one for every device, for days: so it does not repeat the key.
  struct Due {
    SteadyPoint at;
    const std::string* key;
    friend bool operator<(const Due& a, const Due& b) {
      return a.at != b.at ? a.at < b.at : *a.key < *b.key;
    }
  };

  struct Waiting {
    Lane lane;
    std::string group;
    SteadyPoint since;
  };
  struct InFlight {
    Lane lane;
    std::string group;
    SteadyPoint since;
    std::optional<Lane> again;  // the lane to come back to
  };
  // Keys by group, those whose turn comes next first. No group is empty.
  using Turns = std::list<std::pair<std::string, std::deque<std::string>>>;

  // True: a worker should be woken for it.
  [[nodiscard]] bool push(const std::string& key, Lane lane);
  void promoteDue();
  [[nodiscard]] std::optional<std::string> pop();
  [[nodiscard]] bool hasRoom(const std::string& group) const;
  // The group whose turn it is, among those that have room; end() when there is none.
  [[nodiscard]] Turns::iterator nextOf(Turns& turns) const;

  static constexpr int kBurst = 16;

  Clock& clock_;
  const Groups groups_;
  QueueObserver* const observer_;
  mutable std::mutex mutex_;  // guards all below
  Condition changed_;
  std::array<Turns, kLanes> lanes_;
  std::array<int, kLanes> servedInRow_{};
  std::unordered_map<std::string, Waiting> waiting_;
  std::unordered_map<std::string, InFlight> inFlight_;
  std::unordered_map<std::string, std::size_t> inFlightOf_;  // by group
  std::unordered_map<std::string, Delayed> delayed_;
  std::set<Due> byDue_;  // of delayed_, whose keys stay where they are
};

}  // namespace bco
