#include "http/tls_context.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "tests/http/certificates.h"

namespace bco::http {
namespace {

struct Free {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Connection = std::unique_ptr<SSL, Free>;
using Context = std::unique_ptr<SSL_CTX, Free>;

// Client and server shake hands in memory.
class TlsContextTest : public testing::Test {
 protected:
  void serve(const server::TlsFiles& files, int highestVersion = 0) {
    server_.reset(SSL_CTX_new(TLS_server_method()));
    const std::unique_ptr<BIO, Free> pem(BIO_new_mem_buf(files.certificatePem.data(), -1));
    const std::unique_ptr<X509, Free> certificate(
        PEM_read_bio_X509(pem.get(), nullptr, nullptr, nullptr));
    const std::unique_ptr<BIO, Free> keyPem(BIO_new_mem_buf(files.privateKeyPem.data(), -1));
    const std::unique_ptr<EVP_PKEY, Free> key(
        PEM_read_bio_PrivateKey(keyPem.get(), nullptr, nullptr, nullptr));
    SSL_CTX_use_certificate(server_.get(), certificate.get());
    SSL_CTX_use_PrivateKey(server_.get(), key.get());
    SSL_CTX_set_max_proto_version(server_.get(), highestVersion);
    SSL_CTX_set_security_level(server_.get(), 0);  // to offer the old versions at all
    SSL_CTX_set_session_id_context(server_.get(), reinterpret_cast<const unsigned char*>("t"), 1);
  }

  // The server wants a certificate of `authority`.
  void demandCertificate(const std::string& authority) {
    const auto trust = Trust::load({.system = false, .extraPem = authority});
    SSL_CTX_set1_cert_store(server_.get(), trust->store());
    SSL_CTX_set_verify(server_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }

  // The client's side when both finished, else nullptr.
  Connection connect(TlsContext& tls, void* argument = nullptr) {
    const Context context(tls.share());
    Connection client(SSL_new(context.get()));
    const Connection server(SSL_new(server_.get()));
    BIO* ours = nullptr;
    BIO* theirs = nullptr;
    BIO_new_bio_pair(&ours, 1 << 16, &theirs, 1 << 16);
    SSL_set_bio(client.get(), ours, ours);
    SSL_set_bio(server.get(), theirs, theirs);
    SSL_set_connect_state(client.get());
    SSL_set_accept_state(server.get());
    if (argument != nullptr) TlsContext::atHandshake(client.get(), argument);
    // As the library does: it checks the URL's host too, and asks for it.
    SSL_set_verify(client.get(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 0; });
    SSL_set_tlsext_host_name(client.get(), "host-of-the-url");
    seenServerName_.clear();
    for (int i = 0; i < 10; ++i) {
      SSL_do_handshake(client.get());
      SSL_do_handshake(server.get());
    }
    if (SSL_is_init_finished(client.get()) == 0 || SSL_is_init_finished(server.get()) == 0) {
      return nullptr;
    }
    if (const char* name = SSL_get_servername(server.get(), TLSEXT_NAMETYPE_host_name)) {
      seenServerName_ = name;
    }
    char byte = 'x';
    SSL_write(server.get(), &byte, 1);  // behind the tickets
    SSL_read(client.get(), &byte, 1);
    SSL_shutdown(client.get());  // or the session counts as broken
    return client;
  }

  const test::TestCa ca_;
  const Result<Trust> trust_ = Trust::load({.system = false, .extraPem = ca_.pem()});
  Context server_;
  std::string seenServerName_;
};

TEST_F(TlsContextTest, ResumesASession) {
  serve(ca_.issue("DNS:host"));
  TlsContext tls(*trust_, "host");
  const Connection first = connect(tls);
  ASSERT_TRUE(first);
  EXPECT_EQ(SSL_session_reused(first.get()), 0);
  const Connection second = connect(tls);
  ASSERT_TRUE(second);
  EXPECT_EQ(SSL_session_reused(second.get()), 1);
}

TEST_F(TlsContextTest, CallsBackWhenTheHandshakeStartsAndOnce) {
  serve(ca_.issue("DNS:host"));
  TlsContext tls(*trust_, "host");
  int calls = 0;
  tls.onHandshake([](void* argument) { ++*static_cast<int*>(argument); });
  ASSERT_TRUE(connect(tls, &calls));
  EXPECT_EQ(calls, 1);
}

TEST_F(TlsContextTest, ChecksTheNameItself) {
  serve(ca_.issue("DNS:other,DNS:*.cloud.example,IP:10.0.0.1", "host"));
  const auto accepts = [this](const std::string& host) {
    TlsContext tls(*trust_, host);
    return connect(tls) != nullptr;
  };
  EXPECT_TRUE(accepts("other"));
  EXPECT_TRUE(accepts("a.cloud.example"));
  EXPECT_TRUE(accepts("10.0.0.1"));
  EXPECT_FALSE(accepts("host"));
  EXPECT_FALSE(accepts("a.b.cloud.example"));
  EXPECT_FALSE(accepts("10.0.0.2"));
}

TEST_F(TlsContextTest, AsksForTheNameItChecksNotForTheUrls) {
  serve(ca_.issue("DNS:other"));
  TlsContext tls(*trust_, "other");
  ASSERT_TRUE(connect(tls));
  EXPECT_EQ(seenServerName_, "other");
}

TEST_F(TlsContextTest, ShowsItsCertificateToAServerThatAsks) {
  const auto files = ca_.issue("DNS:host");
  const test::TestCa clients("clients");
  const auto ours = clients.issue("", "me");
  const auto identity = ClientIdentity::load(ours.certificatePem, SecretBytes(ours.privateKeyPem));
  ASSERT_TRUE(identity) << identity.error().message;
  TlsContext withIdentity(*trust_, "host", *identity);
  TlsContext without(*trust_, "host");
  // TLS 1.2: the server's refusal is then a part of the handshake.
  serve(files, TLS1_2_VERSION);
  demandCertificate(clients.pem());
  EXPECT_TRUE(connect(withIdentity));
  EXPECT_FALSE(connect(without));
  serve(files, TLS1_2_VERSION);
  demandCertificate(ca_.pem());
  EXPECT_FALSE(connect(withIdentity));
}

TEST_F(TlsContextTest, ShowsTheCertificatesBetweenItsOwnAndTheAuthority) {
  const auto files = ca_.issue("DNS:host");
  const auto ours = ca_.issue("", "me");
  const test::TestCa other("other");
  const auto identity =
      ClientIdentity::load(ours.certificatePem + other.pem(), SecretBytes(ours.privateKeyPem));
  ASSERT_TRUE(identity);
  TlsContext tls(*trust_, "host", *identity);
  STACK_OF(X509)* chain = nullptr;
  const Context context(tls.share());
  SSL_CTX_get0_chain_certs(context.get(), &chain);
  EXPECT_EQ(sk_X509_num(chain), 1);
}

TEST_F(TlsContextTest, RefusesAnIdentityThatCannotWork) {
  const auto ours = ca_.issue("", "me");
  const auto theirs = ca_.issue("", "them");
  const auto refusal = [](const std::string& certificate, const std::string& key) {
    const auto identity = ClientIdentity::load(certificate, SecretBytes(key));
    return identity ? "" : identity.error().message;
  };
  EXPECT_EQ(refusal(ours.certificatePem, ours.privateKeyPem), "");
  EXPECT_EQ(refusal("x", ours.privateKeyPem), "the client certificate is not a PEM certificate");
  EXPECT_EQ(refusal(ours.certificatePem, "x"),
            "the client certificate's key is not an unencrypted PEM private key");
  EXPECT_EQ(refusal(ours.certificatePem, theirs.privateKeyPem),
            "the client certificate and its key don't belong together");
}

TEST_F(TlsContextTest, SpeaksNothingOlderThanTls12) {
  TlsContext tls(*trust_, "host");
  serve(ca_.issue("DNS:host"), TLS1_2_VERSION);
  EXPECT_TRUE(connect(tls));
  serve(ca_.issue("DNS:host"), TLS1_1_VERSION);
  EXPECT_FALSE(connect(tls));
}

}  // namespace
}  // namespace bco::http
