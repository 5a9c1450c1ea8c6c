#include "sandbox/clearblade_keys.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <array>
#include <ctime>

#include "crypto/keys.h"

namespace bco::sandbox {
namespace {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* value) const {
    Free(value);
  }
};
using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;

const auto* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Bio reader(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Certificate readCertificate(std::string_view pem) {
  const Bio in = reader(pem);
  Certificate certificate(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return certificate;
}

EVP_PKEY* keyOf(std::string_view point) {
  std::array<char, 11> group{"prime256v1"};
  std::string copy(point);
  const std::array parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, copy.data(), copy.size()),
      OSSL_PARAM_construct_end()};
  const std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>> context(
      EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  EVP_PKEY_fromdata_init(context.get());
  EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY,
                    const_cast<OSSL_PARAM*>(parameters.data()));
  return key;
}

std::string pointOf(EVP_PKEY* key) {
  std::array<char, 80> group{};
  if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size(),
                                     nullptr) != 1 ||
      std::string_view(group.data()) != "prime256v1") {
    return {};
  }
  std::array<unsigned char, 65> point{};
  std::size_t size = 0;
  if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size(),
                                      &size) != 1 ||
      size != point.size()) {
    return {};
  }
  return {reinterpret_cast<const char*>(point.data()), size};
}

// A JWS signature, r ‖ s, as the DER that OpenSSL checks.
std::string derSignature(std::string_view raw) {
  const std::unique_ptr<ECDSA_SIG, Freer<ECDSA_SIG_free>> signature(ECDSA_SIG_new());
  ECDSA_SIG_set0(signature.get(), BN_bin2bn(bytes(raw), 32, nullptr),
                 BN_bin2bn(bytes(raw.substr(32)), 32, nullptr));
  // Not into OpenSSL's own memory: what frees that would write this file's path into the program.
  std::string der(static_cast<std::size_t>(i2d_ECDSA_SIG(signature.get(), nullptr)), '\0');
  auto* end = reinterpret_cast<unsigned char*>(der.data());
  i2d_ECDSA_SIG(signature.get(), &end);
  return der;
}

bool isValidAt(const X509* certificate, TimePoint now) {
  std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  return X509_cmp_time(X509_get0_notBefore(certificate), &seconds) < 0 &&
         X509_cmp_time(X509_get0_notAfter(certificate), &seconds) > 0;
}

}  // namespace

CredentialKey::~CredentialKey() { EVP_PKEY_free(key_); }

Result<std::shared_ptr<const CredentialKey>> CredentialKey::parse(std::string_view format,
                                                                  std::string_view pem,
                                                                  TimePoint now) {
  const std::shared_ptr<CredentialKey> parsed(new CredentialKey);
  if (format == "ES256_PEM") {
    const auto key = crypto::PublicKey::fromPem(pem);
    if (!key) return fail(key.error());
    parsed->point_ = std::string(reinterpret_cast<const char*>(key->point().data()), 65);
    return parsed;
  }
  const bool isEc = format == "ES256_X509_PEM";
  Key key;
  if (format == "RSA_PEM") {
    const Bio in = reader(pem);
    key.reset(PEM_read_bio_PUBKEY(in.get(), nullptr, nullptr, nullptr));
  } else if (isEc || format == "RSA_X509_PEM") {
    const Certificate certificate = readCertificate(pem);
    if (certificate && !isValidAt(certificate.get(), now)) {
      return fail(ErrorCode::kInvalid, "the certificate is not valid now");
    }
    if (certificate) key.reset(X509_get_pubkey(certificate.get()));
  } else {
    return fail(ErrorCode::kInvalid, "unknown public key format");
  }
  ERR_clear_error();
  if (!key) return fail(ErrorCode::kInvalid, "not a PEM of that format");
  if (isEc) {
    parsed->point_ = pointOf(key.get());
    if (parsed->point_.empty()) return fail(ErrorCode::kInvalid, "not a P-256 key");
  } else if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA ||
             EVP_PKEY_get_bits(key.get()) < 2048) {
    return fail(ErrorCode::kInvalid, "not an RSA key of 2048 bits or more");
  }
  parsed->key_ = key.release();
  return parsed;
}

EVP_PKEY* CredentialKey::key() const {
  if (key_ == nullptr) key_ = keyOf(point_);
  return key_;
}

bool CredentialKey::verify(std::string_view algorithm, std::string_view message,
                           std::string_view signature) const {
  const bool isEc = !point_.empty();
  if (algorithm != (isEc ? "ES256" : "RS256") || (isEc && signature.size() != 64)) return false;
  const std::string der = isEc ? derSignature(signature) : std::string(signature);
  const std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
  const bool good =
      EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key()) == 1 &&
      EVP_DigestVerify(context.get(), bytes(der), der.size(), bytes(message), message.size()) == 1;
  ERR_clear_error();
  return good;
}

bool isSignedByAny(std::string_view certificatePem, std::span<const std::string> authorities) {
  const Certificate certificate = readCertificate(certificatePem);
  if (!certificate) return false;
  for (const std::string& pem : authorities) {
    const Certificate authority = readCertificate(pem);
    if (!authority) continue;
    const bool good = X509_verify(certificate.get(), X509_get0_pubkey(authority.get())) == 1;
    ERR_clear_error();
    if (good) return true;
  }
  return false;
}

bool isCertificate(std::string_view pem) { return readCertificate(pem) != nullptr; }

}  // namespace bco::sandbox
