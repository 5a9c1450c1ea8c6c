#include "reconcile/fleet_source.h"

#include "core/text.h"
#include "plan/key_schedule.h"
#include "reconcile/inputs.h"
#include "reconcile/windows.h"

namespace bco {
namespace {

// The id of the target service; exact names only, for the key must not reach another container.
Result<balena::VariableLevel> targetLevel(const balena::Fleet& fleet,
                                          const std::optional<std::string>& service) {
  balena::VariableLevel level;
  if (!service) return level;
  std::string known;
  for (const balena::Service& each : fleet.services) {
    if (each.name == *service) {
      level.serviceId = each.id;
      return level;
    }
    known += (known.empty() ? "" : ", ") + printable(each.name);
  }
  return fail(ErrorCode::kInvalid,
              "fleet " + fleet.slug + " has no service \"" + *service + "\"" +
                  (known.empty() ? "; it has none yet" : "; it has: " + known));
}

}  // namespace

Result<std::shared_ptr<balena::BalenaApi>> FleetSources::clientOf(const api::BalenaFleet& fleet) {
  auto token = context_.store.secret(fleet.meta.key.space, fleet.spec.token);
  if (!token) return fail(std::move(token.error()));
  std::optional<std::string> caPem;
  if (fleet.spec.ca) {
    const auto ca = context_.store.secret(fleet.meta.key.space, *fleet.spec.ca);
    if (!ca) return fail(ca.error());
    caPem = std::string(ca->reveal());
  }
  const std::string inputs = digestOfInputs(
      {token->reveal(), caPem.value_or(""), fleet.meta.uid, std::to_string(fleet.meta.generation)});
  {
    std::lock_guard lock(mutex_);
    const Entry& entry = entries_[fleet.meta.key];
    if (entry.client != nullptr && entry.inputs == inputs) return entry.client;
  }
  // Tools that make Secrets from files keep the line break at the end.
  auto client =
      factory_.connectBalena(fleet, shareSecret(SecretBytes(trim(token->reveal()))), caPem);
  if (!client) return fail(std::move(client.error()));
  // The client before it, and with it its connections, is destroyed without the lock.
  Entry entry{inputs, *client};
  std::lock_guard lock(mutex_);
  std::swap(entries_[fleet.meta.key], entry);
  return *client;
}

Result<std::shared_ptr<const FleetView>> FleetSources::look(
    const std::shared_ptr<const api::BalenaFleet>& fleet) {
  auto client = clientOf(*fleet);
  if (!client) return fail(std::move(client.error()));
  auto registry = registries_.view(fleet->registryKey());
  if (!registry) return fail(std::move(registry.error()));
  const auto described = (*client)->getFleet(fleet->spec.fleet);
  if (!described) {
    const bool isToken = described.error().code == ErrorCode::kUnauthenticated;
    const std::string secret = fleet->meta.key.space + "/" + fleet->spec.token.name;
    return fail(
        withContext(described.error(), isToken ? "balena, with Secret " + secret : "balena"));
  }
  const auto level = targetLevel(*described, fleet->spec.service);
  if (!level) return fail(level.error());
  auto windows = toWindows(fleet->spec.keys.windows);
  // The name of a zone is as wrong as any other value, whatever else is missing.
  if (!windows) return fail(ErrorCode::kInvalid, windows.error().message);
  if (fleet->spec.keys.lifetime < kGenerationInterval && !(*registry)->isLoopback) {
    return fail(ErrorCode::kInvalid,
                "keys.lifetime: less than an hour is for registries on this machine alone");
  }
  return std::make_shared<const FleetView>(
      FleetView{fleet, described->id, *level, *client, *registry, std::move(*windows)});
}

}  // namespace bco
