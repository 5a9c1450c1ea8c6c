// Randomness as a parameter.
#pragma once

#include <cstdint>
#include <span>

#include "core/time.h"

namespace bco {

// Thread-safe. The real one is crypto::SystemRandom; tests and simulations seed their own.
class Random {
 public:
  virtual ~Random() = default;
  // Unpredictable bytes, fit for keys.
  virtual void fill(std::span<std::uint8_t> bytes) = 0;

  // Uniform in [0, bound); 0 for a bound of 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound);
  // Uniform in [zero, longest].
  [[nodiscard]] Duration upTo(Duration longest);
};

}  // namespace bco
