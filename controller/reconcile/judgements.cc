#include "reconcile/judgements.h"

#include <functional>

#include "core/text.h"
#include "plan/key_schedule.h"

namespace bco {
namespace {

std::string textOf(TimePoint time) { return std::to_string(time.time_since_epoch().count()); }

}  // namespace

std::uint64_t fingerprintOf(const api::BalenaDevice& object, const FleetView& fleet,
                            const std::set<std::int64_t>& managed, const ListedDevice* row,
                            const ListedRegistration* registration, const SweepFinding& finding,
                            TimePoint now) {
  std::string text = object.meta.uid + " " + std::to_string(object.meta.generation) + " " +
                     fleet.object->meta.uid + " " + std::to_string(fleet.object->meta.generation) +
                     " " + fleet.registry->ownerId;
  for (const std::int64_t id : managed) text += " " + std::to_string(id);
  if (row != nullptr) {
    text += row->isSelected ? " selected" : " row";
    if (row->namesOurPath) text += " path";
    if (row->isComplete) text += " complete";
  }
  if (registration != nullptr) {
    text += registration->isOurs ? " ours " : " theirs ";
    text += std::to_string(registration->fleetId) + " " + toHex(registration->incarnation) + " " +
            textOf(registration->oldestIssue) + " " + std::to_string(registration->digest);
    if (registration->needsVerification) text += " unverified";
    if (const auto& key = registration->newest) {
      text += " " + std::to_string(key->generation) + "@" + textOf(key->issuedAt);
      if (key->expiresAt) text += " to " + textOf(*key->expiresAt);
    }
  }
  // What time alone brings about.
  if (finding.inSync) text += " in sync";
  if (finding.rotation && finding.rotation->at <= now) text += " due";
  return std::hash<std::string>{}(text);
}

bool Judgements::isKnown(const api::ObjectKey& fleet, const std::string& uuid,
                         std::uint64_t fingerprint, Duration interval, SteadyPoint now) {
  std::lock_guard lock(mutex_);
  Judgement& judgement = fleets_[fleet][uuid];
  if (judgement.fingerprint == fingerprint && now < judgement.until) return true;
  judgement = {fingerprint, now + spread(interval, uuid)};
  return false;
}

void Judgements::prune(const api::ObjectKey& fleet, SteadyPoint now) {
  std::lock_guard lock(mutex_);
  const auto found = fleets_.find(fleet);
  if (found == fleets_.end()) return;
  std::erase_if(found->second, [&](const auto& each) { return each.second.until <= now; });
}

void Judgements::forget(const api::ObjectKey& fleet) {
  std::lock_guard lock(mutex_);
  fleets_.erase(fleet);
}

}  // namespace bco
