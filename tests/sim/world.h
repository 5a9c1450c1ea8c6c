// A world: everything of one seed, from its beginning until it has come to rest or a promise broke.
#pragma once

#include "tests/sim/administrator.h"
#include "tests/sim/replicas.h"

namespace bco::sim {

struct Outcome {
  std::optional<Violation> violation;
  Statistics statistics;
  std::string scenario;
  std::size_t trace = 0;  // its hash
};

// The same arguments, the same outcome. `days`: as for drawScenario(). `mutation`: nullptr for the
// program as it is.
[[nodiscard]] Outcome runWorld(std::uint64_t seed, int days, const Mutation* mutation,
                               Tracing tracing);

}  // namespace bco::sim
