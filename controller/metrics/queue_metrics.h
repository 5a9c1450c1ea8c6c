// One work queue and its workers, under controller-runtime's names.
#pragma once

#include <prometheus/histogram.h>

#include <atomic>
#include <cstdint>
#include <string>

#include "core/work_queue.h"
#include "reconcile/engine.h"
#include "telemetry/families.h"

namespace bco::metrics {

// Thread-safe.
class QueueMetrics final : public QueueObserver {
 public:
  // `controller`: as controller-runtime names it, the kind in lower case.
  explicit QueueMetrics(std::string controller);

  void onAdded() override { ++adds_; }
  void onTaken(Duration waited) override;
  void onDone(Duration worked) override;

  // What one reconciliation, or one sweep, has come to.
  enum class Result { kSuccess, kComesAgain, kError };
  void onReconciled(Duration took, Result result);

  // Of several queues the families are the same: each adds its series to them.
  struct Family {
    explicit Family(telemetry::Families& families);
    telemetry::Families::Samples total, errors, time, active, workers, depth, adds, waited, worked,
        unfinished, longest, retries;
  };
  void addTo(const Family& family, const Engine::Load& load) const;

 private:
  const std::string controller_;
  std::atomic<std::uint64_t> adds_{0};
  std::atomic<std::uint64_t> successes_{0};
  std::atomic<std::uint64_t> repetitions_{0};
  std::atomic<std::uint64_t> errors_{0};
  prometheus::Histogram waited_;
  prometheus::Histogram worked_;
  prometheus::Histogram reconciled_;
};

}  // namespace bco::metrics
