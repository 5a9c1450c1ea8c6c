#include "endpoint/waiting.h"

#include <vector>

#include "endpoint/conclusion.h"
#include "reconcile/desire.h"

namespace bco::endpoint {
namespace {

bool deliveredSince(TimePoint since, const api::BalenaDevice& device) {
  const auto& key = device.status.key;
  const api::Condition* valid = findCondition(device.status.conditions, "CredentialValid");
  // An API server keeps whole seconds.
  return valid != nullptr && valid->reason == api::kDelivered && key && key->verifiedAt &&
         *key->verifiedAt >= std::chrono::floor<std::chrono::seconds>(since);
}

}  // namespace

Waiting::Id Waiting::add(Verb verb, const std::string& uuid, Settle settle) {
  std::lock_guard lock(mutex_);
  const Id id = ++lastId_;
  byUuid_.emplace(uuid, id);
  waiters_.emplace(
      id, Waiter{verb, uuid, clock_.steadyNow() + patience_, std::move(settle), clock_.now()});
  // The deadlines' thread waits for the earliest, which is the first one's.
  if (waiters_.size() == 1) clock_.wakeAll(changed_);
  return id;
}

void Waiting::aim(Id id, const std::string& space) {
  std::lock_guard lock(mutex_);
  const auto found = waiters_.find(id);
  if (found != waiters_.end()) found->second.space = space;
}

void Waiting::arm(Id id) {
  std::string uuid;
  {
    std::lock_guard lock(mutex_);
    const auto found = waiters_.find(id);
    if (found == waiters_.end()) return;
    found->second.armed = true;
    uuid = found->second.uuid;
  }
  changed(uuid);
}

void Waiting::settle(Id id, const Answer& answer) {
  std::unique_lock lock(mutex_);
  if (const auto waiter = extract(id)) this->answer(lock, *waiter, answer);
}

void Waiting::answer(std::unique_lock<std::mutex>& lock, const Waiter& waiter,
                     const Answer& answer) {
  ++answering_;
  lock.unlock();
  waiter.settle(answer);
  lock.lock();
  if (--answering_ == 0 && settling_) clock_.wakeAll(changed_);
}

std::optional<Waiting::Waiter> Waiting::extract(Id id) {
  const auto found = waiters_.find(id);
  if (found == waiters_.end()) return std::nullopt;
  Waiter waiter = std::move(found->second);
  waiters_.erase(found);
  const auto [first, last] = byUuid_.equal_range(waiter.uuid);
  for (auto each = first; each != last; ++each) {
    if (each->second != id) continue;
    byUuid_.erase(each);
    break;
  }
  if (waiters_.empty()) clock_.wakeAll(changed_);
  return waiter;
}

bool Waiting::has(Verb verb, const std::string& space, const std::string& uuid) const {
  std::lock_guard lock(mutex_);
  const auto [first, last] = byUuid_.equal_range(uuid);
  for (auto each = first; each != last; ++each) {
    const Waiter& waiter = waiters_.at(each->second);
    if (waiter.verb == verb && waiter.space == space) return true;
  }
  return false;
}

void Waiting::changed(const std::string& uuid) {
  {
    std::lock_guard lock(mutex_);
    if (!byUuid_.contains(uuid)) return;
  }
  const DeviceObjects all = store_.devicesByUuid(uuid);
  std::vector<std::pair<Id, Answer>> answers;
  {
    std::lock_guard lock(mutex_);
    const auto [first, last] = byUuid_.equal_range(uuid);
    for (auto each = first; each != last; ++each) {
      Waiter& waiter = waiters_.at(each->second);
      if (!waiter.space) continue;
      const DeviceObjects objects = inNamespace(*waiter.space, all);
      if (!objects.empty()) {
        waiter.seen = true;
        waiter.delivered |= deliveredSince(waiter.since, governing(objects));
      }
      if (!waiter.armed || !waiter.seen) continue;
      auto answer =
          objects.empty()
              ? std::optional(Answer{Outcome::kUnavailable, "the device's object has gone"})
              : conclude(waiter.verb, governing(objects));
      if (!answer) continue;
      if (waiter.delivered && answer->outcome == Outcome::kAlreadyProvisioned) {
        answer = Answer{Outcome::kCreated};
      }
      answers.emplace_back(each->second, *std::move(answer));
    }
  }
  for (const auto& [id, answer] : answers) settle(id, answer);
}

void Waiting::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (waiters_.empty()) {
      waitUntil(clock_, lock, changed_, kForever, stop, [this] { return !waiters_.empty(); });
      continue;
    }
    const auto [id, first] = std::pair(waiters_.begin()->first, waiters_.begin()->second.deadline);
    if (clock_.steadyNow() < first) {
      waitUntil(clock_, lock, changed_, first, stop, [this] { return waiters_.empty(); });
      continue;
    }
    const auto late = extract(id);
    answer(lock, *late, {Outcome::kDeadline, {}, std::chrono::seconds(5)});
  }
}

void Waiting::settleAll(const Answer& answer) {
  std::unique_lock lock(mutex_);
  settling_ = true;
  while (!waiters_.empty()) {
    const auto waiter = extract(waiters_.begin()->first);
    this->answer(lock, *waiter, answer);
  }
  waitUntil(clock_, lock, changed_, kForever, {}, [this] { return answering_ == 0; });
}

std::size_t Waiting::size() const {
  std::lock_guard lock(mutex_);
  return waiters_.size();
}

}  // namespace bco::endpoint
