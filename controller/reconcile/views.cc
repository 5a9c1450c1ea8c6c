#include "reconcile/views.h"

namespace bco {

Result<std::shared_ptr<const FleetView>> FleetViews::get(const api::ObjectKey& fleet) const {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(fleet);
  if (found == entries_.end()) {
    return fail(ErrorCode::kUnavailable,
                "fleet " + toString(fleet) + " has not been looked at yet");
  }
  if (found->second.view == nullptr) return fail(*found->second.failure);
  return found->second.view;
}

bool FleetViews::knows(const api::ObjectKey& fleet) const {
  std::lock_guard lock(mutex_);
  return entries_.contains(fleet);
}

void FleetViews::set(const api::ObjectKey& fleet, std::shared_ptr<const FleetView> view) {
  // What it replaces may be the last to hold its clients: destroyed without the lock.
  Entry entry{std::move(view), std::nullopt};
  std::lock_guard lock(mutex_);
  std::swap(entries_[fleet], entry);
}

void FleetViews::setFailure(const api::ObjectKey& fleet, Error error) {
  std::lock_guard lock(mutex_);
  entries_[fleet].failure = std::move(error);
}

void FleetViews::forget(const api::ObjectKey& fleet) {
  removals_.revoke(fleet);
  rolls_.forget(fleet);
  std::unique_lock lock(mutex_);
  const auto gone = entries_.extract(fleet);
  lock.unlock();
}

std::set<std::int64_t> FleetViews::fleetIds(const std::string& apiUrl) const {
  std::lock_guard lock(mutex_);
  std::set<std::int64_t> ids;
  for (const auto& [key, entry] : entries_) {
    if (entry.view == nullptr || entry.view->object->spec.apiUrl != apiUrl) continue;
    ids.insert(entry.view->fleetId);
  }
  return ids;
}

std::vector<std::shared_ptr<const FleetView>> FleetViews::all() const {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<const FleetView>> views;
  for (const auto& [key, entry] : entries_) {
    if (entry.view != nullptr) views.push_back(entry.view);
  }
  return views;
}

}  // namespace bco
