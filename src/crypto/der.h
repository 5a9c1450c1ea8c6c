// DER of P-256 keys by fixed templates: OpenSSL's encoders and decoders take 80 to 500 us a key
// for what is a copy of 97 bytes between constant ones.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/secret.h"
#include "crypto/curve.h"

namespace bco::crypto {

// SubjectPublicKeyInfo (RFC 5480) with a named curve and an uncompressed point, 91 bytes.
[[nodiscard]] std::string encodeSpki(const Point& point);
// nullopt for every other layout. The point is not checked to be on the curve.
[[nodiscard]] std::optional<Point> decodeSpki(std::string_view der);

// PKCS#8 (RFC 5208) around an ECPrivateKey (RFC 5915) with the public half, 138 bytes.
[[nodiscard]] SecretBytes encodePkcs8(const SecretBytes& scalar, const Point& point);

struct KeyParts {
  SecretBytes scalar;
  std::optional<Point> point;  // as the text has it, checked by nobody yet
};
// The layouts openssl writes: PKCS#8 and SEC1, each with and without the public half. nullopt for
// every other one.
[[nodiscard]] std::optional<KeyParts> decodePkcs8(std::string_view der);
[[nodiscard]] std::optional<KeyParts> decodeSec1(std::string_view der);

}  // namespace bco::crypto
