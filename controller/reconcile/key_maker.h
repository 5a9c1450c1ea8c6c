// Where new keys come from: the seam behind which a simulation counts them, or makes others.
#pragma once

#include <string_view>

#include "crypto/keys.h"

namespace bco {

// Thread-safe.
class KeyMaker {
 public:
  virtual ~KeyMaker() = default;
  // As crypto::PrivateKey::derive.
  [[nodiscard]] virtual Result<crypto::PrivateKey> make(const SecretBytes& seed,
                                                        std::string_view uuid,
                                                        const crypto::Incarnation& incarnation,
                                                        std::uint32_t generation) const = 0;
};

// The program's: every process with the same seed makes the same key.
class DerivedKeys final : public KeyMaker {
 public:
  [[nodiscard]] Result<crypto::PrivateKey> make(const SecretBytes& seed, std::string_view uuid,
                                                const crypto::Incarnation& incarnation,
                                                std::uint32_t generation) const override {
    return crypto::PrivateKey::derive(seed, uuid, incarnation, generation);
  }
};
inline const DerivedKeys kDerivedKeys;

}  // namespace bco
