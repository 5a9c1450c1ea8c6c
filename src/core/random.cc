#include "core/random.h"

#include <cstring>

namespace bco {

std::uint64_t Random::below(std::uint64_t bound) {
  if (bound == 0) return 0;
  // Values from the last, incomplete run of `bound` would favour small results: draw again.
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  std::uint64_t value = 0;
  do {
    std::uint8_t bytes[sizeof value];
    fill(bytes);
    std::memcpy(&value, bytes, sizeof value);
  } while (value >= limit);
  return value % bound;
}

Duration Random::upTo(Duration longest) {
  if (longest <= Duration::zero()) return Duration::zero();
  return Duration(
      static_cast<Duration::rep>(below(static_cast<std::uint64_t>(longest.count()) + 1)));
}

}  // namespace bco
