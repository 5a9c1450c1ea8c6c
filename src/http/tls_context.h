// How connections to one host speak TLS: one SSL_CTX for all of them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/identity.h"
#include "http/trust.h"

using SSL = struct ssl_st;
using SSL_CTX = struct ssl_ctx_st;
using SSL_SESSION = struct ssl_session_st;
using X509_STORE_CTX = struct x509_store_ctx_st;

namespace bco::http {

// TLS 1.2 or newer; the certificate must be trusted and name `host` in a subject alternative name
// (a DNS name or an IP address; common names don't count), which is also asked for (SNI). The
// server gets `identity` if it asks for one. Sessions are resumed: a second
// connection saves the signature and the chain check.
// Thread rule: made anywhere, used by the connections' one thread only.
class TlsContext {
 public:
  TlsContext(const Trust& trust, const std::string& host,
             const std::optional<ClientIdentity>& identity = std::nullopt);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // A new reference, for a connection to keep; nullptr when OpenSSL failed to make it.
  [[nodiscard]] SSL_CTX* share();

  // Calls `*action` when the handshake on `ssl` starts, which is when its socket is connected.
  // Both must live as long as `ssl`.
  static void atHandshake(SSL* ssl, void* argument);
  void onHandshake(std::function<void(void* argument)> action) { action_ = std::move(action); }

  // Why the last certificate that was refused was; empty when none was.
  [[nodiscard]] const std::string& lastRefusal() const { return lastRefusal_; }

 private:
  using Session = std::unique_ptr<SSL_SESSION, void (*)(SSL_SESSION*)>;

  static void onInfo(const SSL* ssl, int where, int value);
  static int onSession(SSL* ssl, SSL_SESSION* session);
  static int onVerify(X509_STORE_CTX* chain, void* self);
  void start(SSL* ssl);

  const std::string host_;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
  std::vector<Session> sessions_;
  std::function<void(void*)> action_;
  std::string lastRefusal_;
};

}  // namespace bco::http
