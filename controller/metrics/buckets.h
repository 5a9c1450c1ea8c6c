// Upper bounds of histograms, in seconds: few, for each is a series of every label set.
#pragma once

#include <prometheus/histogram.h>

namespace bco::metrics {

// Of a request, a pass, a wait in a queue.
[[nodiscard]] inline prometheus::Histogram::BucketBoundaries shortTimes() {
  return {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
}
// Of a sweep.
[[nodiscard]] inline prometheus::Histogram::BucketBoundaries longTimes() {
  return {0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300};
}

}  // namespace bco::metrics
