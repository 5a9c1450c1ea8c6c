#include "telemetry/families.h"

#include <prometheus/text_serializer.h>

namespace bco::telemetry {
namespace {

std::vector<prometheus::ClientMetric::Label> toLabels(Families::Labels labels) {
  std::vector<prometheus::ClientMetric::Label> made;
  made.reserve(labels.size());
  for (const auto& [name, value] : labels) made.push_back({std::string(name), std::string(value)});
  return made;
}

}  // namespace

const Families::Samples& Families::Samples::add(Labels labels, double value) const {
  prometheus::ClientMetric metric;
  metric.label = toLabels(labels);
  if (family().type == prometheus::MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  family().metric.push_back(std::move(metric));
  return *this;
}

const Families::Samples& Families::Samples::add(Labels labels,
                                                const prometheus::Histogram& histogram) const {
  prometheus::ClientMetric metric = histogram.Collect();
  metric.label = toLabels(labels);
  family().metric.push_back(std::move(metric));
  return *this;
}

Families::Samples Families::begin(std::string name, std::string help, prometheus::MetricType type) {
  families_.push_back({std::move(name), std::move(help), type, {}});
  return {families_, families_.size() - 1};
}

Families::Samples Families::gauge(std::string name, std::string help) {
  return begin(std::move(name), std::move(help), prometheus::MetricType::Gauge);
}

Families::Samples Families::counter(std::string name, std::string help) {
  return begin(std::move(name), std::move(help), prometheus::MetricType::Counter);
}

Families::Samples Families::histogram(std::string name, std::string help) {
  return begin(std::move(name), std::move(help), prometheus::MetricType::Histogram);
}

std::string Families::text() const {
  const prometheus::TextSerializer serializer;
  return serializer.Serialize(families_);
}

}  // namespace bco::telemetry
