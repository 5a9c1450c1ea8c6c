#include "endpoint/errands.h"

#include <utility>

namespace bco::endpoint {

void Errands::stop() {
  std::vector<std::jthread> threads;
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    threads.swap(threads_);
  }
  for (auto& thread : threads) thread.request_stop();
}

bool Errands::add(Errand errand) {
  {
    std::lock_guard lock(mutex_);
    if (stopped_ || queue_.size() >= most_) return false;
    queue_.push_back(std::move(errand));
    if (queue_.size() > idle_ && threads_.size() < mostThreads_) {
      threads_.emplace_back([this](const std::stop_token& stop) { run(stop); });
    }
  }
  clock_.wakeOne(added_);
  return true;
}

void Errands::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    const bool isAsked =
        waitUntil(clock_, lock, added_, kForever, stop, [this] { return !queue_.empty(); });
    --idle_;
    if (!isAsked || stop.stop_requested()) return;
    const Errand errand = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    errand(stop);
    lock.lock();
  }
}

}  // namespace bco::endpoint
