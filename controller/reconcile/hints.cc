#include "reconcile/hints.h"

namespace bco {

Hint RegistrationHints::of(const std::string& uuid) const {
  const auto parsed = DeviceUuid::parse(uuid);
  if (!parsed) return Hint::kUnknown;
  std::lock_guard lock(mutex_);
  const auto found = noted_.find(*parsed);
  if (found != noted_.end()) return found->second.hint;
  if (listing_ == nullptr) return Hint::kUnknown;
  return listing_->find(uuid) != nullptr ? Hint::kPresent : Hint::kAbsent;
}

void RegistrationHints::replace(std::shared_ptr<const RegistryListing> listing) {
  std::lock_guard lock(mutex_);
  std::erase_if(noted_, [&](const auto& entry) { return entry.second.at < listing->takenAt(); });
  listing_ = std::move(listing);
}

void RegistrationHints::note(const std::string& uuid, Hint hint, TimePoint at) {
  const auto parsed = DeviceUuid::parse(uuid);
  if (!parsed) return;
  std::lock_guard lock(mutex_);
  noted_[*parsed] = {hint, at};
}

}  // namespace bco
