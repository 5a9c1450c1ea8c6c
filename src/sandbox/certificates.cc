#include "sandbox/certificates.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <memory>

namespace bco::sandbox {
namespace {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* value) const {
    Free(value);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;

constexpr long kDay = 24L * 60 * 60;

std::string textOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

bool addExtension(X509* certificate, X509* issuer, int type, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, type, value.c_str());
  const bool added = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

void setName(X509* certificate, const char* name) {
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
}

Certificate blank(EVP_PKEY* key, const char* name) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  std::uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial));
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1U);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3650 * kDay);
  X509_set_pubkey(certificate.get(), key);
  setName(certificate.get(), name);
  return certificate;
}

std::string alternativeNames(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    in_addr address{};
    text += text.empty() ? "" : ",";
    text += (::inet_pton(AF_INET, name.c_str(), &address) == 1 ? "IP:" : "DNS:") + name;
  }
  return text;
}

std::string pemOf(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate);
  return textOf(bio.get());
}

std::string pemOf(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return textOf(bio.get());
}

}  // namespace

Result<Certificates> makeCertificates(const std::vector<std::string>& names) {
  const Key authorityKey(EVP_EC_gen("P-256"));
  const Key serverKey(EVP_EC_gen("P-256"));
  if (!authorityKey || !serverKey) return fail(ErrorCode::kInternal, "can't make a key");

  const Certificate authority = blank(authorityKey.get(), "cloud-sandbox CA");
  X509_set_issuer_name(authority.get(), X509_get_subject_name(authority.get()));
  const bool isAuthority =
      addExtension(authority.get(), authority.get(), NID_basic_constraints, "critical,CA:TRUE") &&
      addExtension(authority.get(), authority.get(), NID_key_usage,
                   "critical,keyCertSign,cRLSign") &&
      addExtension(authority.get(), authority.get(), NID_subject_key_identifier, "hash") &&
      X509_sign(authority.get(), authorityKey.get(), EVP_sha256()) > 0;

  const Certificate server = blank(serverKey.get(), "cloud-sandbox");
  X509_set_issuer_name(server.get(), X509_get_subject_name(authority.get()));
  const bool isServer =
      addExtension(server.get(), authority.get(), NID_basic_constraints, "critical,CA:FALSE") &&
      addExtension(server.get(), authority.get(), NID_key_usage, "critical,digitalSignature") &&
      addExtension(server.get(), authority.get(), NID_ext_key_usage, "serverAuth") &&
      addExtension(server.get(), authority.get(), NID_authority_key_identifier, "keyid") &&
      addExtension(server.get(), authority.get(), NID_subject_alt_name, alternativeNames(names)) &&
      X509_sign(server.get(), authorityKey.get(), EVP_sha256()) > 0;
  if (!isAuthority || !isServer) return fail(ErrorCode::kInternal, "can't make a certificate");
  return Certificates{pemOf(authority.get()), {pemOf(server.get()), pemOf(serverKey.get())}};
}

}  // namespace bco::sandbox
