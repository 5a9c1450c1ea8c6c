// The way of every request: classified, counted, perhaps struck by a fault or held, answered by its
// cloud.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sandbox/faults.h"
#include "sandbox/holds.h"
#include "sandbox/kinds.h"
#include "sandbox/timers.h"
#include "sandbox/traffic.h"
#include "server/http_server.h"

namespace bco::sandbox {

// Which server a request came in by.
enum class Listener : std::size_t { kHttp, kHttps };

// Lets a request take effect and makes the answer. Called with the world's mutex held.
using Effect = std::function<server::Reply(const Kind& kind, const server::Request& request,
                                           Listener listener)>;

class Front {
 public:
  Front(World& world, Effect effect) : world_(world), effect_(std::move(effect)) {}

  // Thread-safe; call it without the mutex.
  void handle(server::Request request, server::Responder responder, Listener listener);

  // The rest needs the world's mutex held.
  [[nodiscard]] Traffic& traffic() { return traffic_; }
  [[nodiscard]] Faults& faults() { return faults_; }
  [[nodiscard]] Holds& holds() { return holds_; }

  // Sends what has become ready under the mutex. Call it without: a server may take the next
  // request from within a responder.
  void flush();

 private:
  struct Exchange {
    server::Request request;
    server::Responder responder;
    Listener listener;
    Kind kind;
    std::optional<Fault> fault;
    server::Reply reply;
  };
  using Shared = std::shared_ptr<Exchange>;
  using Ready = std::vector<std::pair<server::Responder, server::Reply>>;

  // The stations of a request, in their order; each goes on to the next, now or later.
  void holdBefore(const Shared& exchange);
  void faultBefore(const Shared& exchange);
  void takeEffect(const Shared& exchange);
  void holdAfter(const Shared& exchange);
  void faultAfter(const Shared& exchange);
  void deliver(const Shared& exchange);
  // Ends without an answer: with a reset, or by leaving the client alone.
  void cut(const Shared& exchange, bool hang);
  // Goes on with `station` in real time.
  void later(const Shared& exchange, void (Front::*station)(const Shared&));

  static void send(Ready& ready);
  [[nodiscard]] const std::string& date();

  World& world_;
  const Effect effect_;
  Traffic traffic_;
  Faults faults_;
  Holds holds_;
  Ready ready_;  // answers to be sent once the mutex is free
  std::string date_;
  TimePoint dateSecond_;
};

}  // namespace bco::sandbox
