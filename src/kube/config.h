// How to reach a cluster: from inside a Pod, or by a kubeconfig.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/clock.h"
#include "core/result.h"
#include "http/client_pool.h"
#include "http/identity.h"
#include "http/proxy.h"
#include "kube/token.h"

namespace bco::kube {

struct ClusterConfig {
  std::string server;      // "https://host:port", perhaps with a path
  std::string caPem;       // whom to trust, alone; empty: the system's certificates
  std::string serverName;  // what the server's certificate names; empty: the host of `server`
  std::optional<http::ClientIdentity> identity;
  std::shared_ptr<TokenSource> token;  // nullptr: none
  std::string space;                   // the namespace of those who name none
  bool inCluster = false;
  std::string origin;  // where all this is from, for logs: "kubeconfig /home/me/.kube/config, …"
};

// What a command line says about it; empty: nothing.
struct ConfigChoice {
  std::string kubeconfig = {};
  std::string context = {};
};

// Where configuration is looked for.
struct Surroundings {
  // A variable's value, empty when it is not set.
  std::function<std::string(const std::string& name)> variable;
  // What every Pod has.
  std::string serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";
};
[[nodiscard]] Surroundings processSurroundings();

// The first of these that there is:
//   1. choice.kubeconfig
//   2. $KUBECONFIG. Of several files, joined by ':', the first that has the context: choice.context
//      or the file's own current one. Unlike kubectl we don't merge files.
//   3. the Pod's service account, when $KUBERNETES_SERVICE_PORT is set and no context is asked for
//   4. ~/.kube/config
// kInvalid: it is there and wrong, or there is none; kNotFound: choice.kubeconfig is not there;
// kUnavailable: a file can't be read. `clock` must outlive the token.
[[nodiscard]] Result<ClusterConfig> loadConfig(const ConfigChoice& choice,
                                               const Surroundings& surroundings,
                                               const Clock& clock);

// The API server by the name of its service, which every cluster's DNS and certificate have: its
// address in the environment may be IPv6, which the HTTP library can't connect to.
[[nodiscard]] Result<ClusterConfig> loadInCluster(const Surroundings& surroundings,
                                                  const Clock& clock);

// `context` empty: the file's current one. Relative paths in it are relative to it. Refused
// (kInvalid, with what to do instead): exec and auth-provider plugins, passwords, impersonation,
// proxy-url, and insecure-skip-tls-verify, which would hand the token to anybody.
[[nodiscard]] Result<ClusterConfig> loadKubeconfig(const std::string& path,
                                                   const std::string& context, const Clock& clock);

// For the pool of connections to it. The proxies count for a kubeconfig only: a Pod's way to its
// own API server leads through none. kInvalid: a bad CA.
[[nodiscard]] Result<http::PoolOptions> poolOptions(const ClusterConfig& config,
                                                    const http::ProxySettings& proxies);

}  // namespace bco::kube
