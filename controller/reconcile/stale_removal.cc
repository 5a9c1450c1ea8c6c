#include "reconcile/stale_removal.h"

#include <algorithm>
#include <iterator>

#include "plan/key_schedule.h"
#include "plan/removal_brake.h"
#include "reconcile/removal_count.h"
#include "reconcile/stale_pass.h"

namespace bco {
namespace {

constexpr auto kHalted = "RemovalHalted";

// Longer than that between two sweeps, and nobody can say where a device was in between.
Duration maxGap(const api::FleetSpec& spec) {
  return std::max<Duration>(std::chrono::hours(1), 3 * spec.syncInterval);
}

std::string_view reasonOf(Brake brake) {
  return brake == Brake::kTooManyToday ? "TooManyToday" : "TooManyAtOnce";
}

std::string approvalOf(const api::ObjectMeta& fleet) {
  const auto found = fleet.annotations.find(api::kApproveAnnotation);
  return found == fleet.annotations.end() ? std::string() : std::string(found->second);
}

}  // namespace

const StaleRegistration* StaleSet::find(const std::string& uuid) const {
  const auto found = std::ranges::lower_bound(absent, uuid, {}, &StaleRegistration::uuid);
  return found != absent.end() && found->uuid == uuid ? &*found : nullptr;
}

StaleRemoval::Entry& StaleRemoval::entryOf(const api::ObjectMeta& fleet) {
  Entry& entry = entries_[fleet.key];
  if (entry.uid != fleet.uid) entry = {fleet.uid, {}};
  return entry;
}

std::set<std::string> StaleRemoval::findElsewhere(const api::ObjectMeta& fleet,
                                                  const std::set<std::string>& missing) const {
  const auto fleets = context_.store.fleets().list();
  std::set<std::string> found;
  std::lock_guard lock(mutex_);
  for (const auto& other : fleets) {
    const auto entry = entries_.find(other->meta.key);
    if (other->meta.key == fleet.key || other->meta.deletedAt || entry == entries_.end() ||
        entry->second.uid != other->meta.uid) {
      continue;
    }
    std::ranges::set_intersection(missing, entry->second.sheltered,
                                  std::inserter(found, found.end()));
  }
  return found;
}

std::set<std::string> StaleRemoval::findHere(const FleetView& view, const FleetListing& balena,
                                             const RegistryListing& registry) const {
  std::set<std::string> found;
  const auto look = [&](const std::string& uuid) {
    if (balena.find(uuid) != nullptr) found.insert(uuid);
  };
  for (const auto& [id, registration] : registry.rows()) {
    if (registration.isOurs && registration.fleetId != view.fleetId) look(id.text());
  }
  std::lock_guard lock(mutex_);
  for (const auto& [key, entry] : entries_) {
    if (key != view.object->meta.key) std::ranges::for_each(entry.missing, look);
  }
  return found;
}

StaleSet StaleRemoval::note(const FleetView& view, const FleetListing& balena,
                            const RegistryListing& registry, SweepKind kind) {
  const api::BalenaFleet& fleet = *view.object;
  const auto objectsOf = [&](const std::string& uuid) {
    return inNamespace(fleet.meta.key.space, context_.store.devicesByUuid(uuid));
  };
  StaleSet stale;
  std::set<std::string> missing;
  for (const auto& [id, registration] : registry.rows()) {
    if (!registration.isOurs || registration.fleetId != view.fleetId) continue;
    ++stale.owned;
    const std::string uuid = id.text();
    // What a pass has removed since the listing is no longer there.
    if (balena.find(uuid) != nullptr || view.registry->hints->of(uuid) == Hint::kAbsent) continue;
    missing.insert(uuid);
    StaleRegistration absent{uuid, registration.incarnation};
    for (const auto& object : objectsOf(uuid)) {
      if (object->fleetKey() != fleet.meta.key) continue;
      absent.since = object->status.absentSince;
      absent.hasRecord = true;
    }
    stale.absent.push_back(std::move(absent));
  }
  stale.elsewhere = findElsewhere(fleet.meta, missing);
  std::erase_if(stale.absent,
                [&](const auto& each) { return stale.elsewhere.contains(each.uuid); });
  std::ranges::sort(stale.absent, {}, &StaleRegistration::uuid);
  // By a wrong clock nobody has been absent for any time.
  const bool isSure = !isSkewed(view.registry->registry->clockSkew());
  std::set<std::string> here = findHere(view, balena, registry);
  std::unique_lock lock(mutex_);
  Entry& entry = entryOf(fleet.meta);
  entry.missing = std::move(missing);
  entry.sheltered = std::move(here);
  AbsenceLog& log = entry.log;
  lock.unlock();
  if (isSure) {
    log.note(stale.absent, {balena.takenAt, registry.takenAt()}, fleet.status.lastBalenaSync,
             maxGap(fleet.spec));
  } else {
    for (StaleRegistration& each : stale.absent) each.since.reset();
  }
  const TimePoint now = context_.clock.now();
  const Duration after = fleet.spec.stale.after;
  // By how much two processes may date what left at one moment differently.
  const Duration spread = maxGap(fleet.spec);
  for (const StaleRegistration& each : stale.absent) {
    const bool isDue = kind == SweepKind::kPreview || (isSure && log.isDue(each, after, now));
    const bool isNearlyDue = isSure && each.since && now - *each.since >= after - spread;
    if (!isDue && !isNearlyDue && !log.isUndated(each)) continue;
    if (!mayBeStale(objectsOf(each.uuid), fleet.meta.key)) continue;
    if (isDue) stale.due.push_back(each);
    stale.judged.push_back(each);
  }
  if (stale.due.empty()) stale.judged.clear();
  return stale;
}

StaleRemoval::Outcome StaleRemoval::decide(const FleetView& view, const StaleSet& stale,
                                           SweepKind kind) {
  const api::BalenaFleet& fleet = *view.object;
  const api::StaleRules& rules = fleet.spec.stale;
  Removals& removals = context_.views.removals();
  const std::string approval = approvalOf(fleet.meta);
  const auto counted = std::ranges::count_if(stale.judged, [&](const StaleRegistration& each) {
    return removals.isCounted(each.incarnation);
  });
  const RemovalRequest request{static_cast<int>(stale.judged.size()), static_cast<int>(counted),
                               stale.owned, removals.areApproved(stale.judged, approval)};
  const auto current = context_.store.fleets().get(fleet.meta.key);
  const BrakeVerdict verdict =
      judgeRemoval(rules, request, (current == nullptr ? fleet : *current).status.removal.recent,
                   context_.clock.now());
  Outcome outcome{static_cast<int>(stale.absent.size()),
                  verdict.isHalted(),
                  request.candidates,
                  hashOf(stale.judged),
                  std::string(reasonOf(verdict.brake)),
                  {}};
  outcome.message = explain(verdict, rules, request, outcome.set);
  removals.show(fleet.meta.key, stale.judged, outcome.message);
  if (kind == SweepKind::kPreview) return outcome;

  if (verdict.isHalted() && !fleet.status.removal.halted) {
    context_.log.error("removal of stale registrations is halted",
                       {{"fleet", toString(fleet.meta.key)}, {"error", outcome.message}});
    context_.events.event(api::ObjectKind::kFleet, fleet.meta, EventType::kWarning, kHalted,
                          outcome.message);
  }
  if (fleet.spec.mode == api::Mode::kObserve || fleet.spec.suspend) return outcome;
  if (verdict.brake == Brake::kApproved) {
    // Not counted: the limits are on what goes without anybody's knowledge.
    removals.noteApproved(stale.judged, approval);
    clear(fleet, stale);
  } else if (verdict.brake == Brake::kOpen && count(fleet, stale)) {
    clear(fleet, stale);
  }
  return outcome;
}

void StaleRemoval::clear(const api::BalenaFleet& fleet, const StaleSet& stale) {
  context_.views.removals().clear(fleet.meta.key, stale.due);
  for (const StaleRegistration& each : stale.due) devices_.add(each.uuid, Lane::kSweep);
}

bool StaleRemoval::count(const api::BalenaFleet& fleet, const StaleSet& stale) {
  Removals& removals = context_.views.removals();
  std::vector<crypto::Incarnation> uncounted;
  for (const StaleRegistration& each : stale.due) {
    if (!removals.isCounted(each.incarnation)) uncounted.push_back(each.incarnation);
  }
  const auto hasRoom =
      countRemovals(context_, fleet.meta.key, fleet.meta.uid, static_cast<int>(uncounted.size()));
  if (!hasRoom || !*hasRoom) return false;  // the next sweep tries again
  for (const crypto::Incarnation& each : uncounted) removals.noteCounted(each);
  return true;
}

void reportRemoval(const StaleRemoval::Outcome& outcome, std::int64_t generation, TimePoint now,
                   api::FleetStatus& status) {
  api::RemovalStatus& removal = status.removal;
  if (!outcome.halted) {
    removal.since.reset();
  } else if (!removal.halted || !removal.since) {
    removal.since = now;
  }
  removal.halted = outcome.halted;
  removal.candidates = outcome.candidates;
  removal.set = outcome.set;
  if (outcome.halted) {
    setCondition(status.conditions,
                 {kHalted, true, outcome.reason, outcome.message, generation, now});
  } else {
    std::erase_if(status.conditions, [](const auto& c) { return c.type == kHalted; });
  }
}

}  // namespace bco
