#include "crypto/decode.h"

#include <openssl/core_names.h>
#include <openssl/err.h>

#include "crypto/openssl_ptr.h"

namespace bco::crypto {
namespace {

PkeyPtr decode(std::string_view der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto* const end = at + der.size();
  PkeyPtr key(d2i_AutoPrivateKey_ex(nullptr, &at, static_cast<long>(der.size()), nullptr, nullptr));
  ERR_clear_error();
  if (at != end) return nullptr;
  return key;
}

bool isP256(EVP_PKEY* key) {
  char group[32] = {};
  std::size_t size = 0;
  return EVP_PKEY_is_a(key, "EC") == 1 &&
         EVP_PKEY_get_group_name(key, group, sizeof group, &size) == 1 &&
         std::string_view(group) == "prime256v1";
}

// A number among the key's parts as 32 bytes; false when it has none.
bool getNumber(EVP_PKEY* key, const char* name, unsigned char* out) {
  BIGNUM* number = nullptr;
  const bool got = EVP_PKEY_get_bn_param(key, name, &number) == 1;
  const BnPtr owned(number);
  return got && BN_bn2binpad(number, out, kScalarBytes) == static_cast<int>(kScalarBytes);
}

}  // namespace

Result<KeyParts> decodeAnyPrivateKey(std::string_view der) {
  const PkeyPtr key = decode(der);
  if (!key) return fail(ErrorCode::kInvalid, "not the DER of a private key");
  if (!isP256(key.get())) {
    ERR_clear_error();
    return fail(ErrorCode::kInvalid, "a private key, but not one of P-256");
  }
  std::array<unsigned char, kScalarBytes> scalar;
  if (!getNumber(key.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar.data())) {
    ERR_clear_error();
    return fail(ErrorCode::kInvalid, "a key of P-256 without its private half");
  }
  KeyParts parts;
  parts.scalar =
      SecretBytes(std::string_view(reinterpret_cast<const char*>(scalar.data()), scalar.size()));
  wipe(scalar.data(), scalar.size());
  Point point;
  point[0] = POINT_CONVERSION_UNCOMPRESSED;
  if (getNumber(key.get(), OSSL_PKEY_PARAM_EC_PUB_X, point.data() + 1) &&
      getNumber(key.get(), OSSL_PKEY_PARAM_EC_PUB_Y, point.data() + 1 + kScalarBytes)) {
    parts.point = point;
  }
  ERR_clear_error();
  return parts;
}

}  // namespace bco::crypto
