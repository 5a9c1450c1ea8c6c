#include "http/tls_context.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "http/url.h"

namespace bco::http {

namespace {

// Enough for as many connections as a pool opens at once.
constexpr std::size_t kMostSessions = 16;

int contextSlot() {
  static const int slot = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return slot;
}

int argumentSlot() {
  static const int slot = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return slot;
}

}  // namespace

TlsContext::TlsContext(const Trust& trust, const std::string& host,
                       const std::optional<ClientIdentity>& identity)
    : host_(host), context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free) {
  SSL_CTX* const context = context_.get();
  if (context == nullptr) return;
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set1_cert_store(context, trust.store());
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (identity && !identity->useIn(context)) {
    context_.reset();
    return;
  }

  X509_VERIFY_PARAM* const rules = SSL_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_hostflags(
      rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (isIpv4(host)) {
    X509_VERIFY_PARAM_set1_ip_asc(rules, host.c_str());
  } else {
    X509_VERIFY_PARAM_set1_host(rules, host.c_str(), host.size());
  }

  SSL_CTX_set_ex_data(context, contextSlot(), this);
  SSL_CTX_set_cert_verify_callback(context, &TlsContext::onVerify, this);
  SSL_CTX_set_info_callback(context, &TlsContext::onInfo);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
  SSL_CTX_sess_set_new_cb(context, &TlsContext::onSession);
}

TlsContext::~TlsContext() {
  // A connection of a pool that is going away may outlive us for a moment.
  if (context_) {
    SSL_CTX_set_ex_data(context_.get(), contextSlot(), nullptr);
    SSL_CTX_set_cert_verify_callback(context_.get(), nullptr, nullptr);
  }
}

SSL_CTX* TlsContext::share() {
  if (context_) SSL_CTX_up_ref(context_.get());
  return context_.get();
}

void TlsContext::atHandshake(SSL* ssl, void* argument) {
  SSL_set_ex_data(ssl, argumentSlot(), argument);
}

void TlsContext::onInfo(const SSL* ssl, int where, int /*value*/) {
  if ((where & SSL_CB_HANDSHAKE_START) == 0) return;
  auto* const self =
      static_cast<TlsContext*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), contextSlot()));
  // OpenSSL hands the connection out as const but means it to be used.
  if (self != nullptr) self->start(const_cast<SSL*>(ssl));
}

void TlsContext::start(SSL* ssl) {
  // TLS 1.3 also reports what follows the handshake (tickets) as one.
  if (SSL_is_init_finished(ssl) != 0 || SSL_get_session(ssl) != nullptr) return;
  // The library would ask for the URL's host, which is not always the name we verify.
  if (!isIpv4(host_)) SSL_set_tlsext_host_name(ssl, host_.c_str());
  if (void* const argument = SSL_get_ex_data(ssl, argumentSlot()); argument != nullptr) {
    action_(argument);
  }
  if (sessions_.empty()) return;
  // Used once: a ticket used twice would let an onlooker link the connections (RFC 8446, C.4).
  SSL_set_session(ssl, sessions_.back().get());
  sessions_.pop_back();
}

int TlsContext::onSession(SSL* ssl, SSL_SESSION* session) {
  auto* const self =
      static_cast<TlsContext*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), contextSlot()));
  if (self == nullptr) return 0;
  if (self->sessions_.size() >= kMostSessions) self->sessions_.erase(self->sessions_.begin());
  self->sessions_.emplace_back(session, &SSL_SESSION_free);
  return 1;  // the session is ours now
}

int TlsContext::onVerify(X509_STORE_CTX* chain, void* self) {
  // Without the callback of the library, which checks the URL's host once more in its own way.
  X509_STORE_CTX_set_verify_cb(chain, [](int accepted, X509_STORE_CTX*) { return accepted; });
  const int accepted = X509_verify_cert(chain);
  if (accepted != 1) {
    static_cast<TlsContext*>(self)->lastRefusal_ =
        X509_verify_cert_error_string(X509_STORE_CTX_get_error(chain));
  }
  return accepted;
}

}  // namespace bco::http
