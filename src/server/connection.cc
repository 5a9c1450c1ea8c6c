#include "server/connection.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <utility>

#include "server/loop.h"

namespace bco::server {
namespace {

constexpr std::chrono::seconds kDrainTime{2};
// Who sends more than this after our last word does not listen for it.
constexpr std::size_t kDrainBytes = 1024 * 1024;
// A body this small goes out in one TLS record with its head.
constexpr std::size_t kOneRecordBytes = 15 * 1024;
// Read at once, unless a body needs more: the most that is kept of what comes behind a request
// until that has been answered. The rest stays with the kernel, and then with the client.
constexpr std::size_t kReadBytes = 4 * 1024;
// What a request may leave allocated on an idle connection.
constexpr std::size_t kKeptBytes = 4 * 1024;

}  // namespace

Connection::Connection(Loop& loop, boost::asio::ip::tcp::socket socket, std::uint64_t number,
                       std::string peer)
    : loop_(loop),
      socket_(std::move(socket)),
      channel_(socket_.native_handle(), loop.state().tls()),
      parser_(loop.options().maxHeadBytes, loop.options().maxBodyBytes),
      number_(number),
      peer_(std::move(peer)) {}

void Connection::start() {
  boost::system::error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  enter(State::kHandshake);
  // Who says nothing costs no handshake.
  if (channel_.isTls()) {
    (void)waitFor(Io::kWantRead);
  } else {
    pump();
  }
}

void Connection::enter(State state) {
  const auto& options = loop_.options();
  const auto now = Steady::now();
  state_ = state;
  enteredAt_ = now;
  switch (state) {
    case State::kHandshake:
    case State::kHead:
      deadline_ = now + options.headTimeout;
      break;
    case State::kIdle:
      deadline_ = now + options.idleTimeout;
      break;
    case State::kBody:
    case State::kWriting:
      deadline_ = now + options.bodyTimeout;
      break;
    case State::kDraining:
      deadline_ = now + kDrainTime;
      break;
    case State::kHandling:
    case State::kClosed:
      deadline_ = Steady::time_point::max();
      break;
  }
}

void Connection::pump() {
  if (pumping_) return;
  pumping_ = true;
  bool going = true;
  while (going) {
    switch (state_) {
      case State::kHandshake:
        going = shakeHands();
        break;
      case State::kIdle:
      case State::kHead:
      case State::kBody:
        going = readOn();
        break;
      case State::kWriting:
        going = writeOn();
        break;
      case State::kDraining:
        going = drain();
        break;
      case State::kHandling:
      case State::kClosed:
        going = false;
        break;
    }
  }
  pumping_ = false;
  account();
}

std::size_t Connection::held() const {
  if (state_ == State::kClosed) return 0;
  const std::size_t unread = state_ == State::kWriting ? head_.size() + body_.size() : 0;
  return unparsed_.size() + unread + parser_.heldBytes() + channel_.heldBytes();
}

void Connection::account() {
  const std::size_t now = held();
  if (now == heldBytes_) return;
  loop_.noteHeld(std::exchange(heldBytes_, now), now);
}

bool Connection::waitFor(Io io) {
  if (io != Io::kWantRead && io != Io::kWantWrite) {
    close();
    return false;
  }
  using Socket = boost::asio::ip::tcp::socket;
  const auto type = io == Io::kWantRead ? Socket::wait_read : Socket::wait_write;
  socket_.async_wait(type, [self = shared_from_this()](const boost::system::error_code& error) {
    if (error || self->state_ == State::kClosed) return;
    self->readable_ = true;
    self->pump();
  });
  return false;
}

bool Connection::shakeHands() {
  const Io io = channel_.handshake();
  if (io != Io::kDone) return waitFor(io);
  readable_ = channel_.hasBuffered();
  // A client that connects and says nothing is slower than one that pauses between requests.
  state_ = State::kIdle;
  return true;
}

bool Connection::readOn() {
  // Behind a request that has been answered since. Else it has been looked at.
  if (state_ == State::kIdle && !unparsed_.empty() && take({})) return true;
  while (readable_) {
    auto& scratch = loop_.scratch();
    const std::size_t most = std::clamp(parser_.missing(), kReadBytes, scratch.size());
    const auto transfer = channel_.read(scratch.data(), most);
    if (transfer.io != Io::kDone) {
      readable_ = false;
      return waitFor(transfer.io);
    }
    readable_ = channel_.isTls() ? channel_.hasBuffered() : transfer.bytes == most;
    if (state_ == State::kIdle) enter(State::kHead);
    if (take({scratch.data(), transfer.bytes})) return true;
  }
  return waitFor(Io::kWantRead);
}

bool Connection::take(std::string_view data) {
  std::size_t used = 0;
  if (unparsed_.empty()) {
    const bool changed = consume(data, used);
    unparsed_.assign(data.substr(used));
    return changed;
  }
  std::string pending = std::exchange(unparsed_, {});
  pending += data;
  const bool changed = consume(pending, used);
  // Into new memory of just its size.
  unparsed_ = std::string(pending, used);
  return changed;
}

bool Connection::consume(std::string_view data, std::size_t& used) {
  while (true) {
    if (state_ == State::kIdle) enter(State::kHead);
    std::size_t taken = 0;
    const Progress progress = parser_.feed(data.substr(used), taken);
    used += taken;
    switch (progress) {
      case Progress::kNeedMore:
        return false;
      case Progress::kHeadDone:
        enter(State::kBody);
        if (parser_.expectsContinue() && used == data.size()) {
          constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
          if (channel_.write(kContinue, {}).bytes != kContinue.size()) {
            close();
            return true;
          }
        }
        break;
      case Progress::kDone:
        handleRequest();
        return true;
      case Progress::kMalformed:
        refuse(400);
        return true;
      case Progress::kHeadTooLarge:
        refuse(431);
        return true;
      case Progress::kBodyTooLarge:
        refuse(413);
        return true;
    }
  }
}

void Connection::handleRequest() {
  Request& request = parser_.request();
  request.connection = number_;
  request.peer = peer_;
  form_ = {request.method == "HEAD", parser_.keepAlive(), acceptsGzip(request)};
  ++exchange_;
  enter(State::kHandling);
  const std::uint64_t exchange = exchange_;
  auto hope = loop_.handle(std::move(request), weak_from_this(), exchange);
  // Answered at once, it may be with the next request already.
  if (exchange == exchange_) hope_ = std::move(hope);
}

void Connection::refuse(int status) {
  Reply answer;
  if (const auto& onRefusal = loop_.options().onRefusal) answer = onRefusal(status, peer_);
  answer.status = status;
  form_ = {parser_.request().method == "HEAD", false, false};
  ++exchange_;
  enter(State::kHandling);
  reply(exchange_, std::move(answer));
}

void Connection::reply(std::uint64_t exchange, Reply reply) {
  if (state_ != State::kHandling || exchange != exchange_) return;
  if (reply.reset) {
    boost::system::error_code ignored;
    socket_.set_option(boost::asio::socket_base::linger(true, 0), ignored);
    close();
    return;
  }
  if (loop_.isDraining()) reply.close = true;
  closeAfterReply_ = reply.close || !form_.keepAlive;
  head_.clear();
  loop_.writer().write(reply, form_, head_);
  if (channel_.isTls() && reply.body.size() <= kOneRecordBytes) {
    head_ += reply.body;
    body_.clear();
  } else {
    body_ = std::move(reply.body);
  }
  written_ = 0;
  enter(State::kWriting);
  pump();
}

bool Connection::writeOn() {
  const std::size_t total = head_.size() + body_.size();
  while (written_ < total) {
    const auto first = std::string_view(head_).substr(std::min(written_, head_.size()));
    const std::size_t intoBody = written_ > head_.size() ? written_ - head_.size() : 0;
    const auto transfer = channel_.write(first, std::string_view(body_).substr(intoBody));
    if (transfer.io != Io::kDone) return waitFor(transfer.io);
    written_ += transfer.bytes;
    // Any progress counts: a slow reader of a long list is not a dead one.
    if (written_ < total) enter(State::kWriting);
  }
  if (head_.capacity() > kKeptBytes) std::string().swap(head_);
  std::string().swap(body_);
  if (closeAfterReply_) {
    // Nothing more is taken of what it has said.
    parser_.reset();
    std::string().swap(unparsed_);
    channel_.finish();
    enter(State::kDraining);
    return true;
  }
  parser_.reset();
  enter(State::kIdle);
  if (channel_.hasBuffered()) readable_ = true;
  return true;
}

bool Connection::drain() {
  while (true) {
    const auto transfer = channel_.discard();
    if (transfer.io != Io::kDone) return waitFor(transfer.io);
    drained_ += transfer.bytes;
    if (drained_ > kDrainBytes) {
      close();
      return false;
    }
  }
}

void Connection::expire() {
  if (state_ == State::kHead || state_ == State::kBody) {
    refuse(408);
    pump();
  } else {
    close();
  }
}

void Connection::close() {
  if (state_ == State::kClosed) return;
  enter(State::kClosed);
  boost::system::error_code ignored;
  socket_.close(ignored);
  account();
  loop_.forget(*this);
}

}  // namespace bco::server
