// What would block the server's thread: a few threads and a queue that does not grow without end.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "core/clock.h"

namespace bco::endpoint {

class Errands {
 public:
  using Errand = std::function<void(const std::stop_token& stop)>;

  Errands(Clock& clock, int threads, std::size_t most);
  // Lets those under way end, told to stop; drops the others.
  ~Errands();
  Errands(const Errands&) = delete;
  Errands& operator=(const Errands&) = delete;

  // False: there are too many already.
  [[nodiscard]] bool add(Errand errand);

 private:
  void run(const std::stop_token& stop);

  Clock& clock_;
  const std::size_t most_;
  std::mutex mutex_;  // guards queue_
  Condition added_;
  std::deque<Errand> queue_;
  std::vector<std::jthread> threads_;
};

}  // namespace bco::endpoint
