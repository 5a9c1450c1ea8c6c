#include "reconcile/hints.h"

namespace bco {

Hint RegistrationHints::of(const std::string& id) const {
  std::lock_guard lock(mutex_);
  const auto found = noted_.find(id);
  if (found != noted_.end()) return found->second.hint;
  return complete_ ? Hint::kAbsent : Hint::kUnknown;
}

void RegistrationHints::replace(std::vector<std::string> presentIds, TimePoint takenAt) {
  std::lock_guard lock(mutex_);
  std::erase_if(noted_, [&](const auto& entry) { return entry.second.at < takenAt; });
  for (std::string& id : presentIds) {
    noted_.try_emplace(std::move(id), Noted{Hint::kPresent, takenAt});
  }
  complete_ = true;
}

void RegistrationHints::note(const std::string& id, Hint hint, TimePoint at) {
  std::lock_guard lock(mutex_);
  noted_[id] = {hint, at};
}

}  // namespace bco
