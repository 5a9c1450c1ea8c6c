#include "tests/sim/cached_store.h"

namespace bco::sim {
namespace {

// What others change. Status and finalizers are ours.
template <class Object>
bool isSameToOthers(const Object& a, const Object& b) {
  return a.meta.uid == b.meta.uid && a.meta.generation == b.meta.generation &&
         a.meta.deletedAt.has_value() == b.meta.deletedAt.has_value() &&
         a.meta.labels == b.meta.labels && a.meta.annotations == b.meta.annotations;
}

}  // namespace

CachedStore::CachedStore(Cluster& cluster, Link& link, Scheduler& scheduler, const Lag& lag)
    : cluster_(cluster),
      link_(link),
      registries_(cluster.registries, link, scheduler, lag,
                  [this](const auto& before, const auto& now) { tell(before, now); }),
      fleets_(cluster.fleets, link, scheduler, lag,
              [this](const auto& before, const auto& now) { tell(before, now); }),
      devices_(cluster.devices, link, scheduler, lag,
               [this](const auto& before, const auto& now) { tell(before, now); }) {}

template <class Object>
void CachedStore::tell(const Shared<Object>& before, const Shared<Object>& now) const {
  if (!listener_ || (before != nullptr && now != nullptr && isSameToOthers(*before, *now))) return;
  const Object& object = now != nullptr ? *now : *before;
  store::Change change{Object::kKind, object.meta.key, {}};
  if constexpr (Object::kKind == api::ObjectKind::kDevice) change.uuid = object.spec.uuid;
  listener_(change);
}

std::vector<Shared<api::BalenaDevice>> CachedStore::devicesByUuid(const std::string& uuid) const {
  std::vector<Shared<api::BalenaDevice>> found;
  for (auto each : devices_.list()) {
    if (each->spec.uuid == uuid) found.push_back(std::move(each));
  }
  return found;
}

store::ObjectList<api::BalenaDevice> CachedStore::devicesOfFleet(
    const api::ObjectKey& fleet) const {
  std::vector<Shared<api::BalenaDevice>> found;
  for (auto each : devices_.list()) {
    if (each->fleetKey() == fleet) found.push_back(std::move(each));
  }
  return found;
}

Result<SecretBytes> CachedStore::secret(const std::string&, const api::SecretKeyRef& ref) const {
  const auto found = cluster_.secrets().find(ref.name + "/" + ref.key);
  if (found == cluster_.secrets().end()) {
    return fail(ErrorCode::kNotFound, "there is no Secret " + ref.name);
  }
  return SecretBytes(found->second);
}

Result<SecretBytes> CachedStore::secretOrCreate(const std::string& space,
                                                const api::SecretKeyRef& ref,
                                                const SecretBytes& value) {
  const Call call{Upstream::kKubernetes, "create Secret " + ref.name, true, {}};
  const Status made = link_.call<void>(call,
                                       [&cluster = cluster_, name = ref.name + "/" + ref.key,
                                        text = std::string(value.reveal())]() -> Status {
                                         if (!cluster.secrets().contains(name))
                                           cluster.putSecret(name, text);
                                         return {};
                                       });
  if (!made) return fail(made.error());
  return secret(space, ref);
}

}  // namespace bco::sim
