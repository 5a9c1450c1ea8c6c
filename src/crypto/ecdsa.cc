#include "crypto/ecdsa.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "crypto/hash.h"

namespace bco::crypto {
namespace {

constexpr std::size_t kHalf = 32;
// SEQUENCE { INTEGER, INTEGER } of two numbers of up to 33 bytes.
constexpr std::size_t kLongestDer = 72;

using ParamBuilderPtr = OpensslPtr<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using ParamsPtr = OpensslPtr<OSSL_PARAM, OSSL_PARAM_free>;

tl::unexpected<Error> broken(std::string_view what) {
  ERR_clear_error();
  return fail(ErrorCode::kInternal, "OpenSSL could not " + std::string(what));
}

// `number` is the private half; null for a public key.
PkeyPtr makePkey(const Point& point, const BIGNUM* number) {
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  if (!builder || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) !=
          1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1) {
    return nullptr;
  }
  if (number != nullptr &&
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, number) != 1) {
    return nullptr;
  }
  // A number in secure memory stays in such memory here, which OSSL_PARAM_free wipes.
  const ParamsPtr parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  EVP_PKEY* key = nullptr;
  const int selection = number != nullptr ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
  if (!parameters || EVP_PKEY_fromdata(context.get(), &key, selection, parameters.get()) != 1) {
    return nullptr;
  }
  return PkeyPtr(key);
}

PkeyCtxPtr contextOf(EVP_PKEY* key) {
  return PkeyCtxPtr(key != nullptr ? EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr) : nullptr);
}

}  // namespace

Result<PkeyCtxPtr> makeSigner(const SecretBytes& scalar, const Point& point) {
  const BnPtr number(BN_secure_new());
  if (!number || BN_bin2bn(reinterpret_cast<const unsigned char*>(scalar.reveal().data()),
                           static_cast<int>(scalar.size()), number.get()) == nullptr) {
    return broken("read a private key");
  }
  const PkeyPtr key = makePkey(point, number.get());
  PkeyCtxPtr signer = contextOf(key.get());  // shares the key
  if (!signer || EVP_PKEY_sign_init(signer.get()) != 1) return broken("prepare a signature");
  return signer;
}

Result<std::string> signWith(EVP_PKEY_CTX* signer, std::string_view message) {
  const auto digest = sha256(message);
  std::array<unsigned char, kLongestDer> der;
  std::size_t size = der.size();
  if (EVP_PKEY_sign(signer, der.data(), &size, digest.data(), digest.size()) != 1) {
    return broken("sign");
  }
  const unsigned char* at = der.data();
  const EcdsaSigPtr parts(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)));
  std::string signature(2 * kHalf, '\0');
  auto* out = reinterpret_cast<unsigned char*>(signature.data());
  if (!parts || BN_bn2binpad(ECDSA_SIG_get0_r(parts.get()), out, kHalf) != kHalf ||
      BN_bn2binpad(ECDSA_SIG_get0_s(parts.get()), out + kHalf, kHalf) != kHalf) {
    return broken("write a signature");
  }
  return signature;
}

bool verifyWith(const Point& point, std::string_view message, std::string_view signature) {
  if (signature.size() != 2 * kHalf) return false;
  const auto* raw = reinterpret_cast<const unsigned char*>(signature.data());
  const EcdsaSigPtr parts(ECDSA_SIG_new());
  BnPtr r(BN_bin2bn(raw, kHalf, nullptr));
  BnPtr s(BN_bin2bn(raw + kHalf, kHalf, nullptr));
  if (!parts || !r || !s) return false;
  ECDSA_SIG_set0(parts.get(), r.release(), s.release());
  std::array<unsigned char, kLongestDer> der;
  unsigned char* end = der.data();
  const int size = i2d_ECDSA_SIG(parts.get(), &end);

  const auto digest = sha256(message);
  const PkeyPtr key = makePkey(point, nullptr);
  const PkeyCtxPtr verifier = contextOf(key.get());
  const bool valid = size > 0 && verifier && EVP_PKEY_verify_init(verifier.get()) == 1 &&
                     EVP_PKEY_verify(verifier.get(), der.data(), static_cast<std::size_t>(size),
                                     digest.data(), digest.size()) == 1;
  if (!valid) ERR_clear_error();
  return valid;
}

}  // namespace bco::crypto
