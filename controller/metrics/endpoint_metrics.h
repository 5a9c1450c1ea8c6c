// What the HTTP endpoint has answered.
#pragma once

#include <string>

#include "telemetry/families.h"

namespace bco::metrics {

// `counters` is what the endpoint counts: `rows` of code, outcome and requests; `waiting`,
// `malformed` and `durationMs`. A template, so that neither side depends on the other.
template <class Counters>
void addEndpoint(telemetry::Families& families, const Counters& counters) {
  const auto requests = families.counter("balena_clearblade_endpoint_requests_total",
                                         "Requests answered by the endpoint, by status and why.");
  for (const auto& row : counters.rows) {
    requests.add({{"code", std::to_string(row.code)}, {"outcome", row.outcome}},
                 static_cast<double>(row.requests));
  }
  families
      .counter("balena_clearblade_endpoint_request_duration_seconds_total",
               "Time that answering them has taken, added up.")
      .add({}, static_cast<double>(counters.durationMs) / 1000);
  families
      .counter("balena_clearblade_endpoint_malformed_requests_total",
               "Requests refused unread: no HTTP, too large or too slow.")
      .add({}, static_cast<double>(counters.malformed));
  families
      .gauge("balena_clearblade_endpoint_waiting_requests",
             "Requests that wait for their device now.")
      .add({}, static_cast<double>(counters.waiting));
}

}  // namespace bco::metrics
