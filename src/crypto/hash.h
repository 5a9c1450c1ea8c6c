// Digests and the system's randomness.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/random.h"

namespace bco::crypto {

[[nodiscard]] std::array<std::uint8_t, 32> sha256(std::string_view bytes);

// OpenSSL's generator, seeded by the kernel. Thread-safe. Ends the process when it fails, for there
// is no safe way on.
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> bytes) override;
};

}  // namespace bco::crypto
