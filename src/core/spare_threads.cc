#include "core/spare_threads.h"

#include <system_error>
#include <utility>

namespace bco {

void SpareThreads::start(std::function<void()> loop) {
  std::lock_guard lock(mutex_);
  loop_ = std::move(loop);
  add();
}

void SpareThreads::add() {
  if (!loop_ || threads_.size() >= most_) return;
  try {
    threads_.emplace_back(loop_);
  } catch (const std::system_error&) {
    // The system gives no more: those that are there go on.
    if (threads_.empty()) throw;
  }
}

void SpareThreads::enter() {
  std::lock_guard lock(mutex_);
  if (++busy_ >= threads_.size()) add();
}

void SpareThreads::leave() {
  std::lock_guard lock(mutex_);
  --busy_;
}

void SpareThreads::join() {
  std::vector<std::thread> threads;
  {
    std::lock_guard lock(mutex_);
    loop_ = nullptr;
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

std::size_t SpareThreads::size() const {
  std::lock_guard lock(mutex_);
  return threads_.size();
}

}  // namespace bco
