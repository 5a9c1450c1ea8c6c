#include "reconcile/troubles.h"

#include <algorithm>

namespace bco {

bool Troubles::note(const api::ObjectMeta& fleet, api::FleetStatus& status, const Error& error,
                    TimePoint now) {
  const std::lock_guard lock(mutex_);
  Known& known = known_[fleet.key];
  if (known.uid != fleet.uid) known = Known();
  const bool isSame = known.failures > 0 && known.code == error.code &&
                      (traitsOf(error.code).transient || known.message == error.message);
  status.failureCount = std::max(status.failureCount, known.failures);
  const bool isNews = setProblem(status, error, fleet.generation, now);
  known = {fleet.uid, status.failureCount, error.code, error.message};
  return isNews && !isSame;
}

void Troubles::forget(const api::ObjectKey& fleet) {
  const std::lock_guard lock(mutex_);
  known_.erase(fleet);
}

}  // namespace bco
