// What a scrape serves, built from what is known at that moment: no series outlives its subject.
//
//   families.gauge("balena_clearblade_devices", "Devices by state.").add({{"fleet", name}}, 3);
#pragma once

#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/time.h"

namespace bco::telemetry {

// Seconds, the base unit of all times and durations that are served.
[[nodiscard]] inline double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}
[[nodiscard]] inline double unixSeconds(TimePoint time) { return seconds(time.time_since_epoch()); }

// A value: belongs to one scrape and one thread.
class Families {
 public:
  // Names and values; a value may be any text but a secret.
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // One family, for as long as its Families live.
  class Samples {
   public:
    const Samples& add(Labels labels, double value) const;
    const Samples& add(Labels labels, const prometheus::Histogram& histogram) const;

   private:
    friend class Families;
    Samples(std::vector<prometheus::MetricFamily>& families, std::size_t index)
        : families_(families), index_(index) {}
    [[nodiscard]] prometheus::MetricFamily& family() const { return families_[index_]; }

    std::vector<prometheus::MetricFamily>& families_;
    const std::size_t index_;
  };

  Families() = default;
  Families(const Families&) = delete;
  Families& operator=(const Families&) = delete;

  // Each name once.
  Samples gauge(std::string name, std::string help);
  Samples counter(std::string name, std::string help);
  Samples histogram(std::string name, std::string help);

  // In Prometheus' text format.
  [[nodiscard]] std::string text() const;

 private:
  Samples begin(std::string name, std::string help, prometheus::MetricType type);

  std::vector<prometheus::MetricFamily> families_;
};

// The Content-Type of text().
inline constexpr std::string_view kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace bco::telemetry
