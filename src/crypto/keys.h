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

typedef struct evp_pkey_ctx_st EVP_PKEY_CTX;

namespace bco::crypto {

inline constexpr std::size_t kSeedBytes = 32;
using Incarnation = std::array<std::uint8_t, 16>;

// A value; any number of threads may read one.
class PublicKey {
 public:
  // kInvalid unless the text is one SPKI PEM ("PUBLIC KEY") of a P-256 key with an uncompressed
  // point that is on the curve. Certificates and other algorithms are kInvalid: we never made
  // those. Line endings, trailing white space and a missing last newline don't matter.
  [[nodiscard]] static Result<PublicKey> fromPem(std::string_view pem);
  // 65 bytes, 0x04 ‖ x ‖ y. Not checked to be on the curve.
  explicit PublicKey(const std::array<std::uint8_t, 65>& point) : point_(point) {}

  // Byte for byte what `openssl pkey -pubout` writes.
  [[nodiscard]] std::string toPem() const;
  // SHA-256 of the DER SubjectPublicKeyInfo, 64 lower-case hex digits.
  [[nodiscard]] std::string fingerprint() const;
  // `signature`: 64 bytes, r ‖ s, as JWS has it.
  [[nodiscard]] bool verify(std::string_view message, std::string_view signature) const;

  // 0x04 ‖ x ‖ y
  [[nodiscard]] const std::array<std::uint8_t, 65>& point() const { return point_; }

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
  // The byte layout of info is given in derive.cc and fixed by test vectors. kInvalid for a seed
  // that has not kSeedBytes bytes and for a uuid that isDeviceUuid() refuses.
  [[nodiscard]] static Result<PrivateKey> derive(const SecretBytes& seed, std::string_view uuid,
                                                 const Incarnation& incarnation,
                                                 std::uint32_t generation);
  // kInvalid unless it is one PKCS#8 ("PRIVATE KEY") or SEC1 ("EC PRIVATE KEY") PEM of a P-256 key,
  // not encrypted, whose public half, if it has one, fits. Line endings as above.
  [[nodiscard]] static Result<PrivateKey> fromPem(const SecretBytes& pem);
  // A random key.
  [[nodiscard]] static Result<PrivateKey> generate();

  ~PrivateKey();
  PrivateKey(PrivateKey&&) noexcept;
  PrivateKey& operator=(PrivateKey&&) noexcept;

  // PKCS#8 PEM, byte for byte what `openssl pkcs8 -topk8 -nocrypt` writes.
  [[nodiscard]] SecretBytes toPem() const;
  [[nodiscard]] const PublicKey& publicKey() const { return publicKey_; }
  // ES256: r ‖ s, 64 bytes. The first call takes longer: what signs is kept.
  [[nodiscard]] Result<std::string> sign(std::string_view message) const;

 private:
  struct FreeSigner {
    void operator()(EVP_PKEY_CTX* signer) const;
  };

  PrivateKey(SecretBytes scalar, PublicKey publicKey);
  // With the public half computed, and compared with the one that the text had, if any.
  [[nodiscard]] static Result<PrivateKey> fromScalar(
      SecretBytes scalar, const std::array<std::uint8_t, 65>* expectedPoint);

  SecretBytes scalar_;  // 32 bytes, big-endian
  PublicKey publicKey_;
  mutable std::unique_ptr<EVP_PKEY_CTX, FreeSigner> signer_;  // made by the first sign()
};

// What GCP_PRIVATE_KEY holds: base64 on one line of the PKCS#8 PEM.
[[nodiscard]] SecretBytes toVariableValue(const PrivateKey& key);
// kInvalid when it isn't base64 of such a PEM. Takes PEM with either line ending.
[[nodiscard]] Result<PrivateKey> fromVariableValue(const SecretBytes& value);

}  // namespace bco::crypto
