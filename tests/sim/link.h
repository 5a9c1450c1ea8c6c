// A process's way to the clouds and to Kubernetes: every call is a point where others may go first,
// where the call may fail, and where its process may die.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "core/result.h"
#include "tests/sim/chaos.h"
#include "tests/sim/machine.h"
#include "tests/sim/trace.h"

namespace bco::sim {

struct Call {
  Upstream upstream;
  std::string name;  // "getDevice 7cf0…"
  bool isWrite = false;
  // What it is about, for the rule that after an open outcome one looks before one writes again.
  std::string target = {};
  // Which device, if it is one that the target does not name.
  std::string uuid = {};
};

// Told of every call of a process.
class CallObserver {
 public:
  virtual ~CallObserver() = default;
  virtual void sent(int process, const Call& call) = 0;
  // It has taken effect.
  virtual void happened() = 0;
  // All pages of a list have been read: of this fleet; 0: of the registry.
  virtual void listed(int process, std::int64_t fleetId) = 0;
  virtual void answered(int process, const Call& call, const Error* error) = 0;

  // Called with every call that is sent, before it is on its way: what happens at the worst moment.
  std::function<void(const Call& call)> strike;
};

class Link {
 public:
  Link(int process, Machine& machine, Scheduler& scheduler, Chaos& chaos, Trace& trace,
       CallObserver& observer, std::function<bool()> mayWrite)
      : process_(process),
        machine_(machine),
        scheduler_(scheduler),
        chaos_(chaos),
        trace_(trace),
        observer_(observer),
        mayWrite_(std::move(mayWrite)) {}

  // Called once, when the next write to a cloud is about to be sent, and whether it may be has not
  // been asked yet.
  std::function<void()> beforeWrite;

  // Another thread has read `target` for this pass; said once.
  [[nodiscard]] bool wasReadAhead(const std::string& target) {
    return readAhead_.erase(target) > 0;
  }

  void noteListed(std::int64_t fleetId) { observer_.listed(process_, fleetId); }
  // By the process's clock.
  [[nodiscard]] TimePoint now() const { return machine_.now(); }

  // A call under way: it takes effect whatever becomes of its caller.
  template <class T>
  struct Flight {
    std::optional<Result<T>> result;
    std::optional<Error> error;
    Duration answerAt{0};
  };

  // `effect` runs on the other side; it must own all it needs.
  template <class T>
  std::shared_ptr<Flight<T>> send(const Call& call, std::function<Result<T>()> effect) {
    using Kind = Fate::Kind;
    auto flight = std::make_shared<Flight<T>>();
    Duration now = scheduler_.now();
    flight->answerAt = now;
    if (call.isWrite && call.upstream != Upstream::kKubernetes && beforeWrite) {
      std::exchange(beforeWrite, {})();
      machine_.sleepUntil(now);  // or when the process goes on
      flight->answerAt = scheduler_.now();
    }
    if (call.isWrite && !mayWrite_()) {
      flight->error = Error{ErrorCode::kUnavailable, "the lease may be another's by now"};
      return flight;
    }
    if (machine_.current().readsAhead) {
      readAhead_.insert(call.target);
    } else if (call.upstream != Upstream::kKubernetes) {
      ++machine_.current().requests;
    }
    observer_.sent(process_, call);
    if (const auto& strike = observer_.strike; strike) strike(call);
    now = scheduler_.now();
    const Fate fate = chaos_.fateOf(call.upstream, call.name, now);
    flight->answerAt = now + fate.answerAfter;
    const bool happens = fate.kind == Kind::kFine || fate.kind == Kind::kAnswerLost ||
                         (fate.kind == Kind::kLate && call.isWrite);
    if (happens) {
      scheduler_.at(now + fate.effectAfter,
                    [flight, effect = std::move(effect), trace = &trace_, observer = &observer_,
                     name = call.name, process = process_] {
                      if (trace->isOn())
                        trace->say(std::to_string(process) + " takes effect: " + name);
                      flight->result = effect();
                      observer->happened();
                    });
    }
    if (fate.kind != Kind::kFine) flight->error = errorOf(fate.kind, call.isWrite);
    return flight;
  }

  template <class T>
  Result<T> receive(const Call& call, const std::shared_ptr<Flight<T>>& flight) {
    if (flight->answerAt > scheduler_.now()) machine_.sleepUntil(flight->answerAt);
    Result<T> result = flight->error ? Result<T>(fail(*flight->error)) : std::move(*flight->result);
    if (!result && call.upstream != Upstream::kKubernetes) machine_.current().isDisturbed = true;
    observer_.answered(process_, call, result ? nullptr : &result.error());
    if (trace_.isOn()) {
      trace_.say(std::to_string(process_) + " " + call.name + ": " +
                 (result ? "ok"
                         : std::string(traitsOf(result.error().code).label) + ", " +
                               result.error().message));
    }
    return result;
  }

  template <class T>
  Result<T> call(const Call& call, std::function<Result<T>()> effect) {
    const auto flight = send<T>(call, std::move(effect));
    return receive<T>(call, flight);
  }

 private:
  [[nodiscard]] Error errorOf(Fate::Kind kind, bool isWrite) const {
    switch (kind) {
      case Fate::Kind::kRefused:
        return {ErrorCode::kUnavailable, "503"};
      case Fate::Kind::kThrottled:
        return {ErrorCode::kThrottled, "429", std::chrono::seconds(20)};
      default:
        return {ErrorCode::kDeadline, "no answer", std::nullopt, isWrite};
    }
  }

  const int process_;
  Machine& machine_;
  Scheduler& scheduler_;
  Chaos& chaos_;
  Trace& trace_;
  CallObserver& observer_;
  const std::function<bool()> mayWrite_;
  std::set<std::string> readAhead_;
};

}  // namespace bco::sim
