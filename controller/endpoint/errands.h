// What would block the server's thread: a few threads, made when they are needed first, and a queue
// that does not grow without end.
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

  Errands(Clock& clock, std::size_t threads, std::size_t most)
      : clock_(clock), mostThreads_(threads), most_(most) {}
  ~Errands() { stop(); }
  Errands(const Errands&) = delete;
  Errands& operator=(const Errands&) = delete;

  // Lets those under way end, told to stop; drops the others, and what comes from now on. Blocks.
  void stop();

  // False: there are too many already, or it has been stopped.
  [[nodiscard]] bool add(Errand errand);

 private:
  void run(const std::stop_token& stop);

  Clock& clock_;
  const std::size_t mostThreads_;
  const std::size_t most_;
  std::mutex mutex_;  // guards all below
  Condition added_;
  std::deque<Errand> queue_;
  std::size_t idle_ = 0;  // threads that wait for an errand
  bool stopped_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace bco::endpoint
