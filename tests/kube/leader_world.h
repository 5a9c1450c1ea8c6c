// A small deterministic world for leader election: virtual time, an API server that knows one
// Lease, and processes that each run a real LeaderElector. They take turns on one thread, each
// until it would wait, so a seed always leads to the same schedule. Answers can be slow, late or
// lost; processes freeze, crash, restart and have clocks that run unequally fast.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <queue>
#include <random>
#include <sstream>
#include <stop_token>
#include <string>
#include <vector>

#include "core/clock.h"
#include "http/transport.h"
#include "kube/leader.h"
#include "tests/support/fake_random.h"
#include "tests/support/fiber.h"

namespace bco::test {

// How long a call of an elector takes, and what becomes of it.
struct Course {
  Duration toServer{1};
  Duration toClient{1};
  bool lost = false;     // never reaches the server
  bool refused = false;  // nobody listens
};

class LeaseWorld;

// What runs when the world says so.
class Actor {
 public:
  Actor(LeaseWorld& world, std::function<void()> body);

  // Of this actor itself: lets the others run until `time`, or until woken.
  void sleepUntil(Duration time);
  void wake();
  // The world's side: runs it until it waits or ends.
  void resume(std::uint64_t generation);
  void finish();

  Duration frozenUntil{0};
  bool dead = false;

 private:
  LeaseWorld& world_;
  std::uint64_t generation_ = 0;
  bool asleep_ = true;
  Fiber fiber_;
};

// A replica of the operator, as far as election goes. It starts again after it has ended.
class Process final : public Clock, public http::HttpTransport {
 public:
  Process(LeaseWorld& world, int number, double clockRate);

  [[nodiscard]] TimePoint now() const override;
  [[nodiscard]] SteadyPoint steadyNow() const override;
  void wait(std::unique_lock<std::mutex>& lock, Condition& condition, SteadyPoint deadline,
            const std::stop_token& stop) override;
  void wakeAll(Condition& condition) override;
  void wakeOne(Condition& condition) override { wakeAll(condition); }
  [[nodiscard]] std::vector<Result<http::Response>> sendAll(
      std::span<const http::Request> requests) override;

  // What the scenario does to it.
  void stop(bool allowRelease);  // a clean end; starts again after `restartAfter`
  void crash() { actor->dead = true; }
  void freeze(Duration duration);
  void cutWatch(Duration duration);
  // The Lease has changed: the watch tells, after `delay`.
  void notify(Duration delay);

  [[nodiscard]] bool alive() const { return elector && !actor->dead; }
  [[nodiscard]] bool mayWrite(Duration d = Duration(0)) const {
    return alive() && elector->mayWrite(d);
  }

  std::unique_ptr<Actor> actor;
  std::unique_ptr<kube::LeaderElector> elector;  // of the present start
  std::string identity;
  Duration restartAfter{5000};
  int started = 0;  // times it began to lead
  int lost = 0;
  bool wroteWhenLost = false;
  std::size_t calls = 0;

 private:
  void live();
  [[nodiscard]] Result<http::Response> exchange(const http::Request& request);

  LeaseWorld& world_;
  const int number_;
  const double rate_;
  const Duration skew_;  // of the wall clock
  FakeRandom random_;
  int starts_ = 0;
  std::stop_source stop_;
  bool allowRelease_ = true;
  Condition* waitsFor_ = nullptr;
  Duration watchCutUntil_{0};
  Duration toldUntil_{0};  // deliveries keep their order
  Duration skipped_{0};    // waits that the world's end cut short
};

// One Lease and its history.
class LeaseServer {
 public:
  [[nodiscard]] http::Response handle(const std::string& method, const std::string& body);
  void remove();
  void touch();  // somebody edits what is not ours

  nlohmann::json lease;  // null: none
  std::function<void()> changed = [] {};
  std::vector<std::string> holders;  // one after the other, "" included
  std::vector<std::string> defects;  // of what was written
  bool down = false;                 // refuses connections

 private:
  void store(nlohmann::json next);
  std::int64_t version_ = 0;
};

class LeaseWorld {
 public:
  explicit LeaseWorld(std::uint64_t seed = 1) : random(seed) {}
  ~LeaseWorld();

  Process& add(double clockRate = 1.0);
  // `task` runs between the processes' steps.
  void at(Duration time, std::function<void()> task);
  void resumeAt(Duration time, Actor& actor, std::uint64_t generation);
  void runUntil(Duration time);
  void runFor(Duration duration) { runUntil(now + duration); }
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return random() % bound; }
  [[nodiscard]] Duration upTo(Duration longest) {
    return Duration(below(static_cast<std::uint64_t>(longest.count()) + 1));
  }
  [[nodiscard]] bool chance(double probability) {
    return static_cast<double>(below(1'000'000)) < probability * 1e6;
  }
  // Those that may write now.
  [[nodiscard]] std::vector<Process*> writers() const;

  std::mt19937_64 random;
  Duration now{0};
  bool ending = false;
  kube::LeaderOptions options{{"iot", "bco"}, ""};
  LeaseServer server;
  std::function<Course(Process& caller)> course = [](Process&) { return Course{}; };
  std::function<Duration()> watchDelay = [] { return Duration(1); };
  std::vector<std::unique_ptr<Process>> processes;
  // The most processes that might have written at one time.
  std::size_t mostWriters = 0;
  std::ostringstream log;
  telemetry::Logger logger{{telemetry::LogLevel::kError}, log};

 private:
  struct Event {
    Duration time;
    std::uint64_t order;
    std::function<void()> task;
  };
  struct Later {
    bool operator()(const Event& a, const Event& b) const {
      return a.time != b.time ? a.time > b.time : a.order > b.order;
    }
  };

  std::priority_queue<Event, std::vector<Event>, Later> events_;
  std::uint64_t order_ = 0;
};

}  // namespace bco::test
