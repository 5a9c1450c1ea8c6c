#include "crypto/hash.h"

#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace bco::crypto {

std::array<std::uint8_t, 32> sha256(std::string_view bytes) {
  std::array<std::uint8_t, 32> digest;
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  return digest;
}

void SystemRandom::fill(std::span<std::uint8_t> bytes) {
  while (!bytes.empty()) {
    // The call counts in int.
    const auto part = bytes.first(std::min<std::size_t>(bytes.size(), 1U << 20));
    if (RAND_bytes(part.data(), static_cast<int>(part.size())) != 1) {
      std::fputs("the system's random generator failed\n", stderr);
      std::abort();
    }
    bytes = bytes.subspan(part.size());
  }
}

}  // namespace bco::crypto
