// The server's side of TLS.
#pragma once

#include <openssl/types.h>

#include <memory>

#include "core/result.h"
#include "server/http_server.h"

namespace bco::server {

struct FreeTlsContext {
  void operator()(SSL_CTX* context) const;
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeTlsContext>;

// TLS 1.2 and 1.3, with tickets for resumption. kInvalid: a bad certificate or key, or a key that
// is not the certificate's.
[[nodiscard]] Result<TlsContext> makeTlsContext(const TlsFiles& files);

}  // namespace bco::server
