// P-256 keys: derived from a seed, written and read as PEM, signing and verifying.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/result.h"
#include "core/secret.h"

typedef struct evp_pkey_st EVP_PKEY;

namespace bco::crypto {

inline constexpr std::size_t kSeedBytes = 32;
using Incarnation = std::array<std::uint8_t, 16>;

class PublicKey {
 public:
  // kInvalid unless the text is one SPKI PEM ("PUBLIC KEY") of a P-256 key. Certificates and other
  // algorithms are kInvalid: we never made those.
  [[nodiscard]] static Result<PublicKey> fromPem(std::string_view pem);
  // 65 bytes, 0x04 ‖ x ‖ y. Not checked to be on the curve.
  explicit PublicKey(const std::array<std::uint8_t, 65>& point) : point_(point) {}

  [[nodiscard]] std::string toPem() const;
  // SHA-256 of the DER SubjectPublicKeyInfo, 64 lower-case hex digits.
  [[nodiscard]] std::string fingerprint() const;
  // `signature`: 64 bytes, r ‖ s, as JWS has it.
  [[nodiscard]] bool verify(std::string_view message, std::string_view signature) const;

  friend bool operator==(const PublicKey&, const PublicKey&) = default;

 private:
  std::array<std::uint8_t, 65> point_;
};

// Movable, wiped at its end. One thread at a time.
class PrivateKey {
 public:
  // The key of `generation` of the registration `incarnation` of device `uuid`: the first of the
  // candidates HKDF-SHA256(seed, info = "bco/v1" ‖ uuid ‖ incarnation ‖ generation ‖ attempt) that
  // FIPS 186-5 A.2.2 accepts. Deterministic: every process with this seed gets the same key.
  // The byte layout of info is given in keys.cc and fixed by test vectors.
  [[nodiscard]] static Result<PrivateKey> derive(const SecretBytes& seed, std::string_view uuid,
                                                 const Incarnation& incarnation,
                                                 std::uint32_t generation);
  // kInvalid unless it is one PKCS#8 ("PRIVATE KEY") or SEC1 ("EC PRIVATE KEY") PEM of a P-256 key
  // whose public half fits.
  [[nodiscard]] static Result<PrivateKey> fromPem(const SecretBytes& pem);
  // A random key.
  [[nodiscard]] static Result<PrivateKey> generate();

  ~PrivateKey();
  PrivateKey(PrivateKey&&) noexcept;
  PrivateKey& operator=(PrivateKey&&) noexcept;

  // PKCS#8 PEM, byte for byte what `openssl pkcs8 -topk8 -nocrypt` writes.
  [[nodiscard]] SecretBytes toPem() const;
  [[nodiscard]] const PublicKey& publicKey() const { return publicKey_; }
  // r ‖ s, 64 bytes.
  [[nodiscard]] Result<std::string> sign(std::string_view message) const;

 private:
  PrivateKey(SecretBytes scalar, PublicKey publicKey);

  SecretBytes scalar_;  // 32 bytes, big-endian
  PublicKey publicKey_;
};

// What GCP_PRIVATE_KEY holds: base64 on one line of the PKCS#8 PEM.
[[nodiscard]] SecretBytes toVariableValue(const PrivateKey& key);
// kInvalid when it isn't base64 of such a PEM. Takes PEM with either line ending.
[[nodiscard]] Result<PrivateKey> fromVariableValue(const SecretBytes& value);

}  // namespace bco::crypto
