#include "server/http_server.h"

#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "core/text.h"
#include "server/loop.h"

namespace bco::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// How long to leave the listener alone when there are no descriptors left.
constexpr std::chrono::milliseconds kAcceptPause{100};

class AsioServer final : public HttpServer {
 public:
  AsioServer(std::shared_ptr<ServerState> state, int threads) {
    for (int i = 0; i < std::max(threads, 1); ++i) loops_.push_back(std::make_shared<Loop>(state));
  }

  ~AsioServer() override {
    // First the loop that accepts; its acceptor and timer go before its context does.
    for (const auto& loop : loops_) loop->stop();
    pause_.reset();
    acceptor_.reset();
  }

  Status listen(const Options& options) {
    error_code error;
    const bool isAny = options.address.empty();
    const auto address = isAny ? asio::ip::address(asio::ip::address_v6::any())
                               : asio::ip::make_address(options.address, error);
    if (error) return fail(ErrorCode::kInvalid, "not an IP address: " + options.address);
    acceptor_ = std::make_unique<tcp::acceptor>(loops_[0]->context());
    pause_ = std::make_unique<asio::steady_timer>(loops_[0]->context());
    socketBufferBytes_ = options.socketBufferBytes;
    error = bind({address, options.port}, isAny);
    const bool hasNoV6 = error == asio::error::address_family_not_supported ||
                         error == boost::system::errc::address_not_available;
    if (isAny && hasNoV6) error = bind({asio::ip::address_v4::any(), options.port}, false);
    if (!error) acceptor_->listen(asio::socket_base::max_listen_connections, error);
    if (!error) port_ = acceptor_->local_endpoint(error).port();
    if (error) {
      return fail(ErrorCode::kUnavailable, "can't listen on " + options.address + ":" +
                                               std::to_string(options.port) + ": " +
                                               error.message());
    }
    acceptNext();
    for (const auto& loop : loops_) loop->start();
    return {};
  }

  [[nodiscard]] std::uint16_t port() const override { return port_; }

  [[nodiscard]] Status useTls(const TlsFiles& files) override {
    auto tls = makeTlsContext(files);
    if (!tls) return fail(tls.error());
    loops_[0]->state().setTls(std::move(*tls));
    return {};
  }

  void drain() override {
    asio::post(loops_[0]->context(), [this] {
      error_code ignored;
      draining_ = true;
      pause_->cancel();
      acceptor_->close(ignored);
    });
    for (const auto& loop : loops_) {
      asio::post(loop->context(), [loop] { loop->drain(); });
    }
  }

  [[nodiscard]] std::size_t connections() const override { return loops_[0]->state().connections; }

 private:
  // `bothFamilies`: an address of IPv6 takes connections of IPv4 too.
  error_code bind(const tcp::endpoint& endpoint, bool bothFamilies) {
    error_code error;
    if (acceptor_->is_open()) acceptor_->close(error);
    acceptor_->open(endpoint.protocol(), error);
    if (!error) acceptor_->set_option(tcp::acceptor::reuse_address(true), error);
    // Accepted sockets have them from it, and so never a larger window.
    if (!error && socketBufferBytes_ > 0) {
      acceptor_->set_option(asio::socket_base::receive_buffer_size(socketBufferBytes_), error);
      if (!error) {
        acceptor_->set_option(asio::socket_base::send_buffer_size(socketBufferBytes_), error);
      }
    }
    if (!error && bothFamilies) acceptor_->set_option(asio::ip::v6_only(false), error);
    if (!error) acceptor_->bind(endpoint, error);
    return error;
  }

  void acceptNext() {
    if (draining_) return;
    Loop* const loop = loops_[nextLoop_++ % loops_.size()].get();
    acceptor_->async_accept(loop->context(), [this, loop](error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) {
        pause_->expires_after(kAcceptPause);
        pause_->async_wait([this](error_code cancelled) {
          if (!cancelled) acceptNext();
        });
        return;
      }
      asio::dispatch(loop->context(), [loop, accepted = std::move(socket)]() mutable {
        loop->adopt(std::move(accepted));
      });
      acceptNext();
    });
  }

  std::vector<std::shared_ptr<Loop>> loops_;
  std::unique_ptr<tcp::acceptor> acceptor_;
  std::unique_ptr<asio::steady_timer> pause_;
  std::size_t nextLoop_ = 0;
  bool draining_ = false;  // of the first loop's thread
  std::uint16_t port_ = 0;
  int socketBufferBytes_ = 0;
};

}  // namespace

std::optional<std::string_view> Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (equalsIgnoreCase(key, name)) return value;
  }
  return std::nullopt;
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(const Options& options, Handler handler) {
  auto state = std::make_shared<ServerState>();
  state->options = options;
  state->options.tls.reset();  // the key lives in the context alone
  state->handler = std::move(handler);
  if (options.tls) {
    auto tls = makeTlsContext(*options.tls);
    if (!tls) return fail(tls.error());
    state->setTls(std::move(*tls));
  }
  auto server = std::make_unique<AsioServer>(std::move(state), options.threads);
  if (auto listening = server->listen(options); !listening) return fail(listening.error());
  return server;
}

}  // namespace bco::server
