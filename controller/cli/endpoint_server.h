// The provisioning endpoint as a part of a running command: its listener, and the files it reads.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "cli/endpoint_flags.h"
#include "endpoint/endpoint.h"
#include "metrics/metrics.h"
#include "server/http_server.h"

namespace bco::cli {

class EndpointServer {
 public:
  struct Parts {
    const Context& context;
    FleetSources& fleets;
    bool storeBlocks;
    // Nothing, or why nobody can be served yet.
    std::function<std::string()> isReady;
  };

  // Listens from its return on. What `parts` names must outlive it. kInvalid: a flag or file can't
  // be used; kUnavailable: the address can't be bound.
  // Its counts are shown in `metrics` for as long as it is there.
  [[nodiscard]] static Result<std::unique_ptr<EndpointServer>> start(const EndpointFlags& flags,
                                                                     const Parts& parts,
                                                                     metrics::Metrics& metrics);
  ~EndpointServer();
  EndpointServer(const EndpointServer&) = delete;
  EndpointServer& operator=(const EndpointServer&) = delete;

  // Takes no more connections, lets those who wait have their answers, and after `grace` tells the
  // rest to come back.
  void drain(Duration grace);

 private:
  EndpointServer(const EndpointFlags& flags, const Parts& parts);
  [[nodiscard]] Status open();
  // Reads the files again when they have changed, until `stop`: what is wrong with them then is
  // logged, and what was read before stays in use.
  void followFiles(const std::stop_token& stop);
  [[nodiscard]] Status readTokens();
  [[nodiscard]] Result<server::TlsFiles> readTls() const;
  [[nodiscard]] std::string fingerprint() const;

  const EndpointFlags flags_;
  const Context& context_;
  std::unique_ptr<endpoint::Endpoint> endpoint_;
  std::unique_ptr<server::HttpServer> server_;  // ends before the endpoint does
  std::string used_;                            // fingerprint of the files in use
  std::jthread watcher_;
};

}  // namespace bco::cli
