// What is wrong with each fleet, for as long as it goes on.
#pragma once

#include <map>
#include <mutex>

#include "reconcile/fleet_status.h"

namespace bco {

// A fleet's status says it too, but where the status can't be written, as without the right to, it
// would say each time that this is the first failure and news. Thread-safe.
class Troubles {
 public:
  // Sets `error` in `status`, made from the object's, and counts it. True when it is news.
  [[nodiscard]] bool note(const api::ObjectMeta& fleet, api::FleetStatus& status,
                          const Error& error, TimePoint now);
  void forget(const api::ObjectKey& fleet);

 private:
  struct Known {
    std::string uid;
    int failures = 0;
    ErrorCode code = ErrorCode::kInternal;
    std::string message;
  };

  std::mutex mutex_;  // guards all below
  std::map<api::ObjectKey, Known> known_;
};

}  // namespace bco
