// ES256: ECDSA on P-256 with SHA-256, signatures as JWS (RFC 7518 §3.4) has them, r ‖ s.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "core/secret.h"
#include "crypto/curve.h"
#include "crypto/openssl_ptr.h"

namespace bco::crypto {

// Ready to sign with one key, as often as wanted, by one thread at a time.
[[nodiscard]] Result<PkeyCtxPtr> makeSigner(const SecretBytes& scalar, const Point& point);
// 64 bytes.
[[nodiscard]] Result<std::string> signWith(EVP_PKEY_CTX* signer, std::string_view message);

// Thread-safe. False for a point that is not on the curve too.
[[nodiscard]] bool verifyWith(const Point& point, std::string_view message,
                              std::string_view signature);

}  // namespace bco::crypto
