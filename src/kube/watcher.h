// Keeps a sink told of all objects of a kind, whatever happens to the connection.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "core/backoff.h"
#include "core/clock.h"
#include "core/random.h"
#include "kube/client.h"
#include "kube/json.h"
#include "kube/watch_state.h"

namespace bco::kube {

// What a watch tells. All calls on the watcher's thread, which is not to be kept waiting for long.
// Texts are padded (kJsonPadding) and valid for the call: keep what you need of them, typed.
class WatchSink {
 public:
  virtual ~WatchSink() = default;
  // A list begins: of what was told before, what is not told again until synced() is gone. It may
  // break off and begin anew.
  virtual void restart() = 0;
  // An object is there, new or changed or as it was. In a list, objects of built-in kinds come
  // without apiVersion and kind.
  virtual void put(std::string_view object) = 0;
  // It is gone; the text is its last state.
  virtual void drop(std::string_view object) = 0;
  // The list is complete.
  virtual void synced() = 0;
};

// Something went wrong and is tried again; told before the pause, on the watcher's thread.
struct WatchTrouble {
  Error error;
  WatchPhase phase;  // that it happened in
  int failures;      // in a row, without two minutes of health between
  Duration pause;
};

struct WatcherOptions {
  Resource resource;
  std::string space = {};  // empty: all namespaces
  std::string labelSelector = {};
  std::string fieldSelector = {};
  int pageSize = 500;
  // After which the server ends a watch: random between these, so that watches don't end together.
  // What silence counts as death is in watch_state.h.
  Duration shortestWatch{std::chrono::minutes(5)};
  Duration longestWatch{std::chrono::minutes(10)};
  std::function<void(const WatchTrouble&)> onTrouble = nullptr;
};

struct WatcherHealth {
  WatchPhase phase = WatchPhase::kStreamingList;
  bool synced = false;  // a list was complete, once
  // Since the server last said something good; since the watcher was made, where it never has.
  Duration silence{0};
  std::optional<TimePoint> lastSync = {};  // a list was complete
  std::uint64_t lists = 0;                 // begun
  std::uint64_t changes = 0;               // that came after a list
  std::uint64_t troubles = 0;
  std::optional<Error> trouble = {};  // the last one, until the server says something good
};

// The states are in watch_state.h. A list is streamed (sendInitialEvents) where the server can, and
// read in pages otherwise; then the watch goes on from where it got to, kept fresh by bookmarks.
// Pauses after failures are 0.8 s at first, 30 s at most.
class Watcher {
 public:
  // All must outlive it.
  Watcher(Client& client, WatcherOptions options, WatchSink& sink, Clock& clock, Random& random);

  // Until a stop. Once.
  void run(const std::stop_token& stop);

  // For /livez: false once run() has made no turn for longer than one may take, with a server that
  // is silent too. From any thread, as is health().
  [[nodiscard]] bool turns() const;
  // For readiness and metrics; from any thread.
  [[nodiscard]] WatcherHealth health() const;

 private:
  // One request each. What went wrong, if anything did.
  [[nodiscard]] std::optional<Error> readPage();
  [[nodiscard]] std::optional<Error> follow(const std::stop_token& stop);
  [[nodiscard]] std::optional<Error> onLine(std::string_view line);

  void beginList();
  void happened(const Happening& happening);
  void endList();
  void pauseAfter(Error error, const std::stop_token& stop);
  // Changes health_.
  template <class Change>
  void note(Change change);

  Client& client_;
  const WatcherOptions options_;
  WatchSink& sink_;
  Clock& clock_;
  Random& random_;
  EventReader reader_;
  WatchState state_;
  WatchPhase phaseBefore_ = state_.phase;  // the last happening
  bool pauseDue_ = false;
  int failures_ = 0;
  bool wasLate_ = false;                // kGone since the last complete list
  std::optional<SteadyPoint> resumed_;  // when the last pause ended

  std::atomic<Duration::rep> turned_;  // steady time at which run() began its last turn
  mutable std::mutex mutex_;           // guards what follows
  WatcherHealth health_;               // but for `silence`
  SteadyPoint heard_;                  // when `silence` began
};

}  // namespace bco::kube
