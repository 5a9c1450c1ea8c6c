#include "reconcile/removals.h"

#include <algorithm>

namespace bco {

void Removals::clear(const api::ObjectKey& fleet, const std::vector<StaleRegistration>& set) {
  std::lock_guard lock(mutex_);
  std::erase_if(cleared_, [&](const auto& each) { return each.second.fleet == fleet; });
  for (const StaleRegistration& each : set) cleared_[each.uuid] = {fleet, each.incarnation};
}

void Removals::drop(const std::string& uuid) {
  std::lock_guard lock(mutex_);
  cleared_.erase(uuid);
}

std::optional<Clearance> Removals::find(const std::string& uuid) const {
  std::lock_guard lock(mutex_);
  const auto found = cleared_.find(uuid);
  if (found == cleared_.end()) return std::nullopt;
  return found->second;
}

void Removals::noteCounted(const crypto::Incarnation& incarnation) {
  std::lock_guard lock(mutex_);
  counted_.insert(incarnation);
}

bool Removals::isCounted(const crypto::Incarnation& incarnation) const {
  std::lock_guard lock(mutex_);
  return counted_.contains(incarnation);
}

void Removals::noteApproved(const std::vector<StaleRegistration>& set,
                            const std::string& approval) {
  std::lock_guard lock(mutex_);
  for (const StaleRegistration& each : set) approved_[each.incarnation] = approval;
}

bool Removals::areApproved(const std::vector<StaleRegistration>& set,
                           const std::string& approval) const {
  if (set.empty() || approval.empty()) return false;
  if (approval == hashOf(set)) return true;
  std::lock_guard lock(mutex_);
  return std::ranges::all_of(set, [&](const StaleRegistration& each) {
    const auto found = approved_.find(each.incarnation);
    return found != approved_.end() && found->second == approval;
  });
}

void Removals::show(const api::ObjectKey& fleet, std::vector<StaleRegistration> set,
                    std::string verdict) {
  std::lock_guard lock(mutex_);
  shown_[fleet] = {std::move(set), std::move(verdict)};
}

Removals::Shown Removals::shown(const api::ObjectKey& fleet) const {
  std::lock_guard lock(mutex_);
  const auto found = shown_.find(fleet);
  return found == shown_.end() ? Shown{} : found->second;
}

}  // namespace bco
