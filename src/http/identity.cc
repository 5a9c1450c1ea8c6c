#include "http/identity.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

namespace bco::http {

namespace detail {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(STACK_OF(X509) * chain) const { sk_X509_pop_free(chain, X509_free); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

}  // namespace detail

namespace {

using detail::Owned;

Owned<BIO> reading(std::string_view text) {
  return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// For an encrypted key: nobody is asked for a password.
int noPassword(char*, int, int, void*) { return 0; }

}  // namespace

struct ClientIdentity::Parts {
  detail::Owned<X509> certificate;
  detail::Owned<STACK_OF(X509)> chain;
  detail::Owned<EVP_PKEY> key;
};

Result<ClientIdentity> ClientIdentity::load(std::string_view certificatePem,
                                            const SecretBytes& keyPem) {
  const auto parts = std::make_shared<Parts>();
  const auto certificates = reading(certificatePem);
  parts->certificate.reset(PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr));
  parts->chain.reset(sk_X509_new_null());
  while (X509* const next = PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr)) {
    sk_X509_push(parts->chain.get(), next);
  }
  const auto key = reading(keyPem.reveal());
  parts->key.reset(PEM_read_bio_PrivateKey(key.get(), nullptr, &noPassword, nullptr));
  const bool match = parts->certificate && parts->key &&
                     X509_check_private_key(parts->certificate.get(), parts->key.get()) == 1;
  ERR_clear_error();
  if (!parts->certificate) {
    return fail(ErrorCode::kInvalid, "the client certificate is not a PEM certificate");
  }
  if (!parts->key) {
    return fail(ErrorCode::kInvalid,
                "the client certificate's key is not an unencrypted PEM private key");
  }
  if (!match) {
    return fail(ErrorCode::kInvalid, "the client certificate and its key don't belong together");
  }
  return ClientIdentity(parts);
}

bool ClientIdentity::useIn(SSL_CTX* context) const {
  const bool used = SSL_CTX_use_cert_and_key(context, parts_->certificate.get(), parts_->key.get(),
                                             parts_->chain.get(), 1) == 1;
  ERR_clear_error();
  return used;
}

}  // namespace bco::http
