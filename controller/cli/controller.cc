#include <unistd.h>

#include <iostream>
#include <thread>

#include "cli/cloud_factory.h"
#include "cli/cluster.h"
#include "cli/commands.h"
#include "cli/endpoint_server.h"
#include "cli/health.h"
#include "cli/late_writes.h"
#include "cli/metrics_server.h"
#include "cli/shutdown.h"
#include "cli/version.h"
#include "core/memory.h"
#include "crypto/hash.h"
#include "kube/event_recorder.h"
#include "kube/leader.h"
#include "kube/leader_watch.h"
#include "reconcile/engine.h"
#include "store/kubernetes_store.h"

namespace bco::cli {
namespace {

// A write of which we don't know whether it happened has had its chance after this.
constexpr Duration kLateWrite = std::chrono::seconds(30);
constexpr Duration kRetry = std::chrono::seconds(2);
// For the last renewal's answer, and to give the lease back, after the grace.
constexpr Duration kGiveBack = std::chrono::seconds(10);

class RecordedEvents final : public EventSink {
 public:
  explicit RecordedEvents(kube::EventRecorder& recorder) : recorder_(recorder) {}
  void event(api::ObjectKind kind, const api::ObjectMeta& object, EventType type,
             std::string_view reason, const std::string& message) override {
    recorder_.event(
        {std::string(nameOf(kind)), std::string(api::kApiVersion), object.key.space,
         object.key.name, object.uid, std::to_string(object.resourceVersion)},
        type == EventType::kNormal ? kube::EventType::kNormal : kube::EventType::kWarning,
        std::string(reason), message);
  }

 private:
  kube::EventRecorder& recorder_;
};

std::string hostName() {
  char name[256] = {};
  return ::gethostname(name, sizeof(name) - 1) == 0 ? name : "unknown";
}

kube::LeaderOptions leaderOptions(const ControllerOptions& options, const std::string& space,
                                  Random& random) {
  kube::LeaderOptions leader;
  leader.lease = {options.leaseSpace.empty() ? space : options.leaseSpace, options.leaseName};
  leader.identity = kube::makeIdentity(hostName(), random);
  leader.leaseDuration = options.leaseDuration;
  leader.renewDeadline = options.renewDeadline;
  leader.retryPeriod = options.retryPeriod;
  return leader;
}

// A write must have ended before the lease can be another's: with such times none would ever begin.
Status validate(const ControllerOptions& options, const std::string& space, Random& random) {
  if (options.renewDeadline <= options.engine.attemptDeadline + options.retryPeriod) {
    return fail(
        ErrorCode::kInvalid,
        "--renew-deadline must be longer than --attempt-deadline and --retry-period together");
  }
  return kube::validate(leaderOptions(options, space, random));
}

// One replica: warm caches always, the engine while it leads.
class Controller {
 public:
  Controller(const ControllerOptions& options, Cluster& cluster, LateWrites& lateWrites,
             metrics::Metrics& metrics, Clock& clock, BoottimeClock& leaseClock, Random& random,
             telemetry::Logger& log)
      : options_(options),
        cluster_(cluster),
        lateWrites_(lateWrites),
        metrics_(metrics),
        clock_(clock),
        log_(log),
        store_(
            cluster.leaderClient(), cluster.client(), {options.space, options.selector},
            [this] { return mayWrite(); }, clock, random, log),
        recorder_({.instance = hostName()}, cluster.client(), clock, random, log),
        events_(recorder_),
        elector_(leaderOptions(options, cluster.config().space, random), cluster.leaseClient(),
                 leaseClock, random, log),
        lease_(elector_),
        leaseWatcher_(cluster.leaseClient(), kube::watchOf({leaseSpace(), options.leaseName}),
                      lease_, clock, random),
        context_{
            store_, views_, tally_,  clock,
            random, log,    events_, {options.engine.retryInitial, options.engine.retryLongest}},
        factory_(makeHttpCloudFactory(
            {options.engine.attemptDeadline, options.engine.callDeadline},
            [this] { return mayWrite(); }, lateWrites, metrics.upstreams(), clock, random)),
        engine_(context_, *factory_, drawSeed(random),
                {options.engine.workers, 4, &metrics.deviceQueue(), &metrics.fleetQueue()}) {
    cluster.setWriteGate([this] { return mayWrite(); });
    if (!options.metrics.address.empty()) measure();
  }

  int run(const std::stop_token& stop) {
    auto health = serveHealthIfAsked();
    if (!health) {
      std::cerr << health.error().message << '\n';
      return kExitBadInput;
    }
    const auto metrics = serveMetrics(options_.metrics.address, metrics_, log_);
    if (!metrics) {
      std::cerr << metrics.error().message << '\n';
      return kExitBadInput;
    }
    auto endpoint = serveEndpointIfAsked();
    if (!endpoint) {
      std::cerr << endpoint.error().message << '\n';
      return kExitBadInput;
    }
    std::stop_source over;  // stopped, or the lease is lost
    const std::stop_callback forward(stop, [&over] { over.request_stop(); });
    // Outlives all that may wait for the API server.
    const std::jthread limit = limitEnd(over.get_token());
    const std::jthread caches([this](const std::stop_token& ended) { store_.run(ended); });
    const std::jthread events([this](const std::stop_token& ended) { tellEvents(ended); });
    const std::jthread memory([this](const std::stop_token& ended) { keepSmall(ended); });
    // Nobody is taken on any more; who waits has his answer from whoever goes on, within the grace
    // that the engine has too.
    std::jthread draining([&] {
      if (*endpoint == nullptr) return;
      waitForStop(clock_, over.get_token());
      (*endpoint)->drain(options_.engine.shutdownGrace);
    });
    const int code = runReplica(over);
    over.request_stop();
    draining.join();
    endpoint->reset();
    return code;
  }

 private:
  static constexpr Duration kKeepSmall = std::chrono::seconds(30);

  // `over`: requested when it is to end, also by itself when the lease is lost.
  int runReplica(std::stop_source& over) {
    if (!options_.leaderElect) {
      work(over.get_token());
      return kExitDone;
    }
    std::jthread watch([this](const std::stop_token& ended) { leaseWatcher_.run(ended); });
    std::jthread election([&, this](const std::stop_token& ended) {
      elector_.run(
          ended, [this] { lead(); }, [this, &over] { lost_ = true, over.request_stop(); });
    });
    if (waitToLead(over.get_token())) work(over.get_token());
    // Renewed until here: what was under way needed it.
    election.request_stop();
    election.join();
    elector_.release(!lateWrites_.within(kLateWrite));
    return lost_ ? kExitNotConverged : kExitDone;
  }

  Result<std::unique_ptr<EndpointServer>> serveEndpointIfAsked() {
    if (options_.endpoint.address.empty()) return std::unique_ptr<EndpointServer>();
    return EndpointServer::start(
        options_.endpoint,
        {context_, engine_.fleets(), true,
         [this] { return store_.isSynced() ? "" : "the caches have not been filled yet"; }},
        metrics_);
  }

  // The last to speak: what a server doesn't take in time is not told.
  void tellEvents(const std::stop_token& ended) {
    const std::jthread limit = limitShutdown(
        clock_, ended, {{kube::EventRecorder::kLastWords, [this] { cluster_.close(); }}});
    recorder_.run(ended);
  }

  void lead() {
    {
      std::lock_guard lock(mutex_);
      leads_ = true;
    }
    clock_.wakeAll(led_);
  }

  // False when stopped before.
  bool waitToLead(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    waitUntil(clock_, lock, led_, kForever, stop, [this] { return leads_; });
    return elector_.isLeader();
  }

  // After the grace nothing is waited for but the lease, which is given back if that works at once.
  [[nodiscard]] std::jthread limitEnd(const std::stop_token& stop) {
    const Duration grace = options_.engine.shutdownGrace;
    const auto closeClouds = [this] {
      factory_->close();
      cluster_.close();
    };
    const auto closeAll = [this] { cluster_.closeAll(); };
    return limitShutdown(clock_, stop, {{grace, closeClouds}, {grace + kGiveBack, closeAll}});
  }

  [[nodiscard]] std::string leaseSpace() const {
    return options_.leaseSpace.empty() ? cluster_.config().space : options_.leaseSpace;
  }

  [[nodiscard]] bool mayWrite() const {
    return !options_.leaderElect || elector_.mayWrite(options_.engine.attemptDeadline);
  }

  Result<std::unique_ptr<server::HttpServer>> serveHealthIfAsked() {
    if (options_.healthAddress.empty()) return std::unique_ptr<server::HttpServer>();
    return serveHealth(
        options_.healthAddress, [this] { return stalled(); },
        [this] { return store_.isSynced() ? "" : "the caches have not been filled yet"; }, log_);
  }

  // Of all loops that do the work: why the process is no good any more.
  [[nodiscard]] std::string stalled() const {
    if (options_.leaderElect && !elector_.healthy()) return "leader election hangs";
    if (!store_.watchesTurn() || (options_.leaderElect && !leaseWatcher_.turns())) {
      return "a watch hangs";
    }
    return engine_.stalled();
  }

  void measureEvents(telemetry::Families& families) const {
    const auto events = families.counter("balena_clearblade_events_total",
                                         "Kubernetes events told of, and those that were not.");
    const kube::EventCounters counts = recorder_.counters();
    const auto add = [&events](std::string_view outcome, std::uint64_t count) {
      events.add({{"outcome", outcome}}, static_cast<double>(count));
    };
    add("sent", counts.sent);
    add("filtered", counts.filtered);
    add("dropped", counts.dropped);
    add("failed", counts.failed);
  }

  void measure() {
    context_.observer = &metrics_.passes();
    metrics_.show(context_, engine_,
                  [this] { return !options_.leaderElect || elector_.isLeader(); });
    metrics_.add([this](telemetry::Families& families) {
      measureEvents(families);
      const auto master = families.gauge("leader_election_master_status",
                                         "1 while this replica holds the Lease, 0 if not.");
      if (options_.leaderElect) {
        master.add({{"name", options_.leaseName}}, elector_.isLeader() ? 1 : 0);
      }
      const auto age = families.gauge("balena_clearblade_watch_age_seconds",
                                      "Time since the API server last said something on the watch "
                                      "of this resource, or since the start if it never has; a "
                                      "bookmark a minute is usual.");
      auto watches = store_.watches();
      if (options_.leaderElect) {
        watches.emplace_back(kube::kLeases.plural, leaseWatcher_.health());
      }
      for (const auto& [resource, health] : watches) {
        age.add({{"resource", resource}}, telemetry::seconds(health.silence));
      }
    });
  }

  // Lists of both clouds, and bursts of work, leave holes in the heap.
  void keepSmall(const std::stop_token& stop) {
    if (!store_.waitUntilSynced(stop)) return;
    returnStartupPages();
    do {
      returnFreeMemory();
    } while (sleepFor(clock_, kKeepSmall, stop));
  }

  // Reconciles until `stop`, and until what is under way then has ended.
  void work(const std::stop_token& stop) {
    if (!store_.waitUntilSynced(stop) || !learnOwner(stop)) return;
    engine_.run(stop);
  }

  // What registries that name no owner are owned by. Without the right to know, such registries
  // say so themselves.
  bool learnOwner(const std::stop_token& stop) {
    if (!options_.ownerId.empty()) {
      context_.defaultOwnerId = options_.ownerId;
      return true;
    }
    while (true) {
      auto id = cluster_.id();
      if (id) {
        context_.defaultOwnerId = *std::move(id);
        return true;
      }
      log_.warn("the cluster's id can't be read; registries need an ownerId without it",
                {{"error", id.error().message}});
      if (!traitsOf(id.error().code).transient) return true;
      if (!sleepFor(clock_, kRetry, stop)) return false;
    }
  }

  const ControllerOptions& options_;
  Cluster& cluster_;
  LateWrites& lateWrites_;
  metrics::Metrics& metrics_;
  Clock& clock_;
  telemetry::Logger& log_;
  store::KubernetesStore store_;
  kube::EventRecorder recorder_;
  RecordedEvents events_;
  kube::LeaderElector elector_;
  kube::LeaseSink lease_;
  kube::Watcher leaseWatcher_;
  std::atomic<bool> lost_{false};
  std::mutex mutex_;  // guards leads_
  Condition led_;
  bool leads_ = false;
  FleetViews views_;
  Tally tally_;
  Context context_;
  std::unique_ptr<CloudFactory> factory_;
  Engine engine_;
};

}  // namespace

int runController(const ControllerOptions& options, const std::stop_token& stop) {
  SystemClock clock;
  BoottimeClock leaseClock;
  crypto::SystemRandom random;
  telemetry::Logger log(telemetry::LogOptions{
      *telemetry::parseLevel(options.engine.logLevel.empty() ? "info" : options.engine.logLevel),
      options.engine.logFormat == "json" ? telemetry::LogFormat::kJson
                                         : telemetry::LogFormat::kText});
  metrics::Metrics metrics({std::string(versionText()), options.metrics.perDevice});
  // Of writes to the API server too: while one may still land, nobody else is to lead.
  LateWrites lateWrites(clock, &metrics.attempts());
  auto cluster = Cluster::open({options.kubeconfig, options.context},
                               options.engine.attemptDeadline, lateWrites, clock, random);
  if (!cluster) {
    std::cerr << cluster.error().message << '\n';
    return kExitBadInput;
  }
  if (options.leaderElect) {
    const Status valid = validate(options, (*cluster)->config().space, random);
    if (!valid) {
      std::cerr << valid.error().message << '\n';
      return kExitBadInput;
    }
  }
  log.info("starting", {{"cluster", (*cluster)->config().origin},
                        {"namespace", options.space.empty() ? "all" : options.space}});
  Controller controller(options, **cluster, lateWrites, metrics, clock, leaseClock, random, log);
  return controller.run(stop);
}

}  // namespace bco::cli
