// All that is measured, and what a scrape shows of it. docs/metrics.md is the list.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "http/upstream_directory.h"
#include "metrics/activity.h"
#include "metrics/queue_metrics.h"
#include "metrics/request_metrics.h"
#include "reconcile/engine.h"

namespace bco::metrics {

struct Options {
  std::string version;
  bool perDevice = false;  // series of every device
};

// Made before what it measures, which is given its observers; outlives it.
class Metrics {
 public:
  explicit Metrics(Options options) : options_(std::move(options)) {}

  [[nodiscard]] http::AttemptObserver& attempts() { return requests_; }
  [[nodiscard]] http::UpstreamDirectory& upstreams() { return directory_; }
  [[nodiscard]] PassObserver& passes() { return activity_; }
  [[nodiscard]] QueueObserver& deviceQueue() { return devices_; }
  [[nodiscard]] QueueObserver& fleetQueue() { return fleets_; }

  // Adds families to a scrape; called on the thread that scrapes, must not block.
  using Source = std::function<void(telemetry::Families&)>;
  // Thread-safe; what it refers to must outlive this, or be asked whether it is still there.
  void add(Source source) {
    std::lock_guard lock(mutex_);
    sources_.push_back(std::move(source));
  }
  // What `engine` works on and how much it has to do, while `isWorking()`: replicas that stand by
  // would show the same things a second time.
  void show(const Context& context, const Engine& engine, std::function<bool()> isWorking);

  // A scrape's text.
  [[nodiscard]] std::string scrape() const;

 private:
  const Options options_;
  RequestMetrics requests_;
  http::UpstreamDirectory directory_;
  QueueMetrics devices_{"balenadevice"};
  QueueMetrics fleets_{"balenafleet"};
  Activity activity_{devices_, fleets_};
  mutable std::mutex mutex_;  // guards sources_
  std::vector<Source> sources_;
};

}  // namespace bco::metrics
