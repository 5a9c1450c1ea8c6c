#include "http/stream_queue.h"

#include <utility>

namespace bco::http {

void StreamQueue::begin(Response head) {
  std::lock_guard lock(mutex_);
  head_ = std::move(head);
}

bool StreamQueue::push(std::string_view bytes) {
  bool hasRoom = false;
  bool isFirst = false;
  {
    std::lock_guard lock(mutex_);
    isFirst = bytes_.empty();
    bytes_ += bytes;
    hasRoom = bytes_.size() < limit_;
    full_ = !hasRoom;
  }
  if (isFirst) clock_.wakeOne(changed_);  // else somebody has been woken already
  return hasRoom;
}

void StreamQueue::end(Result<Response> result) {
  {
    std::lock_guard lock(mutex_);
    if (!end_) end_ = std::move(result);
  }
  clock_.wakeAll(changed_);
}

StreamQueue::Taken StreamQueue::take(std::string& bytes, SteadyPoint deadline,
                                     const std::stop_token& stop) {
  bytes.clear();
  std::unique_lock lock(mutex_);
  const bool ready = waitUntil(clock_, lock, changed_, deadline, stop,
                               [this] { return !bytes_.empty() || end_.has_value(); });
  if (stop.stop_requested()) return {Outcome::kStopped};
  if (!ready) return {Outcome::kSilent};
  if (bytes_.empty()) return {Outcome::kEnded};
  bytes.swap(bytes_);
  return {Outcome::kBytes, full_};
}

Response StreamQueue::head() const {
  std::lock_guard lock(mutex_);
  return head_;
}

Result<Response> StreamQueue::result() {
  std::unique_lock lock(mutex_);
  waitUntil(clock_, lock, changed_, kForever, {}, [this] { return end_.has_value(); });
  return *end_;
}

}  // namespace bco::http
