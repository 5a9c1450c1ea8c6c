// The state of the ways to the clouds: breakers, budgets, clocks.
#pragma once

#include "http/upstream_directory.h"
#include "telemetry/families.h"

namespace bco::metrics {

// Of several upstreams with one label the worst is shown, and what they refused is added up.
void addUpstreams(telemetry::Families& families, const http::UpstreamDirectory& directory);

}  // namespace bco::metrics
