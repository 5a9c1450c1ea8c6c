#include "cli/session.h"

#include <iostream>

#include "api/files.h"
#include "cli/endpoint_server.h"
#include "cli/metrics_server.h"
#include "cli/version.h"

namespace bco::cli {
namespace {

constexpr Duration kFilePollInterval = std::chrono::seconds(1);

}  // namespace

std::unique_ptr<Session> Session::open(const CommonOptions& options,
                                       const std::string& defaultLogLevel,
                                       const MetricsFlags& metrics, bool sweeps) {
  std::unique_ptr<Session> session(new Session(
      options, options.logLevel.empty() ? defaultLogLevel : options.logLevel, metrics, sweeps));
  if (!session->load()) return nullptr;
  return session;
}

Session::Session(const CommonOptions& options, const std::string& logLevel,
                 const MetricsFlags& metrics, bool sweeps)
    : options_(options),
      metricsFlags_(metrics),
      log_(telemetry::LogOptions{
          *telemetry::parseLevel(logLevel),
          options.logFormat == "json" ? telemetry::LogFormat::kJson : telemetry::LogFormat::kText}),
      store_(clock_, options.secretsDir),
      metrics_({std::string(versionText()), metrics.perDevice}),
      context_{store_,  views_, tally_,  clock_,
               random_, log_,   events_, BackoffPolicy{options.retryInitial, options.retryLongest}},
      factory_(makeHttpCloudFactory(
          {options.attemptDeadline, options.callDeadline}, [] { return true; }, metrics_.attempts(),
          metrics_.upstreams(), clock_, random_)),
      engine_(context_, *factory_, drawSeed(random_),
              {options.workers, 4, &metrics_.deviceQueue(), &metrics_.fleetQueue(), sweeps}) {
  if (metrics.address.empty()) return;
  context_.observer = &metrics_.passes();
  metrics_.show(context_, engine_, [] { return true; });
}

Result<std::unique_ptr<server::HttpServer>> Session::serveMetrics() {
  return cli::serveMetrics(metricsFlags_.address, metrics_, log_);
}

bool Session::load() {
  loadedFiles_ = api::fingerprintOf(options_.files);
  loadedSecrets_ = api::fingerprintOfSecrets(options_.secretsDir);
  auto manifests = api::loadManifests(options_.files, options_.secretsDir);
  if (!manifests) {
    for (const std::string& problem : manifests.error()) std::cerr << problem << '\n';
    return false;
  }
  secretFiles_ = std::move(manifests->secretFiles);
  warnOfReadable();
  store_.apply(std::move(*manifests));
  for (const auto& registry : store_.registries().list()) {
    const auto seed = store_.secret(registry->meta.key.space, registry->spec.keySeed);
    if (!seed && seed.error().code == ErrorCode::kNotFound) {
      isSeedRandom_ = true;
      log_.warn(
          "no key seed: using a random one for this run; keys of an interrupted run can't be "
          "delivered again for an hour",
          {{"registry", toString(registry->meta.key)}, {"secret", registry->spec.keySeed.name}});
    }
  }
  return true;
}

void Session::warnOfReadable() {
  for (const auto& file : secretFiles_) {
    if (!api::isReadableByAll(file) || !warnedOf_.insert(file).second) continue;
    log_.warn("every user of this machine can read a file that holds secrets",
              {{"file", file.string()}, {"cure", "chmod 600 " + file.string()}});
  }
}

std::jthread Session::limitShutdown(std::stop_token stop, Duration grace) {
  return cli::limitShutdown(*factory_, clock_, std::move(stop), grace);
}

Status Session::lockUnlessSeeded() {
  if (!isSeedRandom_) return {};
  auto lock = DirectoryLock::acquire(options_.files);
  if (!lock) {
    return fail(withContext(std::move(lock.error()),
                            "without a key seed one process alone may write keys (give it one by "
                            "the Secret that keySeedSecretRef names)"));
  }
  lock_.emplace(std::move(*lock));
  return {};
}

int Session::runWithEndpoint(const EndpointFlags& flags, const std::stop_token& stop,
                             const std::atomic<unsigned>& reloads) {
  std::stop_source ended;
  // From the stop itself, for the endpoint's callers and what the engine has under way share the
  // grace. Outlives the endpoint: what that still asks balena ends in time, too.
  const std::jthread limit = limitShutdown(stop, options_.shutdownGrace);
  auto endpoint = EndpointServer::start(
      flags, {context_, engine_.fleets(), false, [] { return std::string(); }}, metrics_);
  if (!endpoint) {
    std::cerr << endpoint.error().message << '\n';
    return kExitBadInput;
  }
  {
    const std::jthread engine([&] { engine_.run(ended.get_token()); });
    followFiles(stop, reloads);
    (*endpoint)->drain(options_.shutdownGrace);
    ended.request_stop();
  }
  return kExitDone;
}

void Session::followFiles(const std::stop_token& stop, const std::atomic<unsigned>& reloads) {
  std::string used = loadedFiles_;
  std::string usedSecrets = loadedSecrets_;
  unsigned heeded = 0;
  api::ProblemTexts told;
  while (sleepFor(clock_, kFilePollInterval, stop)) {
    const unsigned asked = reloads.load();
    const bool isAsked = asked != heeded;
    const std::string now = api::fingerprintOf(options_.files);
    const std::string secrets = api::fingerprintOfSecrets(options_.secretsDir);
    const bool areSecretsNew = isAsked || secrets != usedSecrets;
    heeded = asked;
    usedSecrets = secrets;
    if (areSecretsNew) {
      warnOfReadable();
      store_.secretsChanged();
      log_.info("secrets read again");
    }
    if (now == used && !isAsked) {
      if (!told.empty()) log_.info("the files are again what is in force");
      told.clear();
      continue;
    }
    auto manifests = api::loadManifests(options_.files, options_.secretsDir);
    const api::ProblemTexts problems =
        manifests ? store_.immutableChanges(*manifests) : std::move(manifests.error());
    // Tried again at every look: what is missing may be a file elsewhere.
    if (problems != told) {
      for (const std::string& problem : problems) {
        log_.error("the changed files are not used; what was read before stays in force",
                   {{"problem", problem}});
      }
      told = problems;
    }
    if (!problems.empty()) continue;
    used = now;
    secretFiles_ = std::move(manifests->secretFiles);
    warnOfReadable();
    store_.apply(std::move(*manifests));
    log_.info("files read again");
  }
}

}  // namespace bco::cli
