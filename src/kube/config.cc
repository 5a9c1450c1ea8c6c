#include "kube/config.h"

#include <array>
#include <cstdlib>

#include "core/text.h"
#include "http/trust.h"
#include "kube/config_file.h"

namespace bco::kube {
namespace {

struct Refusal {
  std::string_view key;
  std::string_view why;
};

constexpr std::array<Refusal, 2> kRefusedOfCluster = {{
    {"insecure-skip-tls-verify",
     "insecure-skip-tls-verify would hand our token to anybody; set certificate-authority-data to "
     "the cluster's CA"},
    {"proxy-url", "proxy-url is not supported; set HTTPS_PROXY instead"},
}};

constexpr std::array<Refusal, 8> kRefusedOfUser = {{
    {"exec",
     "exec plugins are not run; use a user with a token, for one made by `kubectl create token`, "
     "or with a client certificate"},
    {"auth-provider",
     "auth-provider plugins are not run; use a user with a token, for one made by `kubectl create "
     "token`, or with a client certificate"},
    {"username", "passwords are not supported by Kubernetes any more; use a token"},
    {"password", "passwords are not supported by Kubernetes any more; use a token"},
    {"as", "impersonation is not supported; use a user with rights of its own"},
    {"as-uid", "impersonation is not supported; use a user with rights of its own"},
    {"as-groups", "impersonation is not supported; use a user with rights of its own"},
    {"as-user-extra", "impersonation is not supported; use a user with rights of its own"},
}};

template <class Refusals>
Status refuseAnyOf(const ConfigFile& file, const yaml::Node& entry, const Refusals& refusals) {
  for (const auto& [key, why] : refusals) {
    const yaml::Node* const value = entry.find(key);
    const bool isSet = value != nullptr && value->kind != yaml::Kind::kNull &&
                       !(value->kind == yaml::Kind::kBool && value->scalar.reveal() == "false") &&
                       !(value->kind == yaml::Kind::kString && value->scalar.empty());
    if (isSet) return file.refuse(*value, std::string(why));
  }
  return {};
}

Status readCluster(const ConfigFile& file, const yaml::Node& cluster, ClusterConfig& config) {
  if (auto fine = refuseAnyOf(file, cluster, kRefusedOfCluster); !fine) return fine;
  config.server = ConfigFile::text(cluster, "server");
  if (const auto url = http::parseUrl(config.server); !url) {
    const yaml::Node* const server = cluster.find("server");
    return file.refuse(server != nullptr ? *server : cluster, "server: " + url.error().message);
  }
  config.serverName = ConfigFile::text(cluster, "tls-server-name");
  const auto ca = file.content(cluster, "certificate-authority");
  if (!ca) return fail(ca.error());
  config.caPem = ca->reveal();
  return {};
}

Status readUser(const ConfigFile& file, const yaml::Node& user, const Clock& clock,
                ClusterConfig& config) {
  if (auto fine = refuseAnyOf(file, user, kRefusedOfUser); !fine) return fine;
  const auto certificate = file.content(user, "client-certificate");
  if (!certificate) return fail(certificate.error());
  const auto key = file.content(user, "client-key");
  if (!key) return fail(key.error());
  if (!certificate->empty() || !key->empty()) {
    auto identity = http::ClientIdentity::load(certificate->reveal(), *key);
    if (!identity) return file.refuse(user, identity.error().message);
    config.identity = *std::move(identity);
  }
  // As kubectl: the file is the newer one.
  if (const std::string path = ConfigFile::text(user, "tokenFile"); !path.empty()) {
    config.token = TokenSource::file(file.resolved(path), clock);
  } else if (const yaml::Node* token = user.find("token");
             token != nullptr && !token->scalar.empty()) {
    config.token = TokenSource::fixed(token->scalar.clone());
  }
  return {};
}

Result<ClusterConfig> readContext(const ConfigFile& file, const std::string& name,
                                  const Clock& clock) {
  const auto missing = [&](std::string_view what, const std::string& which) {
    return fail(ErrorCode::kInvalid,
                file.path() + ": there is no " + std::string(what) + " '" + which + "'");
  };
  if (name.empty()) {
    return fail(ErrorCode::kInvalid, file.path() + ": there is no current-context; choose one");
  }
  const yaml::Node* const context = file.find("contexts", name);
  if (context == nullptr) return missing("context", name);
  const std::string clusterName = ConfigFile::text(*context, "cluster");
  const yaml::Node* const cluster = file.find("clusters", clusterName);
  if (cluster == nullptr) return missing("cluster", clusterName);

  ClusterConfig config;
  config.space = ConfigFile::text(*context, "namespace");
  if (config.space.empty()) config.space = "default";
  config.origin = "kubeconfig " + file.path() + ", context " + name;
  if (auto read = readCluster(file, *cluster, config); !read) return fail(std::move(read.error()));
  // A cluster without authentication needs no user.
  const std::string userName = ConfigFile::text(*context, "user");
  if (userName.empty()) return config;
  const yaml::Node* const user = file.find("users", userName);
  if (user == nullptr) return missing("user", userName);
  if (auto read = readUser(file, *user, clock, config); !read) return fail(std::move(read.error()));
  return config;
}

// $KUBECONFIG.
Result<ClusterConfig> loadFirstOf(std::string_view paths, const std::string& context,
                                  const Clock& clock) {
  for (const std::string_view path : split(paths, ':')) {
    if (path.empty()) continue;
    const auto file = ConfigFile::read(std::string(path));
    if (!file && file.error().code == ErrorCode::kNotFound) continue;
    if (!file) return fail(file.error());
    const std::string name = context.empty() ? file->currentContext() : context;
    if (!name.empty() && file->find("contexts", name) != nullptr) {
      return readContext(*file, name, clock);
    }
  }
  const std::string wanted = context.empty() ? "its current context" : "context '" + context + "'";
  return fail(ErrorCode::kInvalid,
              "no file of KUBECONFIG (" + std::string(paths) + ") is there and has " + wanted);
}

}  // namespace

Surroundings processSurroundings() {
  return {.variable = [](const std::string& name) {
    const char* const value = std::getenv(name.c_str());
    return std::string(value == nullptr ? "" : value);
  }};
}

Result<ClusterConfig> loadConfig(const ConfigChoice& choice, const Surroundings& surroundings,
                                 const Clock& clock) {
  if (!choice.kubeconfig.empty()) {
    return loadKubeconfig(choice.kubeconfig, choice.context, clock);
  }
  if (const std::string paths = surroundings.variable("KUBECONFIG"); !paths.empty()) {
    return loadFirstOf(paths, choice.context, clock);
  }
  if (choice.context.empty() && !surroundings.variable("KUBERNETES_SERVICE_PORT").empty()) {
    return loadInCluster(surroundings, clock);
  }
  const std::string home = surroundings.variable("HOME");
  if (!home.empty()) {
    auto config = loadKubeconfig(home + "/.kube/config", choice.context, clock);
    if (config || config.error().code != ErrorCode::kNotFound) return config;
  }
  return fail(ErrorCode::kInvalid,
              "no cluster is configured: not in a Pod, and neither KUBECONFIG nor ~/.kube/config "
              "is there");
}

Result<ClusterConfig> loadInCluster(const Surroundings& surroundings, const Clock& clock) {
  const std::string& folder = surroundings.serviceAccount;
  const auto ca = readConfigFile(folder + "/ca.crt");
  if (!ca) {
    return fail(withContext(ca.error(), "the Pod's service account (is its token mounted?)"));
  }
  ClusterConfig config;
  config.server =
      "https://kubernetes.default.svc:" + surroundings.variable("KUBERNETES_SERVICE_PORT");
  if (const auto url = http::parseUrl(config.server); !url) {
    return fail(withContext(url.error(), "KUBERNETES_SERVICE_PORT"));
  }
  config.caPem = ca->reveal();
  config.token = TokenSource::file(folder + "/token", clock);
  const auto space = readConfigFile(folder + "/namespace");
  config.space = space ? std::string(trim(space->reveal())) : "default";
  config.inCluster = true;
  config.origin = "the Pod's service account";
  return config;
}

Result<ClusterConfig> loadKubeconfig(const std::string& path, const std::string& context,
                                     const Clock& clock) {
  const auto file = ConfigFile::read(path);
  if (!file) return fail(file.error());
  return readContext(*file, context.empty() ? file->currentContext() : context, clock);
}

Result<http::PoolOptions> poolOptions(const ClusterConfig& config,
                                      const http::ProxySettings& proxies) {
  auto trust = http::Trust::load({.system = config.caPem.empty(), .extraPem = config.caPem});
  if (!trust) return fail(withContext(trust.error(), config.origin));
  return http::PoolOptions{.trust = *std::move(trust),
                           .proxies = config.inCluster ? http::ProxySettings() : proxies,
                           .identity = config.identity,
                           .serverName = config.serverName};
}

}  // namespace bco::kube
