#include "crypto/keys.h"

#include <openssl/evp.h>

#include "core/text.h"
#include "crypto/curve.h"
#include "crypto/decode.h"
#include "crypto/der.h"
#include "crypto/ecdsa.h"
#include "crypto/hash.h"
#include "crypto/pem.h"

namespace bco::crypto {
namespace {

constexpr std::string_view kPublic = "PUBLIC KEY";
constexpr std::string_view kPkcs8 = "PRIVATE KEY";
constexpr std::string_view kSec1 = "EC PRIVATE KEY";

Result<KeyParts> decodeParts(const PemBlock& block) {
  if (block.label == "ENCRYPTED PRIVATE KEY") {
    return fail(ErrorCode::kInvalid, "the private key is encrypted");
  }
  const bool pkcs8 = block.label == kPkcs8;
  if (!pkcs8 && block.label != kSec1) {
    return fail(ErrorCode::kInvalid, "the PEM of something else than a private key of P-256");
  }
  const std::string_view der = block.der.reveal();
  if (auto parts = pkcs8 ? decodePkcs8(der) : decodeSec1(der)) return std::move(*parts);
  return decodeAnyPrivateKey(der);
}

}  // namespace

Result<PublicKey> PublicKey::fromPem(std::string_view pem) {
  const auto block = decodePem(pem, "a public key");
  if (!block) return fail(block.error());
  if (block->label != kPublic) {
    return fail(ErrorCode::kInvalid, "the PEM of something else than a public key");
  }
  const auto point = decodeSpki(block->der.reveal());
  if (!point) return fail(ErrorCode::kInvalid, "not a public key of P-256 in its usual form");
  if (!isOnCurve(*point)) return fail(ErrorCode::kInvalid, "a public key that is not on P-256");
  return PublicKey(*point);
}

std::string PublicKey::toPem() const {
  return std::string(encodePem(kPublic, encodeSpki(point_)).reveal());
}

std::string PublicKey::fingerprint() const { return toHex(sha256(encodeSpki(point_))); }

bool PublicKey::verify(std::string_view message, std::string_view signature) const {
  return verifyWith(point_, message, signature);
}

void PrivateKey::FreeSigner::operator()(EVP_PKEY_CTX* signer) const { EVP_PKEY_CTX_free(signer); }

PrivateKey::PrivateKey(SecretBytes scalar, PublicKey publicKey)
    : scalar_(std::move(scalar)), publicKey_(publicKey) {}
PrivateKey::~PrivateKey() = default;
PrivateKey::PrivateKey(PrivateKey&&) noexcept = default;
PrivateKey& PrivateKey::operator=(PrivateKey&&) noexcept = default;

Result<PrivateKey> PrivateKey::fromScalar(SecretBytes scalar,
                                          const std::array<std::uint8_t, 65>* expectedPoint) {
  const auto point = publicPoint(scalar);
  if (!point) return fail(point.error());
  if (expectedPoint != nullptr && *point != *expectedPoint) {
    return fail(ErrorCode::kInvalid, "the two halves of the private key don't belong together");
  }
  return PrivateKey(std::move(scalar), PublicKey(*point));
}

Result<PrivateKey> PrivateKey::fromPem(const SecretBytes& pem) {
  const auto block = decodePem(pem.reveal(), "a private key");
  if (!block) return fail(block.error());
  auto parts = decodeParts(*block);
  if (!parts) return fail(std::move(parts.error()));
  return fromScalar(std::move(parts->scalar), parts->point ? &*parts->point : nullptr);
}

SecretBytes PrivateKey::toPem() const {
  return encodePem(kPkcs8, encodePkcs8(scalar_, publicKey_.point()).reveal());
}

Result<std::string> PrivateKey::sign(std::string_view message) const {
  if (!signer_) {
    auto signer = makeSigner(scalar_, publicKey_.point());
    if (!signer) return fail(std::move(signer.error()));
    signer_.reset(signer->release());
  }
  return signWith(signer_.get(), message);
}

SecretBytes toVariableValue(const PrivateKey& key) {
  return SecretBytes::take(toBase64(key.toPem().reveal()));
}

Result<PrivateKey> fromVariableValue(const SecretBytes& value) {
  auto pem = fromBase64(value.reveal());
  if (!pem) return fail(ErrorCode::kInvalid, "not base64 on one line");
  return PrivateKey::fromPem(SecretBytes::take(std::move(*pem)));
}

}  // namespace bco::crypto
