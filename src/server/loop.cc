#include "server/loop.h"

#include <poll.h>
#include <pthread.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <csignal>

#include "server/connection.h"

namespace bco::server {
namespace {

using std::chrono::milliseconds;

// Often enough for the shortest timeout to be kept within a quarter.
milliseconds sweepInterval(const Options& options) {
  const auto shortest = std::min({options.headTimeout, options.bodyTimeout, options.idleTimeout});
  return std::clamp(shortest / 4, milliseconds(5), milliseconds(250));
}

// An IPv4 peer of a socket for both families, by its own address.
boost::asio::ip::address unmapped(const boost::asio::ip::address& peer) {
  if (!peer.is_v6() || !peer.to_v6().is_v4_mapped()) return peer;
  return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, peer.to_v6());
}

}  // namespace

// Where a reply goes.
struct Loop::Ticket {
  std::weak_ptr<Loop> loop;
  std::weak_ptr<Connection> connection;
  std::uint64_t exchange = 0;

  void deliver(Reply reply) const {
    if (const auto alive = connection.lock()) alive->reply(exchange, std::move(reply));
  }
};

// The responder handed to the handler. With its last copy goes the hope for a reply.
class Loop::Answer {
 public:
  explicit Answer(std::shared_ptr<const Ticket> ticket) : ticket_(std::move(ticket)) {}

  void operator()(Reply reply) const {
    const auto loop = ticket_->loop.lock();
    if (loop == nullptr) return;
    if (std::this_thread::get_id() == loop->threadId_) return ticket_->deliver(std::move(reply));
    boost::asio::post(loop->context_, [ticket = ticket_, answer = std::move(reply)]() mutable {
      ticket->deliver(std::move(answer));
    });
  }

 private:
  std::shared_ptr<const Ticket> ticket_;
};

Loop::Loop(std::shared_ptr<ServerState> state)
    : state_(std::move(state)), work_(context_.get_executor()), sweepTimer_(context_) {}

Loop::~Loop() = default;

void Loop::start() {
  thread_ = std::thread([this] {
    // OpenSSL writes with write(2), which signals a broken pipe.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    threadId_ = std::this_thread::get_id();
    context_.run();
  });
}

void Loop::stop() {
  context_.stop();
  if (thread_.joinable()) thread_.join();
  while (!connections_.empty()) connections_.back()->close();
  sweepTimer_.cancel();
  // Runs the cancelled waits, which hold the last references to the connections.
  context_.restart();
  context_.poll();
}

void Loop::adopt(boost::asio::ip::tcp::socket socket) {
  boost::system::error_code error;
  const auto peer = socket.remote_endpoint(error);
  if (error || draining_) return;
  if (state_->connections >= options().maxConnections) makeRoom();
  if (state_->connections >= options().maxConnections) return;
  const auto connection = std::make_shared<Connection>(
      *this, std::move(socket), ++state_->lastConnection, unmapped(peer.address()).to_string());
  ++state_->connections;
  connection->slot = connections_.size();
  connections_.push_back(connection);
  if (!sweeping_) armSweep();
  connection->start();
}

std::weak_ptr<const void> Loop::handle(Request request, std::weak_ptr<Connection> connection,
                                       std::uint64_t exchange) {
  const auto ticket =
      std::make_shared<const Ticket>(Ticket{weak_from_this(), std::move(connection), exchange});
  state_->handler(std::move(request), Answer(ticket));
  return ticket;
}

void Loop::forget(Connection& connection) {
  const std::size_t slot = connection.slot;
  const auto keep = std::move(connections_[slot]);
  if (slot + 1 != connections_.size()) {
    connections_[slot] = std::move(connections_.back());
    connections_[slot]->slot = slot;
  }
  connections_.pop_back();
  --state_->connections;
  if (keep.use_count() > 1) return;
  // Its own method is running: let that return first.
  boost::asio::post(context_, [keep] {});
}

void Loop::armSweep() {
  sweeping_ = true;
  sweepTimer_.expires_after(sweepInterval(options()));
  sweepTimer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    sweep();
    sweeping_ = !connections_.empty();
    if (sweeping_) armSweep();
  });
}

void Loop::sweep() {
  const auto now = Connection::Steady::now();
  std::vector<std::shared_ptr<Connection>> late;
  for (const auto& connection : connections_) {
    if (connection->deadline() <= now) late.push_back(connection);
  }
  for (const auto& connection : late) connection->expire();
  dropDeserted(false);
}

void Loop::drain() {
  draining_ = true;
  std::vector<std::shared_ptr<Connection>> idle;
  for (const auto& connection : connections_) {
    if (connection->isIdle()) idle.push_back(connection);
  }
  for (const auto& connection : idle) connection->close();
}

void Loop::makeRoom() {
  if (!closeSome(&Connection::isWaitedFor)) dropDeserted(true);
}

void Loop::noteHeld(std::size_t before, std::size_t now) {
  state_->heldBytes += now - before;  // modulo its width
  if (now <= before) return;
  while (state_->heldBytes > options().maxHeldBytes && closeSome(&Connection::isHolding)) {
  }
}

bool Loop::closeSome(bool (Connection::*isOne)() const) {
  // Some at once: looking for them takes longer than closing them.
  constexpr std::size_t kShare = 16;
  std::vector<std::shared_ptr<Connection>> all;
  for (const auto& connection : connections_) {
    if ((*connection.*isOne)()) all.push_back(connection);
  }
  const std::size_t count = std::min(all.size(), std::max<std::size_t>(all.size() / kShare, 1));
  const auto end = all.begin() + static_cast<std::ptrdiff_t>(count);
  std::ranges::partial_sort(all, end, {}, [](const auto& each) { return each->lastWordAt(); });
  std::for_each(all.begin(), end, [](const auto& each) { each->close(); });
  return count > 0;
}

void Loop::dropDeserted(bool halfClosedToo) {
  std::vector<pollfd> sockets;
  std::vector<std::shared_ptr<Connection>> waiting;
  for (const auto& connection : connections_) {
    if (!connection->isHandling()) continue;
    sockets.push_back({connection->descriptor(), POLLRDHUP, 0});
    waiting.push_back(connection);
  }
  if (sockets.empty() || ::poll(sockets.data(), sockets.size(), 0) <= 0) return;
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    const bool isHalfClosed = (sockets[i].revents & POLLRDHUP) != 0;
    const bool isClosed = (sockets[i].revents & (POLLHUP | POLLERR)) != 0;
    // Who has only said his last word may still listen.
    const bool isPointless = halfClosedToo || waiting[i]->isForgotten();
    if (isClosed || (isHalfClosed && isPointless)) waiting[i]->close();
  }
}

}  // namespace bco::server
