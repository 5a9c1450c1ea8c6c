#include <iostream>
#include <mutex>
#include <thread>

#include "cli/choose_fleet.h"
#include "cli/cluster.h"
#include "cli/device_command.h"
#include "cli/late_writes.h"
#include "cli/shutdown.h"
#include "crypto/hash.h"
#include "endpoint/choice.h"
#include "endpoint/conclusion.h"
#include "reconcile/requests.h"
#include "store/kubernetes_store.h"

namespace bco::cli {
namespace {

constexpr Duration kObjectsLook = std::chrono::milliseconds(20);

// Of reading objects: waiting does not mend it.
bool isHopeless(const Error& error) {
  return error.code == ErrorCode::kForbidden || error.code == ErrorCode::kUnauthenticated ||
         error.code == ErrorCode::kNotFound;
}

bool isDone(endpoint::Outcome outcome) {
  return outcome == endpoint::Outcome::kCreated ||
         outcome == endpoint::Outcome::kAlreadyProvisioned ||
         outcome == endpoint::Outcome::kDeleted;
}

bool isForAPerson(endpoint::Outcome outcome) {
  return outcome == endpoint::Outcome::kRefused || outcome == endpoint::Outcome::kUnknownDevice;
}

// What the operator says of it. Who reads this may read the object too.
std::string whyNot(const endpoint::Answer& answer, const api::BalenaDevice& device) {
  const api::Condition* ready = findCondition(device.status.conditions, "Ready");
  if (ready == nullptr || ready->status) return answer.message;
  return std::string(ready->reason.view()) + ": " + std::string(ready->message.view());
}

// One device's objects in a cluster, and what is asked for.
class ClusterDevice {
 public:
  ClusterDevice(const DeviceOptions& options, kube::Client& client, store::KubernetesScope scope,
                Clock& clock, Random& random, telemetry::Logger& log)
      : options_(options),
        clock_(clock),
        random_(random),
        deadline_(clock.steadyNow() + options.timeout),
        request_{.verb = options.present ? endpoint::Verb::kProvision : endpoint::Verb::kRemove,
                 .ask = {options.uuid, ""},
                 .trusted = true,
                 .declares = true},
        store_(
            client, client, std::move(scope), [] { return true; }, clock, random, log) {
    store_.onDeviceTouched([this](const std::string&) {
      {
        std::lock_guard lock(mutex_);
        isTouched_ = true;
      }
      clock_.wakeAll(touched_);
    });
  }

  // Returns the exit code.
  int run(const std::stop_token& stop) {
    const std::jthread caches([this](const std::stop_token& ended) { store_.run(ended); });
    if (const Status read = awaitObjects(stop); !read) return give(read.error());
    const DeviceObjects objects = endpoint::likeliest(store_.devicesByUuid(options_.uuid));
    const auto fleet = fleetOf(objects);
    if (!fleet) return give(fleet.error(), kExitBadInput);
    const auto choice = endpoint::choose(request_, objects, fleet->get(), clock_.now());
    if (const auto* answer = std::get_if<endpoint::Answer>(&choice)) {
      if (!isDone(answer->outcome)) return give(refusal(*answer).error());
      tellAlready(governing(objects));
      return settle({}, objects);
    }
    const auto* changing = std::get_if<endpoint::ChangeObject>(&choice);
    const Result<api::ObjectKey> key =
        changing != nullptr ? change(*changing->object) : make(fleet->get());
    if (!key) return give(key.error());
    const Status ended = await(key->space, stop);
    return settle(ended, inNamespace(key->space, store_.devicesByUuid(options_.uuid)));
  }

 private:
  [[nodiscard]] Status awaitObjects(const std::stop_token& stop) const {
    while (!store_.isSynced()) {
      for (const auto& [resource, health] : store_.watches()) {
        if (health.trouble && isHopeless(*health.trouble)) return fail(*health.trouble);
      }
      if (clock_.steadyNow() >= deadline_ || !sleepFor(clock_, kObjectsLook, stop)) {
        return fail(ErrorCode::kUnavailable, "the cluster's objects could not be read in time");
      }
    }
    return {};
  }

  Result<store::Shared<api::BalenaFleet>> fleetOf(const DeviceObjects& objects) {
    if (objects.empty()) return chooseFleet(store_, options_.fleet, "the cluster");
    const api::BalenaDevice& device = governing(objects);
    if (Status same = checkFleet(options_.fleet, device); !same) {
      return fail(std::move(same.error()));
    }
    return store_.fleets().get(device.fleetKey());
  }

  // Without a look at the device.
  static Status refusal(const endpoint::Answer& answer) {
    return fail(ErrorCode::kConflict, answer.outcome == endpoint::Outcome::kUnknownDevice
                                          ? "its BalenaFleet is not there, or is being deleted"
                                          : answer.message);
  }

  Result<api::ObjectKey> change(const api::BalenaDevice& device) {
    const api::DesiredState state = stateOf(request_.verb);
    if (device.spec.state != state) {
      tell(device, options_.present ? "state set to Present" : "state set to Absent");
    } else {
      tellAlready(device);
    }
    Status changed =
        store_.demand(device, {state, newRequest(clock_.now(), random_), request_.declares});
    if (!changed) return fail(std::move(changed.error()));
    return device.meta.key;
  }

  Result<api::ObjectKey> make(const api::BalenaFleet* fleet) {
    auto choice = endpoint::chooseForNew(request_, fleet);
    if (const auto* answer = std::get_if<endpoint::Answer>(&choice)) {
      return fail(std::move(refusal(*answer).error()));
    }
    api::BalenaDevice device = std::move(std::get<endpoint::MakeObject>(choice).device);
    device.meta.annotations[api::kReconcileAnnotation] = newRequest(clock_.now(), random_);
    Status made = store_.enrol(device);
    // Somebody has been faster: it is waited for.
    if (!made && made.error().code != ErrorCode::kAlreadyExists) {
      return fail(std::move(made.error()));
    }
    tell(device, made ? "made" : "made by somebody else just now");
    return device.meta.key;
  }

  // Until the operator has done what was asked for, or says that it will not.
  [[nodiscard]] Status await(const std::string& space, const std::stop_token& stop) {
    std::string why = "no operator has looked at it yet; is one running that looks after it?";
    for (bool wasSeen = false;;) {
      std::unique_lock lock(mutex_);
      isTouched_ = false;
      lock.unlock();
      const DeviceObjects objects = inNamespace(space, store_.devicesByUuid(options_.uuid));
      if (objects.empty() && wasSeen) return fail(ErrorCode::kNotFound, "its object has gone");
      wasSeen = !objects.empty();
      if (wasSeen) {
        const api::BalenaDevice& device = governing(objects);
        if (const auto answer = conclude(request_.verb, device)) {
          if (isDone(answer->outcome)) return {};
          why = whyNot(*answer, device);
          if (isForAPerson(answer->outcome) || !comesAgain(device.status)) {
            return fail(ErrorCode::kConflict, why);
          }
        }
      }
      lock.lock();
      if (!waitUntil(clock_, lock, touched_, deadline_, stop, [this] { return isTouched_; })) {
        return fail(ErrorCode::kDeadline, "gave up, the object stays; " + why);
      }
    }
  }

  void tell(const api::BalenaDevice& device, const char* what) const {
    std::cerr << "BalenaDevice " << toString(device.meta.key) << ": " << what << '\n';
  }
  void tellAlready(const api::BalenaDevice& device) const {
    tell(device, device.meta.isDiscovered() ? "discovered already" : "declared already");
  }
  int give(const Error& error, int code = kExitNotConverged) const {
    std::cerr << options_.uuid << ": " << error.message << '\n';
    return code;
  }
  int settle(const Status& ended, const DeviceObjects& objects) const {
    if (!ended) return give(ended.error());
    tellSettled(options_, objects);
    return kExitDone;
  }

  const DeviceOptions& options_;
  Clock& clock_;
  Random& random_;
  const SteadyPoint deadline_;
  const endpoint::Request request_;
  std::mutex mutex_;  // guards isTouched_
  Condition touched_;
  bool isTouched_ = false;
  store::KubernetesStore store_;
};

// Only the device's objects are read, if the server can select them; asked for, too, to see whether
// it answers at all.
Result<store::KubernetesScope> scopeFor(const DeviceOptions& options, kube::Client& client) {
  store::KubernetesScope scope{.space = options.cluster.space,
                               .labelSelector = "",
                               .deviceSelector = store::deviceSelector(options.uuid),
                               .readsSecrets = false};
  const auto page = client.list(store::KubernetesKind<api::BalenaDevice>::kResource, scope.space,
                                {.fieldSelector = scope.deviceSelector, .limit = 1});
  if (page) return scope;
  if (page.error().code != ErrorCode::kInvalid) return fail(page.error());
  scope.deviceSelector.clear();
  return scope;
}

}  // namespace

int runDeviceInCluster(const DeviceOptions& options, const std::stop_token& stop) {
  SystemClock clock;
  crypto::SystemRandom random;
  telemetry::Logger log(telemetry::LogOptions{
      *telemetry::parseLevel(options.common.logLevel.empty() ? "warn" : options.common.logLevel),
      options.common.logFormat == "json" ? telemetry::LogFormat::kJson
                                         : telemetry::LogFormat::kText});
  LateWrites nobodyAsks(clock);
  const auto cluster = Cluster::open({options.cluster.kubeconfig, options.cluster.context},
                                     options.common.attemptDeadline, nobodyAsks, clock, random);
  if (!cluster) {
    std::cerr << cluster.error().message << " (for files instead of a cluster: -f PATH)\n";
    return kExitBadInput;
  }
  const std::jthread limit = limitShutdown(
      clock, stop, {{options.common.shutdownGrace, [&cluster] { (*cluster)->closeAll(); }}});
  auto scope = scopeFor(options, (*cluster)->client());
  if (!scope) {
    std::cerr << options.uuid << ": " << scope.error().message << '\n';
    return kExitNotConverged;
  }
  ClusterDevice device(options, (*cluster)->client(), *std::move(scope), clock, random, log);
  return device.run(stop);
}

}  // namespace bco::cli
