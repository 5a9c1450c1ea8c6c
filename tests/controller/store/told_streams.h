// A stream that says what a test tells it, when the test tells it: for a watch that runs on a
// thread of its own.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>

#include "http/transport.h"

namespace bco::test {

// For one watch at a time. Every call waits for the watch, and for nothing else.
class ToldStreams final : public http::StreamTransport {
 public:
  // Returns when the watch has taken the piece.
  void say(std::string piece) {
    std::unique_lock lock(mutex_);
    piece_ = std::move(piece);
    changed_.notify_all();
    changed_.wait(lock, [this] { return !piece_; });
  }

  // Returns when the watch has asked for its stream number `count`.
  void awaitStream(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return asked_ >= count; });
  }

  [[nodiscard]] Result<http::Response> stream(const http::Request& /*request*/,
                                              const http::StreamOptions& /*options*/,
                                              const OnBytes& onBytes,
                                              const std::stop_token& stop) override {
    std::unique_lock lock(mutex_);
    ++asked_;
    changed_.notify_all();
    bool wanted = true;
    while (wanted && changed_.wait(lock, stop, [this] { return piece_.has_value(); })) {
      lock.unlock();
      wanted = onBytes(*piece_);
      lock.lock();
      piece_.reset();
      changed_.notify_all();
    }
    return http::Response{200, {}, ""};
  }

 private:
  std::mutex mutex_;  // guards all below
  std::condition_variable_any changed_;
  std::optional<std::string> piece_;
  int asked_ = 0;
};

}  // namespace bco::test
