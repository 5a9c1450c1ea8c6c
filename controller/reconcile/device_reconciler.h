// One device, one pass: observe → plan → apply → report.
#pragma once

#include <optional>
#include <string>

#include "core/backoff.h"
#include "core/clock.h"
#include "core/random.h"
#include "reconcile/desire.h"
#include "reconcile/report.h"
#include "reconcile/tally.h"
#include "store/object_store.h"
#include "telemetry/log.h"

namespace bco {

// What the engine hands to both reconcilers. Everything outlives them.
struct Context {
  store::ObjectStore& store;
  FleetViews& views;
  Tally& tally;
  Clock& clock;
  Random& random;
  telemetry::Logger& log;
  BackoffPolicy backoff;
};

// Thread-safe as long as no two threads reconcile one UUID.
class DeviceReconciler {
 public:
  explicit DeviceReconciler(const Context& context) : context_(context) {}

  // Does what the device needs, sets the status of its objects and says when to come again;
  // nullopt: when something changes. Blocks on the clouds.
  std::optional<Duration> reconcile(const std::string& uuid);

  // Observes and plans without writing anything, neither to the clouds nor to the store.
  [[nodiscard]] Pass preview(const std::string& uuid);

 private:
  [[nodiscard]] Pass observeAndPlan(const DesiredDevice& desired, const FleetView& fleet);
  void carryOut(Pass& pass, const DesiredDevice& desired, const FleetView& fleet,
                SteadyPoint observedAt, const std::string& reconcileId);
  [[nodiscard]] std::optional<Duration> comeAgain(const Pass& pass, int failures);
  void setStatus(const api::BalenaDevice& object, api::DeviceStatus status);
  // The objects that have a say. One that is being deleted has none, and goes without a call to a
  // cloud, while another still desires the device.
  [[nodiscard]] DeviceObjects withoutSuperseded(DeviceObjects objects);
  void letGo(const api::BalenaDevice& object);
  // Lets a deleted object go when nothing is left to do for it; false when there is.
  bool release(const DeviceObjects& objects, const FleetView& fleet);

  const Context& context_;
};

}  // namespace bco
