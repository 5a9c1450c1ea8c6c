#include "reconcile/registry_status.h"

#include "reconcile/budget_condition.h"
#include "reconcile/requests.h"
#include "reconcile/standing.h"

namespace bco {
namespace {

// A sweep's usual interval is about twice this.
constexpr Duration kStatusAge = std::chrono::seconds(150);
// Between two words about one and the same failure.
constexpr Duration kFailureAge = std::chrono::seconds(30);

constexpr std::string_view kAvailable = "Available";

api::RegistryStatus answered(const api::ClearBladeRegistry& registry, const std::string& ownerId,
                             std::string_view reason, TimePoint now) {
  const std::int64_t generation = registry.meta.generation;
  api::RegistryStatus status = registry.status;
  status.observedGeneration = generation;
  status.ownerId = ownerId;
  status.failureCount = 0;
  status.lastHandledReconcileAt = reconcileRequest(registry.meta);
  setStanding(status.conditions, Standing::kCurrent, reason, "", generation, now);
  setCondition(status.conditions,
               {"UpstreamAvailable", true, std::string(kAvailable), "", generation, now});
  return status;
}

}  // namespace

api::RegistryStatus registryListed(const api::ClearBladeRegistry& registry,
                                   const std::string& ownerId, const RegistryListing& listing,
                                   TimePoint now) {
  api::RegistryStatus status = answered(registry, ownerId, "Synced", now);
  status.total = listing.total();
  status.owned = listing.owned();
  status.foreign = status.total - status.owned;
  status.lastCompleteSync = listing.takenAt();
  return status;
}

api::RegistryStatus registryAvailable(const api::ClearBladeRegistry& registry,
                                      const std::string& ownerId, TimePoint now) {
  return answered(registry, ownerId, kAvailable, now);
}

api::RegistryStatus registryFailed(const api::ClearBladeRegistry& registry, const Error& error,
                                   TimePoint now) {
  const ErrorTraits& traits = traitsOf(error.code);
  const std::int64_t generation = registry.meta.generation;
  api::RegistryStatus status = registry.status;
  status.observedGeneration = generation;
  ++status.failureCount;
  status.lastFailureTime = now;
  status.lastHandledReconcileAt = reconcileRequest(registry.meta);
  setStanding(status.conditions, standingOf(error), traits.reason, error.message, generation, now);
  setCondition(status.conditions, {"UpstreamAvailable", traits.cause != Cause::kOutage,
                                   std::string(traits.reason), error.message, generation, now});
  return status;
}

bool saysAvailable(const api::ClearBladeRegistry& registry, const std::string& ownerId) {
  const api::RegistryStatus& status = registry.status;
  const api::Condition* ready = findCondition(status.conditions, "Ready");
  return ready != nullptr && ready->status && status.ownerId == ownerId &&
         status.observedGeneration == registry.meta.generation;
}

bool saysFailed(const api::ClearBladeRegistry& registry, const Error& error) {
  const api::RegistryStatus& status = registry.status;
  const api::Condition* ready = findCondition(status.conditions, "Ready");
  const ErrorTraits& traits = traitsOf(error.code);
  // Of what passes by itself the message may change with every attempt.
  return ready != nullptr && !ready->status && ready->reason == traits.reason &&
         (traits.transient || ready->message == error.message) &&
         status.observedGeneration == registry.meta.generation &&
         status.lastHandledReconcileAt == reconcileRequest(registry.meta);
}

void RegistryStatusWriter::listed(const api::ObjectKey& key, const std::string& ownerId,
                                  const RegistryListing& listing, const std::string& smallerBudget,
                                  bool isFirst) {
  const auto registry = context_.store.registries().get(key);
  if (registry == nullptr || registry->meta.deletedAt) return;
  const TimePoint now = context_.clock.now();
  api::RegistryStatus status = registryListed(*registry, ownerId, listing, now);
  reportBudget(smallerBudget, registry->meta, now, status.conditions);
  // A time alone is not worth a write, unless the old one grows old; what an earlier process left
  // has until our next listing.
  api::RegistryStatus before = registry->status;
  const Duration old = isFirst ? 4 * kStatusAge : kStatusAge;
  const bool isRecent =
      before.lastCompleteSync && abs(listing.takenAt() - *before.lastCompleteSync) < old;
  before.lastCompleteSync = status.lastCompleteSync;
  if (!isRecent || !(before == status)) write(*registry, std::move(status));
}

void RegistryStatusWriter::available(const api::ObjectKey& key, const std::string& ownerId,
                                     bool isInUse) {
  const auto registry = context_.store.registries().get(key);
  if (registry == nullptr || registry->meta.deletedAt) return;
  const bool isAskedFor =
      reconcileRequest(registry->meta) != registry->status.lastHandledReconcileAt;
  if (saysAvailable(*registry, ownerId) && (isInUse || !isAskedFor)) return;
  write(*registry, registryAvailable(*registry, ownerId, context_.clock.now()));
}

void RegistryStatusWriter::failed(const api::ObjectKey& key, const Error& error) {
  const auto registry = context_.store.registries().get(key);
  if (registry == nullptr || registry->meta.deletedAt) return;
  const TimePoint now = context_.clock.now();
  const bool isKnown = saysFailed(*registry, error);
  const auto& last = registry->status.lastFailureTime;
  if (isKnown && last && now >= *last && now - *last < kFailureAge) return;
  if (!isKnown) {
    const ErrorTraits& traits = traitsOf(error.code);
    context_.log.error(
        "registry can't be used",
        {{"registry", toString(key)}, {"code", traits.label}, {"error", error.message}});
    context_.events.event(api::ObjectKind::kRegistry, registry->meta, EventType::kWarning,
                          traits.reason, error.message);
  }
  write(*registry, registryFailed(*registry, error, now));
}

void RegistryStatusWriter::write(const api::ClearBladeRegistry& registry,
                                 api::RegistryStatus status) {
  if (registry.status.failureCount > 0 && status.failureCount == 0) {
    context_.log.info("registry is back", {{"registry", toString(registry.meta.key)}});
    context_.events.event(api::ObjectKind::kRegistry, registry.meta, EventType::kNormal, "Synced",
                          "the registry is in reach again");
  }
  untold_.note(api::ObjectKind::kRegistry, registry.meta,
               context_.store.registries().setStatus(registry.meta.key, registry.meta.uid,
                                                     std::move(status)));
}

}  // namespace bco
