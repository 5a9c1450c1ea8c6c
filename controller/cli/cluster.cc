#include "cli/cluster.h"

#include "api/json_decode.h"
#include "kube/leader.h"

namespace bco::cli {
namespace {

constexpr std::size_t kInFlight = 16;

// The server says itself when it is too much (429, priority and fairness).
http::Budgets unlimited(Clock& clock) {
  return http::Budgets::shared(
      std::make_shared<http::TokenBucket>(http::BucketOptions{1e6, 1e6}, clock));
}

http::PoolOptions leasePool(http::PoolOptions pool) {
  pool.attemptDeadline = kube::kLeaseCallDeadline;
  return pool;
}

}  // namespace

Result<std::unique_ptr<Cluster>> Cluster::open(const kube::ConfigChoice& choice,
                                               Duration attemptDeadline,
                                               http::AttemptObserver& observer, Clock& clock,
                                               Random& random) {
  auto config = kube::loadConfig(choice, kube::processSurroundings(), clock);
  if (!config) return fail(std::move(config.error()));
  const auto proxies = http::ProxySettings::fromEnvironment();
  if (!proxies) return fail(proxies.error());
  auto pool = kube::poolOptions(*config, *proxies);
  if (!pool) return fail(withContext(std::move(pool.error()), config->origin));
  pool->maxInFlight = kInFlight;
  pool->attemptDeadline = attemptDeadline;
  return std::unique_ptr<Cluster>(new Cluster(*std::move(config), *pool, observer, clock, random));
}

Cluster::Cluster(kube::ClusterConfig config, const http::PoolOptions& pool,
                 http::AttemptObserver& observer, Clock& clock, Random& random)
    : config_(std::move(config)),
      watches_(pool, clock),
      leases_(leasePool(pool), clock),
      upstream_(
          {.name = "kubernetes", .attemptDeadline = pool.attemptDeadline},
          std::make_unique<http::ClientPool>(pool, clock), unlimited(clock),
          [this] { return gate_(); }, observer, clock, random),
      client_({.server = config_.server, .token = config_.token, .isAnybodys = true}, upstream_,
              &watches_, clock),
      leaderClient_({.server = config_.server, .token = config_.token}, upstream_, &watches_,
                    clock),
      leaseClient_({.server = config_.server, .token = config_.token}, leases_, &watches_, clock) {}

void Cluster::closeAll() {
  close();
  leases_.close();
  watches_.close();
}

Result<std::string> Cluster::id() {
  const auto json = client_.get({"", "v1", "namespaces"}, {"", "kube-system"});
  if (!json) return fail(json.error());
  auto meta = api::decodeMeta(*json);
  if (!meta) return fail(std::move(meta.error()));
  return meta->uid;
}

}  // namespace bco::cli
