#include "core/work_queue.h"

#include <algorithm>

namespace bco {
namespace {

template <class Turns>
auto findGroup(Turns& turns, const std::string& group) {
  return std::ranges::find(turns, group, [](const auto& turn) { return turn.first; });
}

}  // namespace

void WorkQueue::add(const std::string& key, Lane lane) {
  bool isForAWorker = false;
  {
    std::lock_guard lock(mutex_);
    isForAWorker = push(key, lane);
  }
  if (isForAWorker) clock_.wakeOne(changed_);
}

void WorkQueue::addAfter(const std::string& key, Duration delay, Lane lane) {
  if (delay <= Duration::zero()) return add(key, lane);
  std::lock_guard lock(mutex_);
  const SteadyPoint due = clock_.steadyNow() + delay;
  const auto [delayed, isNew] = delayed_.try_emplace(key, Delayed{due, lane});
  if (!isNew) {
    if (delayed->second.due <= due) return;
    byDue_.erase({delayed->second.due, &delayed->first});
    delayed->second = {due, lane};
  }
  const auto place = byDue_.insert({due, &delayed->first}).first;
  // Whoever waits does so until the earliest time known before.
  if (place == byDue_.begin()) clock_.wakeOne(changed_);
}

bool WorkQueue::push(const std::string& key, Lane lane) {
  if (const auto flying = inFlight_.find(key); flying != inFlight_.end()) {
    flying->second.again = std::min(flying->second.again.value_or(lane), lane);
    return false;
  }
  SteadyPoint since = clock_.steadyNow();
  if (const auto existing = waiting_.find(key); existing != waiting_.end()) {
    if (existing->second.lane <= lane) return false;
    since = existing->second.since;
    Turns& turns = lanes_[static_cast<std::size_t>(existing->second.lane)];
    const auto group = findGroup(turns, existing->second.group);
    std::erase(group->second, key);
    if (group->second.empty()) turns.erase(group);
    waiting_.erase(existing);
  } else if (observer_ != nullptr) {
    observer_->onAdded();
  }
  const std::string group = groups_.of ? groups_.of(key) : std::string();
  Turns& turns = lanes_[static_cast<std::size_t>(lane)];
  auto turn = findGroup(turns, group);
  if (turn == turns.end()) turn = turns.insert(turns.end(), {group, {}});
  turn->second.push_back(key);
  waiting_.emplace(key, Waiting{lane, group, since});
  return hasRoom(group);
}

bool WorkQueue::hasRoom(const std::string& group) const {
  const auto flying = inFlightOf_.find(group);
  return flying == inFlightOf_.end() || flying->second < groups_.limit;
}

WorkQueue::Turns::iterator WorkQueue::nextOf(Turns& turns) const {
  return std::ranges::find_if(turns, [&](const auto& turn) { return hasRoom(turn.first); });
}

void WorkQueue::promoteDue() {
  const SteadyPoint now = clock_.steadyNow();
  while (!byDue_.empty() && byDue_.begin()->at <= now) {
    const auto delayed = delayed_.extract(*byDue_.begin()->key);
    byDue_.erase(byDue_.begin());
    if (push(delayed.key(), delayed.mapped().lane)) clock_.wakeOne(changed_);
  }
}

std::optional<std::string> WorkQueue::pop() {
  std::optional<std::size_t> chosen;
  Turns::iterator turn;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    if (chosen && servedInRow_[*chosen] < kBurst) break;
    const auto next = nextOf(lanes_[lane]);
    if (next == lanes_[lane].end()) continue;
    if (chosen) servedInRow_[*chosen] = 0;
    chosen = lane;
    turn = next;
  }
  if (!chosen) return std::nullopt;
  ++servedInRow_[*chosen];
  Turns& turns = lanes_[*chosen];
  std::string key = std::move(turn->second.front());
  turn->second.pop_front();
  ++inFlightOf_[turn->first];
  const SteadyPoint now = clock_.steadyNow();
  const auto waited = waiting_.find(key);
  if (observer_ != nullptr) observer_->onTaken(now - waited->second.since);
  inFlight_.emplace(key, InFlight{waited->second.lane, turn->first, now, std::nullopt});
  waiting_.erase(waited);
  if (turn->second.empty()) {
    turns.erase(turn);
  } else {
    turns.splice(turns.end(), turns, turn);
  }
  return key;
}

std::optional<std::string> WorkQueue::take(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  std::optional<std::string> key;
  while (!stop.stop_requested()) {
    promoteDue();
    if ((key = pop())) return key;
    const SteadyPoint next = byDue_.empty() ? kForever : byDue_.begin()->at;
    clock_.wait(lock, changed_, next, stop);
  }
  return std::nullopt;
}

void WorkQueue::done(const std::string& key) {
  std::lock_guard lock(mutex_);
  const auto flying = inFlight_.find(key);
  if (flying == inFlight_.end()) return;
  const std::optional<Lane> again = flying->second.again;
  const auto ofGroup = inFlightOf_.find(flying->second.group);
  if (--ofGroup->second == 0) inFlightOf_.erase(ofGroup);
  if (observer_ != nullptr) observer_->onDone(clock_.steadyNow() - flying->second.since);
  inFlight_.erase(flying);
  if (again && push(key, *again)) clock_.wakeOne(changed_);
}

bool WorkQueue::idle(Duration horizon) const {
  std::lock_guard lock(mutex_);
  const bool due = !byDue_.empty() && byDue_.begin()->at <= clock_.steadyNow() + horizon;
  return waiting_.empty() && inFlight_.empty() && !due;
}

std::size_t WorkQueue::depth() const {
  std::lock_guard lock(mutex_);
  return waiting_.size();
}

Lane WorkQueue::laneOf(const std::string& key) const {
  std::lock_guard lock(mutex_);
  const auto flying = inFlight_.find(key);
  return flying == inFlight_.end() ? Lane::kFresh : flying->second.lane;
}

WorkQueue::Unfinished WorkQueue::unfinished() const {
  std::lock_guard lock(mutex_);
  const SteadyPoint now = clock_.steadyNow();
  Unfinished work;
  for (const auto& [key, flying] : inFlight_) {
    work.longest = std::max(work.longest, now - flying.since);
    work.total += now - flying.since;
  }
  return work;
}

std::size_t WorkQueue::inFlight() const {
  std::lock_guard lock(mutex_);
  return inFlight_.size();
}

}  // namespace bco
