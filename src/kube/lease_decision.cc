#include "kube/lease_decision.h"

#include <algorithm>
#include <utility>

namespace bco::kube {
namespace {

bool heldBy(const LeaseView& view, std::string_view identity) {
  return view.record && view.record->holder == identity;
}

LeaseDecision decideLeading(const LeaseState& state, const LeaseTerms& terms,
                            std::string_view identity, SteadyPoint now) {
  const SteadyPoint lost = *state.renewed + terms.leaseDuration;
  if (now >= lost) return {LeaseMove::kLose};
  if (state.view.known && !heldBy(state.view, identity)) return {LeaseMove::kLose};
  if (now < state.pausedUntil) return {LeaseMove::kWait, std::min(state.pausedUntil, lost)};
  if (!state.view.known) return {LeaseMove::kRead};
  const SteadyPoint due = *state.renewed + terms.retryPeriod;
  if (now >= due || state.doubted) return {LeaseMove::kRenew};
  return {LeaseMove::kWait, due};
}

LeaseDecision decideStandingBy(const LeaseState& state, const LeaseTerms& terms,
                               std::string_view identity, SteadyPoint now) {
  const LeaseView& view = state.view;
  if (now < state.pausedUntil) return {LeaseMove::kWait, state.pausedUntil};
  if (!view.known) return {LeaseMove::kRead};
  if (heldBy(view, identity)) return {LeaseMove::kTake};
  if (now >= view.freeFrom) return {view.record ? LeaseMove::kTake : LeaseMove::kCreate};
  const SteadyPoint look = view.lookedAt + terms.lookPeriod;
  if (now >= look) return {LeaseMove::kRead};
  return {LeaseMove::kWait, std::min(look, view.freeFrom)};
}

}  // namespace

LeaseView seen(LeaseView view, std::optional<LeaseRecord> record, SteadyPoint now,
               Duration jitter) {
  view.known = true;
  view.lookedAt = now;
  const bool unchanged =
      view.record && record && view.record->resourceVersion == record->resourceVersion;
  if (unchanged || (!view.record && !record && view.freeFrom != SteadyPoint::min())) return view;
  if (!record) {
    view.freeFrom = std::max(view.freeFrom, now + jitter);
  } else {
    view.freeFrom = now + jitter + (record->holder.empty() ? Duration(0) : record->duration);
  }
  view.record = std::move(record);
  return view;
}

LeaseDecision decide(const LeaseState& state, const LeaseTerms& terms, std::string_view identity,
                     SteadyPoint now) {
  return state.renewed ? decideLeading(state, terms, identity, now)
                       : decideStandingBy(state, terms, identity, now);
}

}  // namespace bco::kube
