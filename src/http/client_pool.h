// The real HttpTransport: connections kept alive and shared, by the HTTP client of cpprestsdk, with
// the rules that it must be used under (docs/decisions/0001).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/clock.h"
#include "http/identity.h"
#include "http/in_flight_limit.h"
#include "http/proxy.h"
#include "http/transport.h"
#include "http/trust.h"

namespace bco::http {

struct PoolOptions {
  Trust trust;
  ProxySettings proxies = {};
  std::optional<ClientIdentity> identity = std::nullopt;  // for servers that ask who we are
  // The name that certificates must have instead of the URL's host; empty: that host.
  std::string serverName = {};
  // Most requests in flight, and so most connections; what is beyond waits its turn.
  std::size_t maxInFlight = 8;
  // Beside that, a limit that holds for several pools together.
  std::shared_ptr<InFlightLimit> shared = nullptr;
  // From when a request has its turn. A connection that stays silent for a second longer is closed
  // even if nobody waits.
  Duration attemptDeadline{15000};
  std::string userAgent = "balena-clearblade-operator";
};

// One attempt for each request, without any policy (see upstream.h for those). Redirects are
// returned, never followed: a followed one would carry the credential to another host. Answers may
// come compressed to reads. Never repeats a request of which a byte may have been sent.
//
// Threads: sendAll() and stream() may be called from any number of threads. All that touches a
// connection runs on the HTTP library's one thread, so nothing here needs a lock but the wait for a
// batch and the queue of a stream; called from that thread they would wait for themselves and are
// refused (kInternal).
class ClientPool final : public PooledTransport, public StreamTransport {
 public:
  // initializeHttp() must have run. `clock` must outlive the pool.
  ClientPool(PoolOptions options, Clock& clock);
  // As close(), then waits until the connections are gone, at most two seconds.
  ~ClientPool() override;
  ClientPool(const ClientPool&) = delete;
  ClientPool& operator=(const ClientPool&) = delete;

  // Beside what the interface lists: kInvalid for a URL that parseUrl() refuses or a header with a
  // line break; kUnavailable after close(). outcomeUnknown is right for reads too.
  using PooledTransport::sendAll;
  [[nodiscard]] std::vector<Result<Response>> sendAll(std::span<const Request> requests,
                                                      const MaySend& maySend) override;

  // Beside maxInFlight and without the attempt deadline, on connections of their own.
  [[nodiscard]] Result<Response> stream(const Request& request, const StreamOptions& options,
                                        const OnBytes& onBytes,
                                        const std::stop_token& stop) override;

  // Ends streams too.
  void close() override;

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace bco::http
