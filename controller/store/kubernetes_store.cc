#include "store/kubernetes_store.h"

#include <algorithm>
#include <thread>

#include "store/watch_log.h"

namespace bco::store {
namespace {

constexpr Duration kLook = std::chrono::milliseconds(20);

// What others change. Status and finalizers are ours.
template <class Object>
bool isSameToOthers(const Object& a, const Object& b) {
  return a.meta.uid == b.meta.uid && a.meta.generation == b.meta.generation &&
         a.meta.deletedAt.has_value() == b.meta.deletedAt.has_value() &&
         a.meta.labels == b.meta.labels && a.meta.annotations == b.meta.annotations;
}

std::set<api::ObjectKey> secretsOf(const api::ClearBladeRegistry& registry) {
  const std::string& space = registry.meta.key.space;
  std::set<api::ObjectKey> names = {{space, registry.spec.serviceAccount.name},
                                    {space, registry.spec.keySeed.name}};
  if (registry.spec.ca) names.insert({space, registry.spec.ca->name});
  return names;
}

std::set<api::ObjectKey> secretsOf(const api::BalenaFleet& fleet) {
  const std::string& space = fleet.meta.key.space;
  std::set<api::ObjectKey> names = {{space, fleet.spec.token.name}};
  if (fleet.spec.ca) names.insert({space, fleet.spec.ca->name});
  return names;
}

}  // namespace

KubernetesStore::KubernetesStore(kube::Client& client, kube::Client& anybodys,
                                 KubernetesScope scope, MayWrite mayWrite, Clock& clock,
                                 Random& random, telemetry::Logger& log)
    : anybodys_(anybodys),
      scope_(std::move(scope)),
      mayWrite_(std::move(mayWrite)),
      clock_(clock),
      secrets_(client, clock, random, log,
               [this](const api::ObjectKey& secret) { secretChanged(secret); }),
      registries_(client, log, mayWrite_, nullptr,
                  [this](const auto& before, const auto& now) { changed(before, now); }),
      fleets_(client, log, mayWrite_, nullptr,
              [this](const auto& before, const auto& now) { changed(before, now); }),
      devices_(
          client, log, mayWrite_,
          [this](const api::BalenaDevice& device) {
            const auto fleet =
                device.meta.isDiscovered() ? fleets_.get(device.fleetKey()) : nullptr;
            return api::encodeDevice(device, fleet == nullptr ? nullptr : &fleet->meta);
          },
          [this](const auto& before, const auto& now) { changed(before, now); }),
      registryWatcher_(client, watcherOf<api::ClearBladeRegistry>(log), registries_, clock, random),
      fleetWatcher_(client, watcherOf<api::BalenaFleet>(log), fleets_, clock, random),
      deviceWatcher_(client, watcherOf<api::BalenaDevice>(log), devices_, clock, random) {}

template <class Object>
kube::WatcherOptions KubernetesStore::watcherOf(telemetry::Logger& log) const {
  kube::WatcherOptions options;
  options.resource = KubernetesKind<Object>::kResource;
  options.space = scope_.space;
  options.labelSelector = scope_.labelSelector;
  if constexpr (Object::kKind == api::ObjectKind::kDevice) {
    options.fieldSelector = scope_.deviceSelector;
  }
  options.onTrouble = logTrouble(log, std::string(options.resource.plural));
  return options;
}

void KubernetesStore::run(const std::stop_token& stop) {
  {
    const std::jthread registries([&] { registryWatcher_.run(stop); });
    const std::jthread fleets([&] { fleetWatcher_.run(stop); });
    deviceWatcher_.run(stop);
  }
  secrets_.stop();
}

bool KubernetesStore::isSynced() const {
  return registryWatcher_.health().synced && fleetWatcher_.health().synced &&
         deviceWatcher_.health().synced;
}

std::vector<std::pair<std::string_view, kube::WatcherHealth>> KubernetesStore::watches() const {
  const auto nameOf = [](const kube::Resource& resource) -> std::string_view {
    return resource.plural;
  };
  return {{nameOf(KubernetesKind<api::ClearBladeRegistry>::kResource), registryWatcher_.health()},
          {nameOf(KubernetesKind<api::BalenaFleet>::kResource), fleetWatcher_.health()},
          {nameOf(KubernetesKind<api::BalenaDevice>::kResource), deviceWatcher_.health()}};
}

bool KubernetesStore::watchesTurn() const {
  return registryWatcher_.turns() && fleetWatcher_.turns() && deviceWatcher_.turns();
}

bool KubernetesStore::waitUntilSynced(const std::stop_token& stop) {
  while (!isSynced()) {
    if (!sleepFor(clock_, kLook, stop)) return false;
  }
  return true;
}

template <class Object>
void KubernetesStore::changed(const Shared<Object>& before, const Shared<Object>& now) {
  const Object& object = now != nullptr ? *now : *before;
  Change change{Object::kKind, object.meta.key, {}};
  if constexpr (Object::kKind == api::ObjectKind::kDevice) {
    change.uuid = object.spec.uuid;
    std::lock_guard lock(mutex_);
    // Looked up under the lock, so that what is found last is also written
    // last.
    const bool isAnother = before != nullptr && now != nullptr && before->meta.uid != now->meta.uid;
    if (isAnother || (now == nullptr && devices_.get(before->meta.key) == nullptr)) {
      index_.remove(*before);
    }
    if (isAnother || before == nullptr) index_.add(*now);
  } else {
    const bool isStatusAlone = before != nullptr && now != nullptr && isSameToOthers(*before, *now);
    if (!isStatusAlone && scope_.readsSecrets) watchSecrets();
  }
  if (before == nullptr || now == nullptr || !isSameToOthers(*before, *now)) notify(change);
  if constexpr (Object::kKind == api::ObjectKind::kDevice) touched(change.uuid);
}

void KubernetesStore::touched(const std::string& uuid) {
  std::shared_ptr<const TouchListener> listener;
  {
    std::lock_guard lock(mutex_);
    listener = touchListener_;
  }
  if (listener != nullptr) (*listener)(uuid);
}

void KubernetesStore::notify(const Change& change) {
  std::shared_ptr<const Listener> listener;
  {
    std::lock_guard lock(mutex_);
    listener = listener_;
  }
  if (listener != nullptr) (*listener)(change);
}

void KubernetesStore::watchSecrets() {
  std::lock_guard lock(secretsMutex_);
  std::set<api::ObjectKey> names;
  for (const auto& registry : registries_.list()) names.merge(secretsOf(*registry));
  for (const auto& fleet : fleets_.list()) names.merge(secretsOf(*fleet));
  secrets_.watch(names);
}

void KubernetesStore::secretChanged(const api::ObjectKey& secret) {
  for (const auto& registry : registries_.list()) {
    if (secretsOf(*registry).contains(secret)) {
      notify({api::ObjectKind::kRegistry, registry->meta.key, {}});
    }
  }
  for (const auto& fleet : fleets_.list()) {
    if (secretsOf(*fleet).contains(secret)) {
      notify({api::ObjectKind::kFleet, fleet->meta.key, {}});
    }
  }
}

std::vector<Shared<api::BalenaDevice>> KubernetesStore::devicesByUuid(
    const std::string& uuid) const {
  std::unique_lock lock(mutex_);
  const auto handles = index_.withUuid(uuid);
  lock.unlock();
  return pickByUuid(devices_, handles, uuid);
}

ObjectList<api::BalenaDevice> KubernetesStore::devicesOfFleet(const api::ObjectKey& fleet) const {
  std::unique_lock lock(mutex_);
  const auto handles = index_.ofFleet(fleet);
  lock.unlock();
  return pickOfFleet(devices_, handles, fleet);
}

Result<SecretBytes> KubernetesStore::secret(const std::string& space,
                                            const api::SecretKeyRef& ref) const {
  return secrets_.get(space, ref);
}

Result<SecretBytes> KubernetesStore::secretOrCreate(const std::string& space,
                                                    const api::SecretKeyRef& ref,
                                                    const SecretBytes& value) {
  return secrets_.getOrCreate(space, ref, value);
}

Status KubernetesStore::lookAgain(const std::string& uuid) {
  Status learned = devices_.learn(
      anybodys_, scope_.space,
      {.labelSelector = scope_.labelSelector, .fieldSelector = deviceSelector(uuid)});
  // Before Kubernetes 1.31 nothing can be selected by that; what the watch tells must do then.
  if (!learned && learned.error().code == ErrorCode::kInvalid) return {};
  return learned;
}

Status KubernetesStore::demand(const api::BalenaDevice& seen, const Demand& demand) {
  return devices_.patch(
      anybodys_, seen.meta.key,
      api::encodeDemand(seen, demand.state, demand.request, demand.absentBy(seen)));
}

Status KubernetesStore::enrol(api::BalenaDevice device) {
  return devices_.admit(anybodys_, device);
}

void KubernetesStore::onDeviceTouched(std::function<void(const std::string& uuid)> listener) {
  std::lock_guard lock(mutex_);
  touchListener_ = std::make_shared<const TouchListener>(std::move(listener));
}

void KubernetesStore::onChange(std::function<void(const Change&)> listener) {
  std::lock_guard lock(mutex_);
  listener_ = std::make_shared<const Listener>(std::move(listener));
}

}  // namespace bco::store
