// Making private keys: from the seed and from the system's randomness.
#include <string>

#include "core/text.h"
#include "crypto/curve.h"
#include "crypto/hash.h"
#include "crypto/hkdf.h"
#include "crypto/keys.h"

namespace bco::crypto {
namespace {

// What HKDF's info is, for ever: other bytes are other keys.
//
//   bytes     what
//   ────────  ─────────────────────────────────────────────────────────────
//   6         "bco/v1"
//   32 or 62  the device's uuid, its hex digits as ASCII
//   16        incarnation
//   4         generation, big-endian
//   1         attempt: 0, and one more after every candidate refused
//
// All but the uuid have one size, so no two different inputs give the same bytes. The salt is
// empty: the seed is uniformly random already.
std::string infoOf(std::string_view uuid, const Incarnation& incarnation, std::uint32_t generation,
                   std::uint8_t attempt) {
  std::string info = "bco/v1";
  info += uuid;
  info.append(incarnation.begin(), incarnation.end());
  for (int shift = 24; shift >= 0; shift -= 8) info += static_cast<char>(generation >> shift & 255);
  info += static_cast<char>(attempt);
  return info;
}

}  // namespace

Result<PrivateKey> PrivateKey::derive(const SecretBytes& seed, std::string_view uuid,
                                      const Incarnation& incarnation, std::uint32_t generation) {
  if (seed.size() != kSeedBytes) {
    return fail(ErrorCode::kInvalid, "the key seed has " + std::to_string(seed.size()) +
                                         " bytes instead of " + std::to_string(kSeedBytes));
  }
  if (!isDeviceUuid(uuid)) {
    return fail(ErrorCode::kInvalid, "a device's uuid is 32 or 62 lower-case hex digits");
  }
  auto scalar = firstAcceptedScalar([&](std::uint8_t attempt) {
    return hkdfSha256(seed, {}, infoOf(uuid, incarnation, generation, attempt), kScalarBytes);
  });
  if (!scalar) return fail(std::move(scalar.error()));
  return fromScalar(std::move(*scalar), nullptr);
}

Result<PrivateKey> PrivateKey::generate() {
  auto scalar = firstAcceptedScalar([](std::uint8_t) -> Result<SecretBytes> {
    std::array<std::uint8_t, kScalarBytes> bytes;
    SystemRandom().fill(bytes);
    SecretBytes candidate(
        std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    wipe(bytes.data(), bytes.size());
    return candidate;
  });
  if (!scalar) return fail(std::move(scalar.error()));
  return fromScalar(std::move(*scalar), nullptr);
}

}  // namespace bco::crypto
