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
    for (int i = 0; i < 10; ++i) {
      SSL_do_handshake(client.get());
      SSL_do_handshake(server.get());
    }
    if (SSL_is_init_finished(client.get()) == 0 || SSL_is_init_finished(server.get()) == 0) {
      return nullptr;
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

TEST_F(TlsContextTest, SpeaksNothingOlderThanTls12) {
  TlsContext tls(*trust_, "host");
  serve(ca_.issue("DNS:host"), TLS1_2_VERSION);
  EXPECT_TRUE(connect(tls));
  serve(ca_.issue("DNS:host"), TLS1_1_VERSION);
  EXPECT_FALSE(connect(tls));
}

}  // namespace
}  // namespace bco::http
