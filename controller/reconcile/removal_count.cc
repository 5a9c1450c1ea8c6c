#include "reconcile/removal_count.h"

#include <algorithm>

#include "plan/key_schedule.h"
#include "plan/removal_brake.h"

namespace bco {
namespace {

// Others count for the same fleet at the same time.
constexpr int kTries = 5;

bool removesRegistration(const Plan& plan) {
  return std::ranges::any_of(plan.steps, [](const Step& step) {
    return std::holds_alternative<DeleteRegistration>(step);
  });
}

// A person has named this very device.
bool isExplicit(const api::BalenaDevice& object) {
  return !object.meta.isDiscovered() && object.spec.deletionPolicy == api::DeletionPolicy::kDelete;
}

}  // namespace

Result<bool> countRemovals(const Context& context, const api::ObjectKey& fleet,
                           const std::string& uid, int count) {
  if (count == 0) return true;
  for (int i = 0; i < kTries; ++i) {
    const auto object = context.store.fleets().get(fleet);
    if (object == nullptr || object->meta.uid != uid) {
      return fail(ErrorCode::kConflict, "fleet " + toString(fleet) + " has gone");
    }
    const TimePoint now = context.clock.now();
    api::FleetStatus status = object->status;
    if (countRecent(status.removal.recent, now) + count > object->spec.stale.maxPerDay) {
      return false;
    }
    status.removal.recent = withRemovals(std::move(status.removal.recent), count, now);
    Status counted = context.store.fleets().updateStatus(*object, std::move(status));
    if (counted) return true;
    if (counted.error().code != ErrorCode::kConflict) return fail(std::move(counted.error()));
  }
  return fail(ErrorCode::kConflict, "fleet " + toString(fleet) + " keeps changing");
}

Result<Plan> brakeDeletion(const Context& context, const api::BalenaDevice& object,
                           const FleetView& fleet, const ObservedDevice& observed,
                           const Plan& plan) {
  Removals& removals = context.views.removals();
  const crypto::Incarnation& incarnation = observed.mark.mark.incarnation;
  if (!object.meta.deletedAt || isExplicit(object) || !removesRegistration(plan) ||
      removals.isCounted(incarnation)) {
    return plan;
  }
  const auto wait = [](Reason reason, std::string message, TimePoint next) {
    return Plan{Verdict::kWait, reason, std::move(message), {}, next};
  };
  const TimePoint now = context.clock.now();
  if (isSkewed(observed.clockSkew)) {
    return wait(Reason::kClockSkew,
                "nothing is removed while this machine's clock and ClearBlade's are apart",
                now + kMaxClockSkew);
  }
  const api::BalenaFleet& owner = *fleet.object;
  const auto hasRoom = countRemovals(context, owner.meta.key, owner.meta.uid, 1);
  if (!hasRoom) return fail(hasRoom.error());
  if (*hasRoom) {
    removals.noteCounted(incarnation);
    return plan;
  }
  const int maxPerDay = owner.spec.stale.maxPerDay;
  const auto current = context.store.fleets().get(owner.meta.key);
  return wait(Reason::kRemovalHalted,
              "stale.maxPerDay allows " + std::to_string(maxPerDay) +
                  " removals in 24 hours, which have been made: raise it, say deletionPolicy: "
                  "Delete in the object itself, or wait",
              current == nullptr ? now : roomAt(current->status.removal.recent, maxPerDay, now));
}

}  // namespace bco
