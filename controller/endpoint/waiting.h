// Callers that wait for a device's next status: table entries, not threads.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>

#include "core/clock.h"
#include "endpoint/answer.h"
#include "endpoint/verb.h"
#include "store/object_store.h"

namespace bco::endpoint {

// Thread-safe. Each caller is answered once: by the device's status, at its deadline, or when all
// are.
class Waiting {
 public:
  using Id = std::uint64_t;
  // Called without a lock, on any thread; must not block.
  using Settle = std::function<void(const Answer&)>;

  // `patience`: of each caller. Both must outlive it.
  Waiting(store::ObjectStore& store, Clock& clock, Duration patience)
      : store_(store), clock_(clock), patience_(patience) {}

  // Waits from now on, whatever has to be done before anything can be written.
  [[nodiscard]] Id add(Verb verb, const std::string& uuid, Settle settle);
  // For the device's object in this namespace. Nothing is concluded before arm(), for what the
  // status says until then may be about an earlier request.
  void aim(Id id, const std::string& space);
  // What was asked for is in the store.
  void arm(Id id);
  // It ends in another way.
  void settle(Id id, const Answer& answer);

  // Somebody waits for the same object: what he has asked for will do for others.
  [[nodiscard]] bool has(Verb verb, const std::string& space, const std::string& uuid) const;

  // Something of a device's object has changed.
  void changed(const std::string& uuid);

  // Answers those whose deadline comes, until `stop`. Blocks.
  void run(const std::stop_token& stop);
  // Returns when nobody is being answered any more.
  void settleAll(const Answer& answer);
  [[nodiscard]] std::size_t size() const;

 private:
  struct Waiter {
    Verb verb;
    std::string uuid;
    SteadyPoint deadline;
    Settle settle;
    TimePoint since;
    std::optional<std::string> space = std::nullopt;
    bool armed = false;
    // The object has been there. What another replica has made, this one may not know of yet.
    bool seen = false;
    // A pass has delivered the key meanwhile, though perhaps not the one that concludes.
    bool delivered = false;
  };
  using Waiters = std::map<Id, Waiter>;  // in the order of their deadlines

  // nullopt: it has been answered already. With the lock held.
  [[nodiscard]] std::optional<Waiter> extract(Id id);
  // Lets go of `lock` meanwhile.
  void answer(std::unique_lock<std::mutex>& lock, const Waiter& waiter, const Answer& answer);

  store::ObjectStore& store_;
  Clock& clock_;
  const Duration patience_;
  mutable std::mutex mutex_;  // guards all below
  Condition changed_;
  Id lastId_ = 0;
  int answering_ = 0;      // calls under way
  bool settling_ = false;  // all are to be answered: somebody waits until they have been
  Waiters waiters_;
  std::unordered_multimap<std::string, Id> byUuid_;
};

}  // namespace bco::endpoint
