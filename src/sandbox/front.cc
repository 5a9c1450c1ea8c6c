#include "sandbox/front.h"

#include "sandbox/connections.h"

namespace bco::sandbox {

void Front::handle(server::Request request, server::Responder responder, Listener listener) {
  const auto exchange = std::make_shared<Exchange>();
  exchange->kind = classify(request);
  exchange->request = std::move(request);
  exchange->responder = std::move(responder);
  exchange->listener = listener;
  Ready ready;
  {
    const std::lock_guard lock(world_.mutex);
    const bool isNew = traffic_.arrived(exchange->kind.name, static_cast<std::size_t>(listener),
                                        exchange->request.connection);
    if (isNew) traffic_.sawConnections(openConnections());
    exchange->fault = faults_.strike(exchange->kind.name, exchange->request.target);
    holdBefore(exchange);
    ready.swap(ready_);
  }
  send(ready);
}

void Front::flush() {
  Ready ready;
  {
    const std::lock_guard lock(world_.mutex);
    ready.swap(ready_);
  }
  send(ready);
}

void Front::send(Ready& ready) {
  for (auto& [responder, reply] : ready) responder(std::move(reply));
  ready.clear();
}

void Front::holdBefore(const Shared& exchange) {
  const bool held =
      holds_.stop(exchange->kind.name, false, exchange->request, [this, exchange](HoldEnd end) {
        end == HoldEnd::kRelease ? faultBefore(exchange) : cut(exchange, true);
      });
  if (!held) faultBefore(exchange);
}

void Front::faultBefore(const Shared& exchange) {
  const auto& fault = exchange->fault;
  if (!fault || fault->afterEffect) return takeEffect(exchange);
  switch (fault->type) {
    case FaultType::kStatus:
      exchange->reply = faultReply(*fault, exchange->kind.name);
      return deliver(exchange);
    case FaultType::kLatency:
      return later(exchange, &Front::takeEffect);
    case FaultType::kReset:
    case FaultType::kHang:
      return cut(exchange, fault->type == FaultType::kHang);
    case FaultType::kLate:
      world_.wire.after(fault->delay, [this, exchange] {
        (void)effect_(exchange->kind, exchange->request, exchange->listener);
      });
      return cut(exchange, fault->hang);
  }
}

void Front::takeEffect(const Shared& exchange) {
  exchange->reply = effect_(exchange->kind, exchange->request, exchange->listener);
  holdAfter(exchange);
}

void Front::holdAfter(const Shared& exchange) {
  const bool held =
      holds_.stop(exchange->kind.name, true, exchange->request, [this, exchange](HoldEnd end) {
        end == HoldEnd::kRelease ? faultAfter(exchange) : cut(exchange, true);
      });
  if (!held) faultAfter(exchange);
}

void Front::faultAfter(const Shared& exchange) {
  const auto& fault = exchange->fault;
  if (!fault || !fault->afterEffect) return deliver(exchange);
  switch (fault->type) {
    case FaultType::kStatus:
      exchange->reply = faultReply(*fault, exchange->kind.name);
      return deliver(exchange);
    case FaultType::kLatency:
      return later(exchange, &Front::deliver);
    case FaultType::kReset:
    case FaultType::kLate:
      return cut(exchange, false);
    case FaultType::kHang:
      return cut(exchange, true);
  }
}

void Front::deliver(const Shared& exchange) {
  server::Reply& reply = exchange->reply;
  traffic_.left(exchange->kind.name, reply.reset ? 0 : reply.status);
  reply.headers.emplace_back("Date", date());
  ready_.emplace_back(std::move(exchange->responder), std::move(reply));
}

void Front::cut(const Shared& exchange, bool hang) {
  traffic_.left(exchange->kind.name, 0);
  server::Reply reset;
  reset.reset = true;
  if (!hang) ready_.emplace_back(std::move(exchange->responder), std::move(reset));
  exchange->responder = nullptr;  // without an answer the server waits for the client to leave
}

void Front::later(const Shared& exchange, void (Front::*station)(const Shared&)) {
  world_.wire.after(exchange->fault->delay, [this, exchange, station] {
    (this->*station)(exchange);
    // On the wire's own thread, where a responder only passes the reply on to its server's.
    send(ready_);
  });
}

const std::string& Front::date() {
  const TimePoint second = std::chrono::floor<std::chrono::seconds>(world_.clock.now());
  if (date_.empty() || second != dateSecond_) {
    dateSecond_ = second;
    date_ = formatHttpDate(second);
  }
  return date_;
}

}  // namespace bco::sandbox
