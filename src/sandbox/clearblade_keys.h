// The public keys of registrations: read once, kept parsed for every token that is checked.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/result.h"

typedef struct evp_pkey_st EVP_PKEY;

namespace bco::sandbox {

// One key of any of ClearBlade's four formats: ES256_PEM, RSA_PEM (SPKI) and ES256_X509_PEM,
// RSA_X509_PEM (certificates). Immutable; the world's mutex is to be held, for the OpenSSL form of
// a P-256 key is made at its first use.
class CredentialKey {
 public:
  // kInvalid: unknown format, no such PEM, another algorithm or curve, a point off the curve, RSA
  // below 2048 bits, a certificate that is not valid at `now`.
  [[nodiscard]] static Result<std::shared_ptr<const CredentialKey>> parse(std::string_view format,
                                                                          std::string_view pem,
                                                                          TimePoint now);
  ~CredentialKey();
  CredentialKey(const CredentialKey&) = delete;
  CredentialKey& operator=(const CredentialKey&) = delete;

  // `algorithm`: the token's alg. False for one that does not fit the key.
  [[nodiscard]] bool verify(std::string_view algorithm, std::string_view message,
                            std::string_view signature) const;

 private:
  CredentialKey() = default;
  [[nodiscard]] EVP_PKEY* key() const;

  std::string point_;                // P-256: 0x04 ‖ x ‖ y; empty for RSA
  mutable EVP_PKEY* key_ = nullptr;  // owned
};

// Whether the certificate was signed by one of the CA certificates (PEM).
[[nodiscard]] bool isSignedByAny(std::string_view certificatePem,
                                 std::span<const std::string> authorities);
// Whether the text is one X.509 certificate in PEM.
[[nodiscard]] bool isCertificate(std::string_view pem);

}  // namespace bco::sandbox
