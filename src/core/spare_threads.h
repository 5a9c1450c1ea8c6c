// Threads that run the same loop, of which one is always free for what comes next.
#pragma once

#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace bco {

// For loops that may be held up for long, by what is no business of the others': whoever takes up
// the last free thread starts another, which stays from then on. So there are as many as were ever
// busy at once, and one more. Thread-safe.
class SpareThreads {
 public:
  // Never more than `most`, which all may be busy then.
  explicit SpareThreads(std::size_t most) : most_(most) {}
  // As join(): the loops must have been told to end.
  ~SpareThreads() { join(); }
  SpareThreads(const SpareThreads&) = delete;
  SpareThreads& operator=(const SpareThreads&) = delete;

  // The first thread. `loop` is run by each of them, once.
  void start(std::function<void()> loop);
  // Waits until every loop has ended; none is started any more.
  void join();

  // A thread is busy while it holds one of these. On threads of others, before start(), it does
  // nothing.
  class Busy {
   public:
    explicit Busy(SpareThreads& threads) : threads_(threads) { threads_.enter(); }
    ~Busy() { threads_.leave(); }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

   private:
    SpareThreads& threads_;
  };

  // How many there are.
  [[nodiscard]] std::size_t size() const;

 private:
  void enter();
  void leave();
  void add();

  const std::size_t most_;
  mutable std::mutex mutex_;  // guards all below
  std::function<void()> loop_;
  std::vector<std::thread> threads_;
  std::size_t busy_ = 0;
};

}  // namespace bco
