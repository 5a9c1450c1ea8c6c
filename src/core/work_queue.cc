#include "core/work_queue.h"

#include <algorithm>

namespace bco {

void WorkQueue::add(const std::string& key, Lane lane) {
  std::lock_guard lock(mutex_);
  push(key, lane);
}

void WorkQueue::addAfter(const std::string& key, Duration delay, Lane lane) {
  std::lock_guard lock(mutex_);
  if (delay <= Duration::zero()) {
    push(key, lane);
    return;
  }
  const SteadyPoint due = clock_.steadyNow() + delay;
  if (const auto existing = delayed_.find(key); existing != delayed_.end()) {
    if (existing->second.due <= due) return;
    byDue_.erase({existing->second.due, key});
  }
  delayed_[key] = {due, lane};
  byDue_.emplace(due, key);
  // Whoever waits does so until the earliest time known before.
  if (byDue_.begin()->second == key) clock_.wakeOne(changed_);
}

void WorkQueue::push(const std::string& key, Lane lane) {
  if (const auto flying = inFlight_.find(key); flying != inFlight_.end()) {
    flying->second = std::min(flying->second.value_or(lane), lane);
    return;
  }
  if (const auto existing = waiting_.find(key); existing != waiting_.end()) {
    if (existing->second <= lane) return;
    std::erase(lanes_[static_cast<std::size_t>(existing->second)], key);
    existing->second = lane;
  } else {
    waiting_.emplace(key, lane);
  }
  lanes_[static_cast<std::size_t>(lane)].push_back(key);
  clock_.wakeOne(changed_);
}

void WorkQueue::promoteDue() {
  const SteadyPoint now = clock_.steadyNow();
  while (!byDue_.empty() && byDue_.begin()->first <= now) {
    const std::string key = byDue_.begin()->second;
    byDue_.erase(byDue_.begin());
    const Lane lane = delayed_.at(key).lane;
    delayed_.erase(key);
    push(key, lane);
  }
}

std::optional<std::string> WorkQueue::pop() {
  std::optional<std::size_t> chosen;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    if (lanes_[lane].empty()) continue;
    if (!chosen) {
      chosen = lane;
    } else if (servedInRow_[*chosen] >= kBurst) {
      servedInRow_[*chosen] = 0;
      chosen = lane;
    }
  }
  if (!chosen) return std::nullopt;
  ++servedInRow_[*chosen];
  std::deque<std::string>& queue = lanes_[*chosen];
  std::string key = std::move(queue.front());
  queue.pop_front();
  waiting_.erase(key);
  inFlight_.emplace(key, std::nullopt);
  return key;
}

std::optional<std::string> WorkQueue::take(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  std::optional<std::string> key;
  while (!stop.stop_requested()) {
    promoteDue();
    if ((key = pop())) return key;
    const SteadyPoint next = byDue_.empty() ? kForever : byDue_.begin()->first;
    clock_.wait(lock, changed_, next, stop);
  }
  return std::nullopt;
}

void WorkQueue::done(const std::string& key) {
  std::lock_guard lock(mutex_);
  const auto flying = inFlight_.find(key);
  if (flying == inFlight_.end()) return;
  const std::optional<Lane> again = flying->second;
  inFlight_.erase(flying);
  if (again) push(key, *again);
}

bool WorkQueue::idle(Duration horizon) const {
  std::lock_guard lock(mutex_);
  const bool due = !byDue_.empty() && byDue_.begin()->first <= clock_.steadyNow() + horizon;
  return waiting_.empty() && inFlight_.empty() && !due;
}

std::size_t WorkQueue::depth() const {
  std::lock_guard lock(mutex_);
  return waiting_.size();
}

}  // namespace bco
