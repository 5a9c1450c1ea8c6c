#include "cli/cloud_factory.h"

#include "balena/client.h"
#include "clearblade/client.h"
#include "http/client_pool.h"

namespace bco::cli {
namespace {

// A client together with the connections it uses.
struct BalenaConnection {
  http::ClientPool pool;
  balena::Client client;

  BalenaConnection(http::PoolOptions options, Clock& clock, const std::string& url,
                   SharedSecret token)
      : pool(std::move(options), clock),
        client(pool, clock, url, [token = std::move(token)] { return token; }) {}
};

struct RegistryConnection {
  http::ClientPool pool;
  clearblade::Client client;

  RegistryConnection(http::PoolOptions options, Clock& clock,
                     const clearblade::ServiceAccount& account,
                     const clearblade::RegistryName& registry)
      : pool(std::move(options), clock), client(pool, clock, account, registry) {}
};

class HttpCloudFactory final : public CloudFactory {
 public:
  HttpCloudFactory(const HttpOptions& options, Clock& clock) : options_(options), clock_(clock) {}

  Result<std::shared_ptr<balena::BalenaApi>> connectBalena(
      const api::BalenaFleet& fleet, SharedSecret token,
      const std::optional<std::string>& caPem) override {
    auto options = poolOptions(caPem, fleet.spec.budget.maxInFlight);
    if (!options) return fail(std::move(options.error()));
    auto connection = std::make_shared<BalenaConnection>(std::move(*options), clock_,
                                                         fleet.spec.apiUrl, std::move(token));
    return std::shared_ptr<balena::BalenaApi>(connection, &connection->client);
  }

  Result<std::shared_ptr<clearblade::RegistryApi>> connectRegistry(
      const api::ClearBladeRegistry& registry, SharedSecret serviceAccount,
      const std::optional<std::string>& caPem) override {
    const clearblade::RegistryName name{registry.spec.project, registry.spec.region,
                                        registry.spec.registry};
    const auto account = clearblade::parseServiceAccount(*serviceAccount, registry.spec.project);
    if (!account) return fail(withContext(account.error(), "serviceAccountSecretRef"));
    auto options = poolOptions(caPem, registry.spec.budget.maxInFlight);
    if (!options) return fail(std::move(options.error()));
    auto connection =
        std::make_shared<RegistryConnection>(std::move(*options), clock_, *account, name);
    return std::shared_ptr<clearblade::RegistryApi>(connection, &connection->client);
  }

 private:
  Result<http::PoolOptions> poolOptions(const std::optional<std::string>& caPem, int maxInFlight) {
    auto trust = http::Trust::load({.system = !caPem, .extraPem = caPem.value_or("")});
    if (!trust) return fail(std::move(trust.error()));
    auto proxies = http::ProxySettings::fromEnvironment();
    if (!proxies) return fail(std::move(proxies.error()));
    http::PoolOptions options{.trust = std::move(*trust), .proxies = std::move(*proxies)};
    options.maxInFlight = static_cast<std::size_t>(maxInFlight);
    options.attemptDeadline = options_.attemptDeadline;
    return options;
  }

  const HttpOptions options_;
  Clock& clock_;
};

}  // namespace

std::unique_ptr<CloudFactory> makeHttpCloudFactory(const HttpOptions& options, Clock& clock,
                                                   Random&) {
  return std::make_unique<HttpCloudFactory>(options, clock);
}

}  // namespace bco::cli
