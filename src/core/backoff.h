// Exponential backoff with full jitter.
#pragma once

#include "core/random.h"

namespace bco {

struct BackoffPolicy {
  Duration initial{std::chrono::seconds(1)};
  Duration longest{std::chrono::minutes(5)};
};

// The wait after `failures` failures in a row (1 for the first): uniform between `initial`/2 and
// min(initial × 2^(failures−1), longest).
[[nodiscard]] Duration backoff(const BackoffPolicy& policy, int failures, Random& random);

}  // namespace bco
