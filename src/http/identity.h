// Who we are to a server that asks for a certificate.
#pragma once

#include <memory>
#include <string_view>

#include "core/result.h"
#include "core/secret.h"

using SSL_CTX = struct ssl_ctx_st;

namespace bco::http {

// A client certificate with its private key. A value: copies share both. Thread-safe.
class ClientIdentity {
 public:
  // `certificatePem`: ours, then those between it and the authority. kInvalid: no PEM certificate,
  // no unencrypted PEM key, or the two don't belong together.
  [[nodiscard]] static Result<ClientIdentity> load(std::string_view certificatePem,
                                                   const SecretBytes& keyPem);

  // False when OpenSSL refuses it, for a key that is too short, say.
  [[nodiscard]] bool useIn(SSL_CTX* context) const;

 private:
  struct Parts;
  explicit ClientIdentity(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
  std::shared_ptr<const Parts> parts_;
};

}  // namespace bco::http
