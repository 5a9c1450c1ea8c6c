#include "http/trust.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "http/runtime.h"

namespace bco::http {

namespace {

// Adds every certificate of a PEM text; returns how many.
int addCertificates(X509_STORE* store, const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> text(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  int count = 0;
  while (X509* certificate = PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)) {
    count += X509_STORE_add_cert(store, certificate);
    X509_free(certificate);
  }
  ERR_clear_error();
  return count;
}

}  // namespace

Result<Trust> Trust::load(const TrustSource& source) {
  const std::shared_ptr<X509_STORE> store(X509_STORE_new(), &X509_STORE_free);
  if (!source.system && source.extraPem.empty()) {
    return fail(ErrorCode::kInvalid, "no certificate authority to trust");
  }
  if (source.system && !systemCertificateFile().empty() &&
      X509_STORE_load_file(store.get(), systemCertificateFile().c_str()) != 1) {
    ERR_clear_error();
    return fail(ErrorCode::kUnavailable,
                "cannot read the certificates in " + systemCertificateFile());
  }
  if (source.system && source.extraPem.empty() && systemCertificateFile().empty()) {
    return fail(ErrorCode::kUnavailable, "the system has no bundle of certificates");
  }
  if (!source.extraPem.empty() && addCertificates(store.get(), source.extraPem) == 0) {
    return fail(ErrorCode::kInvalid, "the CA is not a PEM certificate");
  }
  return Trust(store);
}

}  // namespace bco::http
