#include "cli/cloud_factory.h"

#include <map>
#include <mutex>

#include "balena/client.h"
#include "clearblade/client.h"
#include "cli/budget_share.h"
#include "http/client_pool.h"
#include "http/trust_cache.h"
#include "http/url.h"
#include "reconcile/inputs.h"

namespace bco::cli {
namespace {

// Of a pool; the account's own limit counts, and is at most the largest that can be configured.
constexpr std::size_t kMostConnections = 1000;

// A client together with the upstream it talks to, which others may share, and its own word on how
// much of a budget may be used.
struct BalenaConnection {
  std::shared_ptr<http::Upstream> upstream;
  std::shared_ptr<const BudgetShare> share;
  balena::Client client;

  BalenaConnection(std::shared_ptr<http::Upstream> shared, std::shared_ptr<const BudgetShare> own,
                   const Clock& clock, const std::string& url, SharedSecret token)
      : upstream(std::move(shared)),
        share(std::move(own)),
        client(*upstream, clock, url, [token = std::move(token)] { return token; }) {}
};

struct RegistryConnection {
  std::shared_ptr<http::Upstream> upstream;
  std::shared_ptr<const BudgetShare> share;
  clearblade::Client client;

  RegistryConnection(std::shared_ptr<http::Upstream> shared, std::shared_ptr<const BudgetShare> own,
                     Clock& clock, const clearblade::ServiceAccount& account,
                     const clearblade::RegistryName& registry)
      : upstream(std::move(shared)),
        share(std::move(own)),
        client(*upstream, clock, account, registry) {}
};

// Shown in metrics; a URL that can't be used may hold anything.
std::string hostOf(const std::string& url) {
  const auto parsed = http::parseUrl(url);
  return parsed ? parsed->host : "invalid";
}

// Which Secret holds the certificates that an object trusts: what is wrong with them is mended
// there.
template <class Object>
std::string caSecretOf(const Object& object) {
  if (!object.spec.ca) return {};
  return "caSecretRef: Secret " +
         toString(api::ObjectKey{object.meta.key.space, object.spec.ca->name}) + ", key " +
         object.spec.ca->key;
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
        random_(random),
        trusts_(clock) {}

  Result<std::shared_ptr<balena::BalenaApi>> connectBalena(
      const api::BalenaFleet& fleet, SharedSecret token,
      const std::optional<std::string>& caPem) override {
    const api::FleetBudget& budget = fleet.spec.budget;
    // Who uses the same token shares its budget; the smallest of several counts.
    const std::string account = digestOfInputs({"balena", fleet.spec.apiUrl, token->reveal()});
    const http::UpstreamLabel label{"balena", hostOf(fleet.spec.apiUrl)};
    const auto calls = bucketOf(account, label, "calls");
    const auto inFlight = inFlightOf(account);
    auto own = std::make_shared<BudgetShare>();
    own->allowCalls("requestsPerSecond", 1,
                    {budget.requestsPerSecond, static_cast<double>(budget.burst)}, calls);
    own->allowInFlight(static_cast<std::size_t>(budget.maxInFlight), inFlight);
    auto upstream = share(digestOfInputs({account, caPem.value_or("")}), label, caPem,
                          caSecretOf(fleet), inFlight, http::Budgets::shared(calls));
    if (!upstream) return fail(std::move(upstream.error()));
    note(fleet, own);
    auto connection = std::make_shared<BalenaConnection>(*upstream, std::move(own), clock_,
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
    const http::UpstreamLabel label{"clearblade", registry.spec.project};
    auto own = std::make_shared<BudgetShare>();
    const auto allow = [&](const std::string& name, const std::string& field, int calls) {
      auto bucket = bucketOf(project, label, name);
      own->allowCalls(field, 60, perMinute(calls), bucket);
      return bucket;
    };
    const http::Budgets budgets = {
        allow("reads", "readsPerMinute", budget.readsPerMinute),
        allow("creates", "createDeletePerMinute", budget.createDeletePerMinute),
        allow("updates", "updatesPerMinute", budget.updatesPerMinute)};
    const auto inFlight = inFlightOf(project);
    own->allowInFlight(static_cast<std::size_t>(budget.maxInFlight), inFlight);
    // Regions fail apart.
    auto upstream = share(digestOfInputs({project, registry.spec.region, caPem.value_or("")}),
                          {"clearblade", registry.spec.project + "/" + registry.spec.region}, caPem,
                          caSecretOf(registry), inFlight, budgets);
    if (!upstream) return fail(std::move(upstream.error()));
    note(registry, own);
    auto connection = std::make_shared<RegistryConnection>(
        *upstream, std::move(own), clock_, *account,
        clearblade::RegistryName{registry.spec.project, registry.spec.region,
                                 registry.spec.registry});
    return std::shared_ptr<clearblade::RegistryApi>(connection, &connection->client);
  }

  [[nodiscard]] std::string smallerBudget(api::ObjectKind kind,
                                          const api::ObjectKey& key) const override {
    std::shared_ptr<const BudgetShare> own;
    {
      std::lock_guard lock(mutex_);
      const auto known = shares_.find({kind, key});
      if (known != shares_.end()) own = known->second.lock();
    }
    return own == nullptr ? std::string() : own->smaller();
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
  // The account's budget of this name.
  std::shared_ptr<http::TokenBucket> bucketOf(const std::string& account,
                                              const http::UpstreamLabel& label,
                                              const std::string& name) {
    std::lock_guard lock(mutex_);
    bool isNew = false;
    auto bucket = shared(buckets_, account + ' ' + name, isNew, clock_);
    if (isNew) directory_.add(label, name, bucket);
    return bucket;
  }

  std::shared_ptr<http::InFlightLimit> inFlightOf(const std::string& account) {
    std::lock_guard lock(mutex_);
    bool isNew = false;
    return shared(inFlight_, account, isNew);
  }

  // What somebody uses under this key, or a new one. With the lock held.
  template <class T, class... Arguments>
  static std::shared_ptr<T> shared(std::map<std::string, std::weak_ptr<T>>& all,
                                   const std::string& key, bool& isNew, Arguments&... arguments) {
    std::erase_if(all, [](const auto& entry) { return entry.second.expired(); });
    auto& known = all[key];
    auto existing = known.lock();
    isNew = existing == nullptr;
    if (isNew) known = existing = std::make_shared<T>(arguments...);
    return existing;
  }

  template <class Object>
  void note(const Object& object, const std::shared_ptr<const BudgetShare>& own) {
    std::lock_guard lock(mutex_);
    std::erase_if(shares_, [](const auto& entry) { return entry.second.expired(); });
    shares_[{Object::kKind, object.meta.key}] = own;
  }

  // The upstream of these inputs, made when there is none. `caSecret`: where `caPem` is from.
  Result<std::shared_ptr<http::Upstream>> share(const std::string& inputs,
                                                const http::UpstreamLabel& label,
                                                const std::optional<std::string>& caPem,
                                                const std::string& caSecret,
                                                std::shared_ptr<http::InFlightLimit> inFlight,
                                                http::Budgets budgets) {
    if (auto existing = existingOf(inputs); !existing || *existing) return existing;
    // Made without the lock: certificates are read.
    auto trust = trusts_.get(caPem);
    if (!trust && caPem) return fail(withContext(std::move(trust.error()), caSecret));
    if (!trust) return fail(std::move(trust.error()));
    auto proxies = http::ProxySettings::fromEnvironment();
    if (!proxies) return fail(std::move(proxies.error()));
    http::PoolOptions pool{.trust = *trust, .proxies = std::move(*proxies)};
    pool.maxInFlight = kMostConnections;
    pool.shared = std::move(inFlight);
    pool.attemptDeadline = options_.attemptDeadline;
    http::UpstreamOptions options{.name = label.name};
    options.attemptDeadline = options_.attemptDeadline;
    options.totalDeadline = options_.callDeadline;
    const auto made = std::make_shared<http::Upstream>(
        std::move(options), std::make_unique<http::ClientPool>(std::move(pool), clock_),
        std::move(budgets), gate_, observer_, clock_, random_);
    std::lock_guard lock(mutex_);
    if (closed_) return fail(shuttingDown());
    std::erase_if(upstreams_, [](const auto& entry) { return entry.second.expired(); });
    auto& known = upstreams_[inputs];
    if (auto others = known.lock()) return others;  // came first
    known = made;
    directory_.add(label, made);
    return made;
  }

  // nullptr: there is none yet.
  Result<std::shared_ptr<http::Upstream>> existingOf(const std::string& inputs) {
    std::lock_guard lock(mutex_);
    if (closed_) return fail(shuttingDown());
    const auto known = upstreams_.find(inputs);
    return known == upstreams_.end() ? nullptr : known->second.lock();
  }

  static Error shuttingDown() { return {ErrorCode::kUnavailable, "shutting down"}; }

  const HttpOptions options_;
  const http::WriteGate gate_;
  http::AttemptObserver& observer_;
  http::UpstreamDirectory& directory_;
  Clock& clock_;
  Random& random_;
  http::TrustCache trusts_;
  mutable std::mutex mutex_;  // guards all below
  std::map<std::string, std::weak_ptr<http::Upstream>> upstreams_;
  std::map<std::string, std::weak_ptr<http::TokenBucket>> buckets_;
  std::map<std::string, std::weak_ptr<http::InFlightLimit>> inFlight_;
  std::map<std::pair<api::ObjectKind, api::ObjectKey>, std::weak_ptr<const BudgetShare>> shares_;
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
