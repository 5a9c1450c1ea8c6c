// Every request that was sent, by upstream and kind.
#pragma once

#include <prometheus/histogram.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "http/upstream.h"
#include "telemetry/families.h"

namespace bco::metrics {

// Thread-safe.
class RequestMetrics final : public http::AttemptObserver {
 public:
  void onAttempt(std::string_view kind, std::string_view outcome, Duration duration,
                 bool mayLand) override;

  void addTo(telemetry::Families& families) const;

 private:
  struct Calls {
    std::unique_ptr<prometheus::Histogram> durations;
    std::map<std::string, std::uint64_t, std::less<>> byCode;
  };
  mutable std::mutex mutex_;                         // guards calls_
  std::map<std::string, Calls, std::less<>> calls_;  // by kind: "balena.device.get"
};

}  // namespace bco::metrics
