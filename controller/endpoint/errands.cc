#include "endpoint/errands.h"

#include <utility>

namespace bco::endpoint {

Errands::Errands(Clock& clock, int threads, std::size_t most) : clock_(clock), most_(most) {
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { run(stop); });
  }
}

void Errands::stop() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  for (auto& thread : threads_) thread.request_stop();
  threads_.clear();
}

bool Errands::add(Errand errand) {
  {
    std::lock_guard lock(mutex_);
    if (stopped_ || queue_.size() >= most_) return false;
    queue_.push_back(std::move(errand));
  }
  clock_.wakeOne(added_);
  return true;
}

void Errands::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (waitUntil(clock_, lock, added_, kForever, stop, [this] { return !queue_.empty(); })) {
    if (stop.stop_requested()) return;
    const Errand errand = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    errand(stop);
    lock.lock();
  }
}

}  // namespace bco::endpoint
