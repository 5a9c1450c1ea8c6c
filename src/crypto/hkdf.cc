#include "crypto/hkdf.h"

#include <openssl/core_names.h>
#include <openssl/err.h>

#include <array>
#include <string>

#include "crypto/openssl_ptr.h"

namespace bco::crypto {
namespace {

// Looking an algorithm up costs more than running it, so each thread does that once.
EVP_KDF_CTX* threadContext() {
  thread_local const KdfPtr kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  thread_local const KdfCtxPtr context(kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr);
  return context.get();
}

OSSL_PARAM octets(const char* name, std::string_view bytes) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<char*>(bytes.data()), bytes.size());
}

}  // namespace

Result<SecretBytes> hkdfSha256(const SecretBytes& key, std::string_view salt, std::string_view info,
                               std::size_t size) {
  EVP_KDF_CTX* context = threadContext();
  std::string output(size, '\0');
  char digest[] = "SHA256";
  std::array<OSSL_PARAM, 5> parameters;
  std::size_t count = 0;
  parameters[count++] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
  parameters[count++] = octets(OSSL_KDF_PARAM_KEY, key.reveal());
  if (!salt.empty()) parameters[count++] = octets(OSSL_KDF_PARAM_SALT, salt);
  if (!info.empty()) parameters[count++] = octets(OSSL_KDF_PARAM_INFO, info);
  parameters[count] = OSSL_PARAM_construct_end();

  const bool derived =
      context != nullptr && EVP_KDF_derive(context, reinterpret_cast<unsigned char*>(output.data()),
                                           output.size(), parameters.data()) == 1;
  SecretBytes result = SecretBytes::take(std::move(output));
  // Wipes the context's copies of the key and info.
  if (context != nullptr) EVP_KDF_CTX_reset(context);
  if (!derived) {
    ERR_clear_error();
    return fail(ErrorCode::kInternal, "OpenSSL could not run HKDF-SHA256");
  }
  return result;
}

}  // namespace bco::crypto
