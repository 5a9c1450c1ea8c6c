#include "store/memory_store.h"

#include <algorithm>
#include <tuple>

#include "api/files.h"

namespace bco::store {
namespace {

using Secrets = std::map<api::ObjectKey, api::Secret>;

bool areEqual(const Secrets& some, const Secrets& others) {
  const auto isSameValue = [](const auto& a, const auto& b) {
    return a.first == b.first && a.second.equals(b.second.reveal());
  };
  return std::ranges::equal(some, others, [&](const auto& a, const auto& b) {
    return a.first == b.first && std::ranges::equal(a.second.values, b.second.values, isSameValue);
  });
}

}  // namespace

MemoryStore::MemoryStore(Clock& clock, std::filesystem::path secretsDir)
    : secretsDir_(std::move(secretsDir)),
      registries_([&clock] { return clock.now(); }, [this](const auto& object) { notify(object); }),
      fleets_([&clock] { return clock.now(); }, [this](const auto& object) { notify(object); }),
      devices_([&clock] { return clock.now(); },
               [this](const auto& object) {
                 reindex(object);
                 notify(object);
               },
               [this](const auto& object) { touched(object); }) {}

template <class Object>
void MemoryStore::notify(const Object& object) {
  std::shared_ptr<const Listener> listener;
  {
    std::lock_guard lock(mutex_);
    listener = listener_;
  }
  if (listener == nullptr) return;
  Change change{Object::kKind, object.meta.key, {}};
  if constexpr (Object::kKind == api::ObjectKind::kDevice) change.uuid = object.spec.uuid;
  (*listener)(change);
}

// The indexes are hints: readers look each object up and check it.
void MemoryStore::reindex(const api::BalenaDevice& device) {
  // Looked up under the lock, so that what is found last is also written last.
  std::lock_guard lock(mutex_);
  index_.remove(device);
  if (devices_.get(device.meta.key) != nullptr) index_.add(device);
}

template <class Object>
void MemoryStore::forgetOthers(MemoryCollection<Object>& collection,
                               const std::map<api::ObjectKey, Object>& wanted) {
  for (const auto& object : collection.list()) {
    const bool isOurs = object->meta.isDiscovered() || object->meta.isEnrolled();
    if (!isOurs && !wanted.contains(object->meta.key)) {
      (void)collection.release(object->meta.key, object->meta.uid);
    }
  }
}

api::ProblemTexts MemoryStore::immutableChanges(const api::Manifests& manifests) const {
  api::ProblemTexts problems;
  const auto check = [&](const auto& collection, const auto& wanted, auto immutable,
                         const char* fields) {
    for (const auto& [key, object] : wanted) {
      const auto current = collection.get(key);
      if (current == nullptr || immutable(current->spec) == immutable(object.spec)) continue;
      problems.push_back(std::string(nameOf(object.kKind)) + " " + toString(key) + ": " + fields +
                         " can't be changed: give the changed one another name");
    }
  };
  check(
      registries_, manifests.registries,
      [](const api::RegistrySpec& spec) {
        return std::tie(spec.project, spec.region, spec.registry);
      },
      "project, region and registry");
  check(
      fleets_, manifests.fleets,
      [](const api::FleetSpec& spec) { return std::tie(spec.fleet, spec.registry, spec.service); },
      "fleet, registryRef and variables");
  check(
      devices_, manifests.devices,
      [](const api::DeviceSpec& spec) { return std::tie(spec.uuid, spec.fleet); },
      "uuid and fleetRef");
  return problems;
}

void MemoryStore::secretsChanged() {
  for (const auto& registry : registries_.list()) notify(*registry);
}

void MemoryStore::apply(api::Manifests manifests) {
  bool areSecretsNew = false;
  {
    std::lock_guard lock(mutex_);
    areSecretsNew = !areEqual(secrets_, manifests.secrets);
    secrets_ = std::move(manifests.secrets);
  }
  // References point upwards, so what is referred to comes first and goes last.
  for (const auto& [key, registry] : manifests.registries) registries_.apply(registry);
  for (const auto& [key, fleet] : manifests.fleets) fleets_.apply(fleet);
  for (const auto& [key, device] : manifests.devices) devices_.apply(withDemands(device));
  forgetOthers(devices_, manifests.devices);
  forgetOthers(fleets_, manifests.fleets);
  forgetOthers(registries_, manifests.registries);
  if (areSecretsNew) secretsChanged();
}

api::BalenaDevice MemoryStore::withDemands(api::BalenaDevice documented) {
  const auto current = devices_.get(documented.meta.key);
  if (current == nullptr) return documented;
  for (const std::string_view name : {api::kReconcileAnnotation, api::kAbsentByAnnotation}) {
    const auto found = current->meta.annotations.find(name);
    if (found != current->meta.annotations.end()) {
      documented.meta.annotations.emplace(name, found->second);
    }
  }
  std::lock_guard lock(mutex_);
  const auto found = overrides_.find(documented.meta.key);
  if (found != overrides_.end() && found->second.documented == documented.spec.state) {
    documented.spec.state = found->second.demanded;
    return documented;
  }
  if (found != overrides_.end()) overrides_.erase(found);
  documented.meta.annotations.erase(api::kAbsentByAnnotation);
  return documented;
}

Status MemoryStore::demand(const api::BalenaDevice& seen, const Demand& demand) {
  // Of what no document says the object alone keeps it, and has done with it when it goes.
  const bool isDocumented = !seen.meta.isDiscovered() && !seen.meta.isEnrolled();
  if (isDocumented && seen.spec.state != demand.state) {
    std::lock_guard lock(mutex_);
    const Override made{seen.spec.state, demand.state};
    const auto [found, isNew] = overrides_.emplace(seen.meta.key, made);
    if (!isNew) found->second.demanded = demand.state;
  }
  return devices_.amend(seen.meta.key, seen.meta.uid,
                        [&](api::BalenaDevice& device) { meet(device, demand); });
}

Status MemoryStore::enrol(api::BalenaDevice device) { return devices_.create(std::move(device)); }

std::vector<Shared<api::BalenaDevice>> MemoryStore::devicesByUuid(const std::string& uuid) const {
  std::unique_lock lock(mutex_);
  const auto handles = index_.withUuid(uuid);
  lock.unlock();
  return pickByUuid(devices_, handles, uuid);
}

ObjectList<api::BalenaDevice> MemoryStore::devicesOfFleet(const api::ObjectKey& fleet) const {
  std::unique_lock lock(mutex_);
  const auto handles = index_.ofFleet(fleet);
  lock.unlock();
  return pickOfFleet(devices_, handles, fleet);
}

Result<SecretBytes> MemoryStore::secret(const std::string& space,
                                        const api::SecretKeyRef& ref) const {
  {
    std::lock_guard lock(mutex_);
    if (const auto found = secrets_.find({space, ref.name}); found != secrets_.end()) {
      const auto value = found->second.values.find(ref.key);
      if (value != found->second.values.end()) return value->second.clone();
      return fail(ErrorCode::kNotFound,
                  "Secret " + space + "/" + ref.name + " has no key " + ref.key);
    }
  }
  if (secretsDir_.empty()) {
    return fail(ErrorCode::kNotFound, "there is no Secret " + space + "/" + ref.name);
  }
  return api::readSecretFile(secretsDir_, ref);
}

Result<SecretBytes> MemoryStore::secretOrCreate(const std::string& space,
                                                const api::SecretKeyRef& ref, const SecretBytes&) {
  auto value = secret(space, ref);
  if (value || value.error().code != ErrorCode::kNotFound) return value;
  std::unique_lock lock(mutex_);
  bool isThere = secrets_.contains({space, ref.name});
  lock.unlock();
  std::error_code ignored;
  if (!secretsDir_.empty()) {
    isThere = isThere || std::filesystem::exists(secretsDir_ / ref.name, ignored);
  }
  if (isThere) value.error().code = ErrorCode::kInvalid;
  return value;
}

void MemoryStore::touched(const api::BalenaDevice& device) {
  std::shared_ptr<const TouchListener> listener;
  {
    std::lock_guard lock(mutex_);
    listener = touchListener_;
  }
  if (listener != nullptr) (*listener)(device.spec.uuid);
}

void MemoryStore::onDeviceTouched(std::function<void(const std::string& uuid)> listener) {
  std::lock_guard lock(mutex_);
  touchListener_ = std::make_shared<const TouchListener>(std::move(listener));
}

void MemoryStore::onChange(std::function<void(const Change&)> listener) {
  std::lock_guard lock(mutex_);
  listener_ = std::make_shared<const Listener>(std::move(listener));
}

}  // namespace bco::store
