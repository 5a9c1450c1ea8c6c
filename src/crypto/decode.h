// Private keys in layouts that we don't write but others may.
#pragma once

#include "core/result.h"
#include "crypto/der.h"

namespace bco::crypto {

// Any unencrypted private key that OpenSSL reads from DER; kInvalid when it is none or not of
// P-256. Takes some 0.5 ms.
[[nodiscard]] Result<KeyParts> decodeAnyPrivateKey(std::string_view der);

}  // namespace bco::crypto
