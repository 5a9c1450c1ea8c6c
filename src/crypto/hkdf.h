// HKDF-SHA256 (RFC 5869).
#pragma once

#include <cstddef>
#include <string_view>

#include "core/result.h"
#include "core/secret.h"

namespace bco::crypto {

// `size` bytes of output key material, at most 255 * 32. An empty salt is RFC 5869's default, 32
// zero bytes. kInternal when OpenSSL refuses. Thread-safe.
[[nodiscard]] Result<SecretBytes> hkdfSha256(const SecretBytes& key, std::string_view salt,
                                             std::string_view info, std::size_t size);

}  // namespace bco::crypto
