#include "endpoint/lookup.h"

#include <algorithm>
#include <tuple>
#include <vector>

namespace bco::endpoint {
namespace {

// Between two looks at whether the fleets have been looked at: right after a start.
constexpr Duration kFleetsLook = std::chrono::milliseconds(5);

// Fleets with one token and one API have one answer.
auto accountOf(const api::BalenaFleet& fleet) {
  return std::tie(fleet.meta.key.space, fleet.spec.apiUrl, fleet.spec.token.name,
                  fleet.spec.token.key);
}

}  // namespace

std::int64_t Lookup::idOf(const api::BalenaFleet& fleet) const {
  const auto view = context_.views.get(fleet.meta.key);
  return view ? (*view)->fleetId : fleet.status.fleetId;
}

bool Lookup::isKnown(const api::BalenaFleet& fleet) const {
  return idOf(fleet) != 0 || context_.views.knows(fleet.meta.key) ||
         fleet.status.observedGeneration >= 0;
}

Result<std::shared_ptr<balena::BalenaApi>> Lookup::clientOf(const api::BalenaFleet& fleet) {
  const auto view = context_.views.get(fleet.meta.key);
  if (view && (*view)->object->meta.uid == fleet.meta.uid &&
      (*view)->object->meta.generation == fleet.meta.generation) {
    return (*view)->balena;
  }
  return fleets_.clientOf(fleet);
}

Result<Lookup::Found> Lookup::find(const std::string& uuid, SteadyPoint deadline,
                                   const std::stop_token& stop) {
  auto all = context_.store.fleets().list();
  while (!std::ranges::all_of(all, [this](const auto& fleet) { return isKnown(*fleet); })) {
    if (context_.clock.steadyNow() >= deadline || !sleepFor(context_.clock, kFleetsLook, stop)) {
      return fail(ErrorCode::kUnavailable, "a fleet has not been looked at yet");
    }
    all = context_.store.fleets().list();
  }
  std::vector<store::Shared<api::BalenaFleet>> fleets;
  for (const auto& fleet : all) {
    if (!fleet->meta.deletedAt) fleets.push_back(fleet);
  }
  std::optional<Error> failure;
  std::vector<store::Shared<api::BalenaFleet>> asked;
  for (const auto& fleet : fleets) {
    const bool isSame = std::ranges::any_of(
        asked, [&](const auto& each) { return accountOf(*each) == accountOf(*fleet); });
    if (isSame) continue;
    asked.push_back(fleet);
    auto client = clientOf(*fleet);
    if (!client) {
      failure = std::move(client.error());
      continue;
    }
    const SteadyPoint at = context_.clock.steadyNow();
    auto device = (*client)->getDevice(uuid);
    if (!device) {
      if (device.error().code != ErrorCode::kNotFound) failure = std::move(device.error());
      continue;
    }
    const auto found = std::ranges::find_if(
        fleets, [&](const auto& each) { return idOf(*each) == device->fleetId; });
    if (found == fleets.end()) return Found{};
    if (accountOf(**found) != accountOf(*fleet)) return Found{*found, std::nullopt};
    return Found{*found, EarlyRead{std::move(*device), at}};
  }
  if (failure) return fail(*std::move(failure));
  return Found{};
}

}  // namespace bco::endpoint
