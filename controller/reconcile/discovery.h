// The set level's part in `devices: All`: makes the objects that nobody has declared, and lets them
// go.
#pragma once

#include <stop_token>

#include "reconcile/device_reconciler.h"
#include "reconcile/refused_writes.h"
#include "reconcile/snapshots.h"

namespace bco {

// Thread-safe as long as no two threads handle one fleet.
class Discovery {
 public:
  explicit Discovery(const Context& context) : context_(context) {}

  // With `devices: All`, an object for each selected device that nobody has declared. Discovered
  // objects that are no longer wanted are let go; that alone changes nothing in the clouds. Returns
  // what it could not write. Ends between two devices when `stop` is requested.
  [[nodiscard]] RefusedWrites discover(const SweepSnapshots& snapshots,
                                       const std::stop_token& stop);
  // Of a fleet that has gone; true when all are.
  bool releaseAll(const api::ObjectKey& fleet, const std::stop_token& stop);

 private:
  // Of a device that is discovered already.
  [[nodiscard]] Status keepLabels(const api::BalenaDevice& object, const api::BalenaFleet& fleet,
                                  const api::TextMap& labelsBefore);
  [[nodiscard]] Status create(const api::BalenaFleet& fleet, const std::string& uuid);
  [[nodiscard]] Status release(const api::BalenaDevice& object);

  const Context& context_;
};

}  // namespace bco
