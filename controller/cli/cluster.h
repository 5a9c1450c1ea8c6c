// A cluster's API server, as a command talks to it.
#pragma once

#include <memory>
#include <string>

#include "core/boottime_clock.h"
#include "core/random.h"
#include "http/client_pool.h"
#include "http/upstream.h"
#include "kube/client.h"
#include "kube/config.h"

namespace bco::cli {

class Cluster {
 public:
  // Reads the configuration; sends nothing. `attemptDeadline`: how long one attempt of a call may
  // take, what a lease must last for at least. kInvalid: what is wrong with it. All must outlive
  // it.
  [[nodiscard]] static Result<std::unique_ptr<Cluster>> open(const kube::ConfigChoice& choice,
                                                             Duration attemptDeadline,
                                                             http::AttemptObserver& observer,
                                                             Clock& clock, Random& random);

  // Repeats what may be repeated, and gives a server that is down a rest. For what any replica may
  // write.
  [[nodiscard]] kube::Client& client() { return client_; }
  // The same for what only the leader may write: each attempt of a write asks the gate, the last
  // thing before it is sent.
  [[nodiscard]] kube::Client& leaderClient() { return leaderClient_; }
  // To be set before anything is written; open until then.
  void setWriteGate(http::WriteGate gate) { gate_ = std::move(gate); }
  // On connections of its own, with nothing that could delay a renewal.
  [[nodiscard]] kube::Client& leaseClient() { return leaseClient_; }
  [[nodiscard]] const kube::ClusterConfig& config() const { return config_; }

  // Ends every call and whatever comes later with kUnavailable, but for the lease's and watches.
  // Thread-safe, as is closeAll(), which ends those too.
  void close() { upstream_.close(); }
  void closeAll();

  // The cluster's own id: the uid of namespace kube-system.
  [[nodiscard]] Result<std::string> id();

 private:
  Cluster(kube::ClusterConfig config, const http::PoolOptions& pool,
          http::AttemptObserver& observer, Clock& clock, Random& random);

  const kube::ClusterConfig config_;
  http::WriteGate gate_ = [] { return true; };
  http::ClientPool watches_;
  http::ClientPool leases_;
  http::Upstream upstream_;
  kube::Client client_;
  kube::Client leaderClient_;
  kube::Client leaseClient_;
};

}  // namespace bco::cli
