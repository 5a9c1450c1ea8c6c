// One client's connection: reads a request, has it handled, writes the reply, and again.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "server/channel.h"
#include "server/message_parser.h"
#include "server/reply_writer.h"

namespace bco::server {

class Loop;

// Lives on its loop's thread. At each moment it is in one state, waits for at most one thing, and
// has one deadline, which the loop looks at from time to time: no timer is set for a request.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Steady = std::chrono::steady_clock;

  Connection(Loop& loop, boost::asio::ip::tcp::socket socket, std::uint64_t number,
             std::string peer);

  void start();
  // The reply to request number `exchange`; ignored when that is not the one being handled.
  void reply(std::uint64_t exchange, Reply reply);
  // A deadline has passed.
  void expire();
  void close();

  [[nodiscard]] Steady::time_point deadline() const { return deadline_; }
  // Nobody but the handler can wake it now.
  [[nodiscard]] bool isHandling() const { return state_ == State::kHandling; }
  // Nobody can: the handler has dropped the request.
  [[nodiscard]] bool isForgotten() const { return hope_.expired(); }
  // Between two requests, or before the first.
  [[nodiscard]] bool isIdle() const { return state_ == State::kIdle; }
  // Its client is to say something.
  [[nodiscard]] bool isWaitedFor() const {
    return state_ == State::kHandshake || state_ == State::kIdle || state_ == State::kHead ||
           state_ == State::kBody || state_ == State::kDraining;
  }
  // It takes up memory that others may need.
  [[nodiscard]] bool isHolding() const { return heldBytes_ > 0; }
  // When it last got on: began, or went on to another part of a request or reply.
  [[nodiscard]] Steady::time_point lastWordAt() const { return enteredAt_; }
  [[nodiscard]] int descriptor() { return socket_.native_handle(); }

  std::size_t slot = 0;  // the loop's place for it

 private:
  enum class State {
    kHandshake,
    kIdle,      // between requests
    kHead,      // some of a request's head has come
    kBody,      // the head is complete
    kHandling,  // waits for the handler's reply
    kWriting,
    kDraining,  // has said its last word, and lets the client read it before closing
    kClosed,
  };

  // Goes on until it has to wait.
  void pump();
  // Tells the loop what it holds now.
  void account();
  [[nodiscard]] std::size_t held() const;
  // Each returns false when it waits or has closed.
  bool shakeHands();
  bool readOn();
  bool writeOn();
  bool drain();

  // Parses what has come, keeping what can't be used yet; true when the state has changed to one
  // in which nothing is to be read.
  bool take(std::string_view data);
  bool consume(std::string_view data, std::size_t& used);
  void handleRequest();
  void refuse(int status);
  void enter(State state);
  bool waitFor(Io io);

  Loop& loop_;
  boost::asio::ip::tcp::socket socket_;
  Channel channel_;
  MessageParser parser_;
  const std::uint64_t number_;
  const std::string peer_;

  State state_ = State::kHandshake;
  Steady::time_point deadline_;
  Steady::time_point enteredAt_;
  bool pumping_ = false;
  bool readable_ = false;  // something may have come since the last read
  std::string unparsed_;
  std::size_t heldBytes_ = 0;  // that the loop knows of
  std::uint64_t exchange_ = 0;
  std::weak_ptr<const void> hope_;  // of a reply to it
  ReplyForm form_;
  std::string head_;
  std::string body_;
  std::size_t written_ = 0;
  bool closeAfterReply_ = false;
  std::size_t drained_ = 0;
};

}  // namespace bco::server
