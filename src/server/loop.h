// One thread of the server with the connections that live on it.
#pragma once

#include <openssl/types.h>

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "server/http_server.h"
#include "server/reply_writer.h"
#include "server/tls_context.h"

namespace bco::server {

class Connection;

// What all loops of a server share. `options` and `handler` are written before they start.
class ServerState {
 public:
  Options options;
  Handler handler;
  std::atomic<std::size_t> connections{0};
  std::atomic<std::uint64_t> lastConnection{0};
  std::atomic<std::size_t> heldBytes{0};

  void setTls(TlsContext context) {
    std::lock_guard lock(mutex_);
    tls_ = std::move(context);
  }
  // nullptr without TLS.
  [[nodiscard]] std::shared_ptr<SSL_CTX> tls() const {
    std::lock_guard lock(mutex_);
    return tls_;
  }

 private:
  mutable std::mutex mutex_;  // guards tls_, which may be replaced at any time
  std::shared_ptr<SSL_CTX> tls_;
};

// Responders may be called when it is long gone. All but start(), stop() and context() belong to
// its thread.
class Loop : public std::enable_shared_from_this<Loop> {
 public:
  explicit Loop(std::shared_ptr<ServerState> state);
  ~Loop();

  void start();
  // Stops the thread and closes the connections. Call it once, from outside.
  void stop();

  // Takes a connected socket of this loop's context.
  void adopt(boost::asio::ip::tcp::socket socket);
  // Has the request handled. What is returned expires when nobody can answer it any more.
  std::weak_ptr<const void> handle(Request request, std::weak_ptr<Connection> connection,
                                   std::uint64_t exchange);
  void forget(Connection& connection);
  // One holds so much more, or less, than it did. May close it and others.
  void noteHeld(std::size_t before, std::size_t now);
  // Closes what is between two requests now, and the others in their time.
  void drain();
  [[nodiscard]] bool isDraining() const { return draining_; }

  [[nodiscard]] boost::asio::io_context& context() { return context_; }
  [[nodiscard]] const Options& options() const { return state_->options; }
  [[nodiscard]] ServerState& state() { return *state_; }
  [[nodiscard]] ReplyWriter& writer() { return writer_; }
  [[nodiscard]] std::array<char, 64 * 1024>& scratch() { return scratch_; }

 private:
  struct Ticket;
  class Answer;
  void armSweep();
  // Closes what is past its deadline, and what waits for a reply its client no longer wants.
  void sweep();
  // `halfClosedToo`: also those whose client will say no more, but may listen.
  void dropDeserted(bool halfClosedToo);
  // Closes some of those that we have been waiting for longest; if it is us they all wait for, the
  // half-closed ones.
  void makeRoom();
  // Closes some of those it is true of: the ones that have not got on for longest. False: there
  // are none.
  bool closeSome(bool (Connection::*isOne)() const);

  std::shared_ptr<ServerState> state_;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer sweepTimer_;
  bool sweeping_ = false;
  bool draining_ = false;
  std::vector<std::shared_ptr<Connection>> connections_;
  ReplyWriter writer_;
  std::array<char, 64 * 1024> scratch_;
  std::thread thread_;
  std::thread::id threadId_;
};

}  // namespace bco::server
