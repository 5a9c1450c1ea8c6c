#include "reconcile/handover.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "plan/mark.h"

namespace bco {
namespace {

using Outcome = HandoverResult::Outcome;

// One registry, and balena's ids of the fleets of ours that use it.
struct Estate {
  std::shared_ptr<const RegistryView> registry;
  std::set<std::int64_t> fleetIds;
};

Result<std::vector<Estate>> readEstates(const Context& context, RegistrySources& registries,
                                        FleetSources& fleets, const HandoverOptions& options) {
  std::vector<Estate> estates;
  for (const auto& object : context.store.registries().list()) {
    auto registry = registries.view(object->meta.key);
    if (!registry) {
      return fail(withContext(std::move(registry.error()), toString(object->meta.key)));
    }
    if ((*registry)->ownerId == options.from) {
      return fail(ErrorCode::kInvalid, "ClearBladeRegistry " + toString(object->meta.key) +
                                           " has owner id \"" + options.from +
                                           "\" already: give it the new one first");
    }
    Estate estate{*registry, {}};
    for (const auto& fleet : context.store.fleets().list()) {
      if (fleet->registryKey() != object->meta.key) continue;
      const auto view = fleets.look(fleet);
      if (!view) return fail(withContext(view.error(), toString(fleet->meta.key)));
      estate.fleetIds.insert((*view)->fleetId);
    }
    estates.push_back(std::move(estate));
  }
  return estates;
}

Result<std::vector<HandoverResult>> listOwned(const Estate& estate, const std::string& from) {
  std::vector<HandoverResult> owned;
  const auto listed = estate.registry->registry->listRegistrations(
      [&](const clearblade::Registration& registration) {
        const ReadMark read = readMark(registration.metadata);
        if (read.state != MarkState::kValid || read.mark.owner != from) return;
        HandoverResult result;
        result.registration = registration.id;
        if (!estate.fleetIds.contains(read.mark.fleetId)) {
          result.message = "it belongs to balena's fleet " + std::to_string(read.mark.fleetId) +
                           ", which no document describes";
        } else {
          result.outcome = Outcome::kHandedOver;
        }
        owned.push_back(std::move(result));
      });
  if (!listed) return fail(withContext(listed.error(), "clearblade"));
  std::ranges::sort(owned, {}, &HandoverResult::registration);
  return owned;
}

// Read anew: what stands beside the mark is written with it.
void handOverOne(const Estate& estate, const std::string& from, HandoverResult& result) {
  clearblade::RegistryApi& registry = *estate.registry->registry;
  const auto failWith = [&](const Error& error) {
    result.outcome = Outcome::kFailed;
    result.message = error.message;
  };
  const auto current = registry.getRegistration(result.registration);
  if (!current) return failWith(current.error());
  const auto mark =
      handedOver(readMark(current->metadata), from, estate.registry->ownerId, estate.fleetIds);
  if (!mark) {
    result.outcome = Outcome::kLeft;
    result.message = "somebody has changed its mark meanwhile";
    return;
  }
  clearblade::RegistrationPatch patch;
  patch.metadata = withMark(current->metadata, *mark);
  if (const auto patched = registry.patchRegistration(current->numId, patch); !patched) {
    failWith(patched.error());
  }
}

}  // namespace

Result<std::vector<HandoverResult>> handOver(const Context& context, RegistrySources& registries,
                                             FleetSources& fleets, const HandoverOptions& options,
                                             const std::stop_token& stop) {
  const auto estates = readEstates(context, registries, fleets, options);
  if (!estates) return fail(estates.error());
  std::vector<HandoverResult> results;
  std::vector<const Estate*> estateOf;  // of each result
  for (const Estate& estate : *estates) {
    auto owned = listOwned(estate, options.from);
    if (!owned) return fail(std::move(owned.error()));
    estateOf.insert(estateOf.end(), owned->size(), &estate);
    std::ranges::move(*owned, std::back_inserter(results));
  }
  if (options.dryRun) return results;
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < results.size(); i = next++) {
      if (results[i].outcome != Outcome::kHandedOver) continue;
      if (stop.stop_requested()) {
        results[i] = {Outcome::kFailed, results[i].registration, "stopped before its turn"};
      } else {
        handOverOne(*estateOf[i], options.from, results[i]);
      }
    }
  };
  std::vector<std::jthread> workers;
  for (int i = 1; i < options.workers; ++i) workers.emplace_back(work);
  work();
  workers.clear();  // joins
  return results;
}

}  // namespace bco
