#include "cli/cloud_factory.h"

#include <map>
#include <mutex>

#include "balena/client.h"
#include "clearblade/client.h"
#include "http/client_pool.h"
#include "http/url.h"
#include "reconcile/inputs.h"

namespace bco::cli {
namespace {

using Limits = std::vector<std::shared_ptr<const http::BucketOptions>>;

// A client together with the upstream it talks to, which others may share, and its own word on how
// much of a budget may be used.
struct BalenaConnection {
  std::shared_ptr<http::Upstream> upstream;
  Limits limits;
  balena::Client client;

  BalenaConnection(std::shared_ptr<http::Upstream> shared, Limits own, const Clock& clock,
                   const std::string& url, SharedSecret token)
      : upstream(std::move(shared)),
        limits(std::move(own)),
        client(*upstream, clock, url, [token = std::move(token)] { return token; }) {}
};

struct RegistryConnection {
  std::shared_ptr<http::Upstream> upstream;
  Limits limits;
  clearblade::Client client;

  RegistryConnection(std::shared_ptr<http::Upstream> shared, Limits own, Clock& clock,
                     const clearblade::ServiceAccount& account,
                     const clearblade::RegistryName& registry)
      : upstream(std::move(shared)),
        limits(std::move(own)),
        client(*upstream, clock, account, registry) {}
};

// Shown in metrics; a URL that can't be used may hold anything.
std::string hostOf(const std::string& url) {
  const auto parsed = http::parseUrl(url);
  return parsed ? parsed->host : "invalid";
}

http::BucketOptions perMinute(int calls) {
  // A tenth of a minute's calls may come at once.
  return {calls / 60.0, std::max(1.0, calls / 600.0)};
}

class HttpCloudFactory final : public CloudFactory {
 public:
  HttpCloudFactory(const HttpOptions& options, http::WriteGate gate,
                   http::AttemptObserver& observer, http::UpstreamDirectory& directory,
                   Clock& clock, Random& random)
      : options_(options),
        gate_(std::move(gate)),
        observer_(observer),
        directory_(directory),
        clock_(clock),
        random_(random) {}

  Result<std::shared_ptr<balena::BalenaApi>> connectBalena(
      const api::BalenaFleet& fleet, SharedSecret token,
      const std::optional<std::string>& caPem) override {
    const api::FleetBudget& budget = fleet.spec.budget;
    // Who uses the same token shares its budget; the smallest of several counts.
    const std::string account = digestOfInputs({"balena", fleet.spec.apiUrl, token->reveal()});
    const http::UpstreamLabel label{"balena", hostOf(fleet.spec.apiUrl)};
    Limits limits;
    const auto calls = limited(account, label, "calls", limits,
                               {budget.requestsPerSecond, static_cast<double>(budget.burst)});
    const std::string inputs =
        digestOfInputs({account, caPem.value_or(""), std::to_string(budget.maxInFlight)});
    auto upstream = share(inputs, label, caPem, budget.maxInFlight, http::Budgets::shared(calls));
    if (!upstream) return fail(std::move(upstream.error()));
    auto connection = std::make_shared<BalenaConnection>(*upstream, std::move(limits), clock_,
                                                         fleet.spec.apiUrl, std::move(token));
    return std::shared_ptr<balena::BalenaApi>(connection, &connection->client);
  }

  Result<std::shared_ptr<clearblade::RegistryApi>> connectRegistry(
      const api::ClearBladeRegistry& registry, SharedSecret serviceAccount,
      const std::optional<std::string>& caPem) override {
    const auto account = clearblade::parseServiceAccount(*serviceAccount, registry.spec.project);
    if (!account) return fail(withContext(account.error(), "serviceAccountSecretRef"));
    const api::RegistryBudget& budget = registry.spec.budget;
    const std::string project = digestOfInputs({"clearblade", account->url, account->project});
    Limits limits;
    const http::UpstreamLabel label{"clearblade", registry.spec.project};
    const http::Budgets budgets = {
        limited(project, label, "reads", limits, perMinute(budget.readsPerMinute)),
        limited(project, label, "creates", limits, perMinute(budget.createDeletePerMinute)),
        limited(project, label, "updates", limits, perMinute(budget.updatesPerMinute))};
    // Regions fail apart.
    const std::string inputs = digestOfInputs(
        {project, registry.spec.region, caPem.value_or(""), std::to_string(budget.maxInFlight)});
    auto upstream =
        share(inputs, {"clearblade", registry.spec.project + "/" + registry.spec.region}, caPem,
              budget.maxInFlight, budgets);
    if (!upstream) return fail(std::move(upstream.error()));
    auto connection = std::make_shared<RegistryConnection>(
        *upstream, std::move(limits), clock_, *account,
        clearblade::RegistryName{registry.spec.project, registry.spec.region,
                                 registry.spec.registry});
    return std::shared_ptr<clearblade::RegistryApi>(connection, &connection->client);
  }

  void close() override {
    // Closed, and perhaps destroyed, without the lock.
    std::vector<std::shared_ptr<http::Upstream>> open;
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
      for (const auto& [inputs, weak] : upstreams_) open.push_back(weak.lock());
    }
    for (const auto& upstream : open) {
      if (upstream != nullptr) upstream->close();
    }
  }

 private:
  // The account's budget of this name, which now also heeds `limit` for as long as `held` lives.
  std::shared_ptr<http::TokenBucket> limited(const std::string& account,
                                             const http::UpstreamLabel& label,
                                             const std::string& name, Limits& held,
                                             const http::BucketOptions& limit) {
    held.push_back(std::make_shared<const http::BucketOptions>(limit));
    std::lock_guard lock(mutex_);
    std::erase_if(buckets_, [](const auto& entry) { return entry.second.expired(); });
    auto& known = buckets_[account + ' ' + name];
    auto bucket = known.lock();
    if (bucket == nullptr) {
      known = bucket = std::make_shared<http::TokenBucket>(clock_);
      directory_.add(label, name, bucket);
    }
    bucket->limitTo(held.back());
    return bucket;
  }

  // The upstream of these inputs, made when there is none.
  Result<std::shared_ptr<http::Upstream>> share(const std::string& inputs,
                                                const http::UpstreamLabel& label,
                                                const std::optional<std::string>& caPem,
                                                int maxInFlight, http::Budgets budgets) {
    std::lock_guard lock(mutex_);
    if (closed_) return fail(ErrorCode::kUnavailable, "shutting down");
    std::erase_if(upstreams_, [](const auto& entry) { return entry.second.expired(); });
    if (auto existing = upstreams_[inputs].lock()) return existing;
    auto trust = trustOf(caPem);
    if (!trust) return fail(std::move(trust.error()));
    auto proxies = http::ProxySettings::fromEnvironment();
    if (!proxies) return fail(std::move(proxies.error()));
    http::PoolOptions pool{.trust = *trust, .proxies = std::move(*proxies)};
    pool.maxInFlight = static_cast<std::size_t>(maxInFlight);
    pool.attemptDeadline = options_.attemptDeadline;
    http::UpstreamOptions options{.name = label.name};
    options.attemptDeadline = options_.attemptDeadline;
    options.totalDeadline = options_.callDeadline;
    auto upstream = std::make_shared<http::Upstream>(
        std::move(options), std::make_unique<http::ClientPool>(std::move(pool), clock_),
        std::move(budgets), gate_, observer_, clock_, random_);
    upstreams_[inputs] = upstream;
    directory_.add(label, upstream);
    return upstream;
  }

  // The system's certificates are loaded once for all upstreams.
  Result<http::Trust> trustOf(const std::optional<std::string>& caPem) {
    const std::string key = caPem.value_or("");
    if (const auto found = trusts_.find(key); found != trusts_.end()) return found->second;
    auto trust = http::Trust::load({.system = !caPem, .extraPem = key});
    if (!trust) return caPem ? fail(withContext(std::move(trust.error()), "caSecretRef")) : trust;
    trusts_.emplace(key, *trust);
    return trust;
  }

  const HttpOptions options_;
  const http::WriteGate gate_;
  http::AttemptObserver& observer_;
  http::UpstreamDirectory& directory_;
  Clock& clock_;
  Random& random_;
  std::mutex mutex_;  // guards all below
  std::map<std::string, std::weak_ptr<http::Upstream>> upstreams_;
  std::map<std::string, std::weak_ptr<http::TokenBucket>> buckets_;
  std::map<std::string, http::Trust> trusts_;
  bool closed_ = false;
};

}  // namespace

std::unique_ptr<CloudFactory> makeHttpCloudFactory(const HttpOptions& options, http::WriteGate gate,
                                                   http::AttemptObserver& observer,
                                                   http::UpstreamDirectory& directory, Clock& clock,
                                                   Random& random) {
  return std::make_unique<HttpCloudFactory>(options, std::move(gate), observer, directory, clock,
                                            random);
}

}  // namespace bco::cli
