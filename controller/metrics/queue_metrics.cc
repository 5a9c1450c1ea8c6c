#include "metrics/queue_metrics.h"

#include "metrics/buckets.h"

namespace bco::metrics {

QueueMetrics::QueueMetrics(std::string controller)
    : controller_(std::move(controller)),
      waited_(shortTimes()),
      worked_(shortTimes()),
      reconciled_(longTimes()) {}

void QueueMetrics::onTaken(Duration waited) { waited_.Observe(telemetry::seconds(waited)); }

void QueueMetrics::onDone(Duration worked) { worked_.Observe(telemetry::seconds(worked)); }

void QueueMetrics::onReconciled(Duration took, Result result) {
  reconciled_.Observe(telemetry::seconds(took));
  switch (result) {
    case Result::kSuccess:
      ++successes_;
      return;
    case Result::kComesAgain:
      ++repetitions_;
      return;
    case Result::kError:
      ++errors_;
      return;
  }
}

QueueMetrics::Family::Family(telemetry::Families& families)
    : total(families.counter("controller_runtime_reconcile_total",
                             "Reconciliations by controller and result.")),
      errors(families.counter("controller_runtime_reconcile_errors_total",
                              "Reconciliations that failed, by controller.")),
      time(families.histogram("controller_runtime_reconcile_time_seconds",
                              "Time of a reconciliation, by controller.")),
      active(families.gauge("controller_runtime_active_workers",
                            "Workers that have something in hand, by controller.")),
      workers(families.gauge("controller_runtime_max_concurrent_reconciles",
                             "Workers there are, by controller.")),
      depth(families.gauge("workqueue_depth", "Keys that wait for a worker now, by queue.")),
      adds(families.counter("workqueue_adds_total", "Keys that began to wait, by queue.")),
      waited(families.histogram("workqueue_queue_duration_seconds",
                                "Time a key waited for a worker, by queue.")),
      worked(families.histogram("workqueue_work_duration_seconds",
                                "Time a key was in a worker's hands, by queue.")),
      unfinished(families.gauge("workqueue_unfinished_work_seconds",
                                "Time that the keys in workers' hands have been there, added up, "
                                "by queue.")),
      longest(families.gauge("workqueue_longest_running_processor_seconds",
                             "Time that the key has been in a worker's hands that has been so for "
                             "longest, by queue.")),
      retries(families.counter("workqueue_retries_total",
                               "Keys that come again because of a failure, by queue.")) {}

void QueueMetrics::addTo(const Family& family, const Engine::Load& load) const {
  const auto count = [](const std::atomic<std::uint64_t>& value) {
    return static_cast<double>(value.load());
  };
  const double errors = count(errors_);
  family.total.add({{"controller", controller_}, {"result", "success"}}, count(successes_))
      .add({{"controller", controller_}, {"result", "requeue_after"}}, count(repetitions_))
      .add({{"controller", controller_}, {"result", "error"}}, errors);
  family.errors.add({{"controller", controller_}}, errors);
  family.time.add({{"controller", controller_}}, reconciled_);
  family.active.add({{"controller", controller_}}, static_cast<double>(load.inFlight));
  family.workers.add({{"controller", controller_}}, load.workers);
  family.depth.add({{"name", controller_}}, static_cast<double>(load.waiting));
  family.adds.add({{"name", controller_}}, count(adds_));
  family.waited.add({{"name", controller_}}, waited_);
  family.worked.add({{"name", controller_}}, worked_);
  family.unfinished.add({{"name", controller_}}, telemetry::seconds(load.unfinished.total));
  family.longest.add({{"name", controller_}}, telemetry::seconds(load.unfinished.longest));
  family.retries.add({{"name", controller_}}, errors);
}

}  // namespace bco::metrics
