// One life of an operator process: the real engine on the simulation's clock, clients and store.
#pragma once

#include <memory>
#include <set>
#include <sstream>

#include "metrics/fleet_metrics.h"
#include "reconcile/engine.h"
#include "tests/sim/cached_store.h"
#include "tests/sim/mutations.h"
#include "tests/sim/parts.h"

namespace bco::sim {

class Operator final : public CloudFactory, public EventSink, public KeyMaker {
 public:
  // `mayWrite`: its lease.
  Operator(Parts& parts, int life, Duration skew, std::function<bool()> mayWrite);
  ~Operator() override;

  // Lets passes under way end.
  void stop();
  [[nodiscard]] bool hasEnded() const { return machine_.hasEnded(); }
  [[nodiscard]] Machine& machine() { return machine_; }
  [[nodiscard]] Link& link() { return link_; }
  [[nodiscard]] int life() const { return life_; }

 private:
  [[nodiscard]] Result<std::shared_ptr<balena::BalenaApi>> connectBalena(
      const api::BalenaFleet& fleet, SharedSecret token,
      const std::optional<std::string>& caPem) override;
  [[nodiscard]] Result<std::shared_ptr<clearblade::RegistryApi>> connectRegistry(
      const api::ClearBladeRegistry& registry, SharedSecret serviceAccount,
      const std::optional<std::string>& caPem) override;
  void event(api::ObjectKind kind, const api::ObjectMeta& object, EventType type,
             std::string_view reason, const std::string& message) override;
  [[nodiscard]] Result<crypto::PrivateKey> make(const SecretBytes& seed, std::string_view uuid,
                                                const crypto::Incarnation& incarnation,
                                                std::uint32_t generation) const override;
  [[nodiscard]] Plan plan(const DesiredDevice& desired, const ObservedDevice& observed,
                          TimePoint now);
  void passEnded();
  // Whoever reads the metrics sees no secret.
  void scrape();

  // Hands every line of the log to the invariants.
  class Listener final : public std::streambuf {
   public:
    explicit Listener(Parts& parts, int life) : parts_(parts), life_(life) {}

   protected:
    int overflow(int c) override;
    std::streamsize xsputn(const char* text, std::streamsize size) override;

   private:
    Parts& parts_;
    const int life_;
  };

  Parts& parts_;
  const int life_;
  Machine machine_;
  Dice dice_;
  std::set<Thread*> rotating_;
  Link link_;
  Listener listener_;
  std::ostream logged_;
  telemetry::Logger log_;
  CachedStore store_;
  FleetViews views_;
  Tally tally_;
  metrics::QueueMetrics deviceQueue_{"balenadevice"};
  metrics::QueueMetrics fleetQueue_{"balenafleet"};
  metrics::Activity activity_{deviceQueue_, fleetQueue_};
  int passes_ = 0;
  mutable Mutant mutant_;
  Context context_;
  Engine engine_;
  std::stop_source stop_;
};

}  // namespace bco::sim
