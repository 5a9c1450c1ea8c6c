// The endpoint before a running engine and two clouds in memory.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "endpoint/endpoint.h"
#include "tests/controller/reconcile/world.h"

namespace bco::endpoint {

using namespace std::chrono_literals;
using test::idOf;
using test::kFleetId;
using test::kOtherFleetId;
using test::uuidOf;

inline constexpr auto kToken = "0123456789abcdef";
inline const std::string kBearer = "Bearer " + std::string(kToken);

inline std::string headerOf(const server::Reply& reply, std::string_view name) {
  for (const auto& [key, value] : reply.headers) {
    if (key == name) return value;
  }
  return "";
}

// Holds calls of one kind to a cloud. To be made before the first call.
class Gate {
 public:
  explicit Gate(test::FakeBalena& cloud) {
    cloud.log().onCall([state = state_](const std::string& call) {
      std::unique_lock lock(state->mutex);
      if (call != state->held) return;
      state->isReached = true;
      state->changed.notify_all();
      state->changed.wait(lock, [&] { return call != state->held; });
    });
  }
  ~Gate() { open(); }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  void close(const std::string& call) {
    std::lock_guard lock(state_->mutex);
    state_->held = call;
    state_->isReached = false;
    state_->changed.notify_all();
  }
  void untilReached() {
    std::unique_lock lock(state_->mutex);
    EXPECT_TRUE(state_->changed.wait_for(lock, 10s, [this] { return state_->isReached; }));
  }
  void open() {
    std::lock_guard lock(state_->mutex);
    state_->held.clear();
    state_->changed.notify_all();
  }

 private:
  struct State {
    std::mutex mutex;  // guards all below
    std::condition_variable changed;
    std::string held;
    bool isReached = false;
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

class EndpointTest : public test::World {
 protected:
  EndpointTest() { context_.backoff = {1s, 5min}; }
  ~EndpointTest() override { stop(); }

  void start(bool sweeps = false) {
    apply();
    views_.forget(test::kFleetKey);
    engine_ =
        std::make_unique<Engine>(context_, factory_, shareSecret(SecretBytes(std::string(32, 'f'))),
                                 EngineOptions{.workers = 2, .sweepers = 1, .sweeps = sweeps});
    endpoint_ = std::make_unique<Endpoint>(context_, engine_->fleets(), options_,
                                           [this] { return notReady_; });
    endpoint_->setTokens(*parseTokens(SecretBytes(kToken)));
    thread_ = std::jthread([this](const std::stop_token& ended) { engine_->run(ended); });
    untilLookedAt();
  }
  // This clock stands still for who waits for the first look; and who asks while it is under way
  // may have two passes made, the second of them beside what a test looks at or changes next.
  void untilLookedAt(const api::ObjectKey& key = test::kFleetKey) {
    const auto isLookedAt = [&] {
      const auto fleet = store_.fleets().get(key);
      return views_.knows(key) && fleet->status.observedGeneration == fleet->meta.generation;
    };
    while (!isLookedAt()) std::this_thread::yield();
  }
  void stop() {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    thread_.join();
    endpoint_.reset();
  }

  std::future<server::Reply> send(server::Request request) {
    auto promise = std::make_shared<std::promise<server::Reply>>();
    auto reply = promise->get_future();
    if (request.peer.empty()) request.peer = "192.0.2.1";
    endpoint_->handle(std::move(request),
                      [promise](server::Reply answer) { promise->set_value(std::move(answer)); });
    return reply;
  }
  static server::Reply await(std::future<server::Reply> reply) {
    if (reply.wait_for(10s) != std::future_status::ready) {
      ADD_FAILURE() << "no answer";
      return {};
    }
    return reply.get();
  }
  static server::Request ask(const std::string& method, int n, const std::string& more = "") {
    return {.method = method,
            .target = "/provision",
            .headers = {{"Content-Type", "application/json"}},
            .body = R"({"uuid":")" + uuidOf(n) + "\"" + more + "}"};
  }
  server::Reply post(int n, const std::string& more = "") {
    return await(send(ask("POST", n, more)));
  }
  server::Reply remove(int n) {
    auto request = ask("DELETE", n);
    request.headers.emplace_back("Authorization", kBearer);
    return await(send(std::move(request)));
  }

  EndpointOptions options_;
  std::string notReady_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Endpoint> endpoint_;
  std::jthread thread_;
};

}  // namespace bco::endpoint
