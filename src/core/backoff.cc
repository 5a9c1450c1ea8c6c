#include "core/backoff.h"

#include <algorithm>

namespace bco {

Duration backoff(const BackoffPolicy& policy, int failures, Random& random) {
  Duration ceiling = policy.initial;
  for (int i = 1; i < failures && ceiling < policy.longest; ++i) ceiling *= 2;
  ceiling = std::min(ceiling, policy.longest);
  // Not from zero: a failure that answers at once must not be repeated at once.
  const Duration floor = std::min(policy.initial / 2, ceiling);
  return floor + random.upTo(ceiling - floor);
}

}  // namespace bco
