// The openssl command-line tool as the judge: it reads what we write, we read what it writes.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/text.h"
#include "crypto/keys.h"
#include "crypto/openssl_ptr.h"
#include "tests/crypto/vectors.h"

namespace bco::crypto {
namespace {

namespace fs = std::filesystem;

class OpensslTool : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("openssl version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no openssl tool";
    std::string pattern = (fs::temp_directory_path() / "bco-openssl-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override {
    if (!folder_.empty()) fs::remove_all(folder_);
  }

  void write(const std::string& name, std::string_view text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(folder_ / name, std::ios::binary).rdbuf();
    return text.str();
  }
  // Runs `openssl arguments > out` in the folder.
  [[nodiscard]] bool run(const std::string& arguments) const {
    const std::string command =
        "cd '" + folder_.string() + "' && openssl " + arguments + " >out 2>err";
    return std::system(command.c_str()) == 0;
  }
  [[nodiscard]] Result<PrivateKey> readKey(const std::string& name) const {
    return PrivateKey::fromPem(SecretBytes(read(name)));
  }

 private:
  fs::path folder_;
};

// The tool writes ECDSA signatures as DER.
std::string toDer(std::string_view raw) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(raw.data());
  const EcdsaSigPtr signature(ECDSA_SIG_new());
  ECDSA_SIG_set0(signature.get(), BN_bin2bn(bytes, 32, nullptr),
                 BN_bin2bn(bytes + 32, 32, nullptr));
  std::string der(72, '\0');
  auto* at = reinterpret_cast<unsigned char*>(der.data());
  der.resize(static_cast<std::size_t>(i2d_ECDSA_SIG(signature.get(), &at)));
  return der;
}
std::string fromDer(std::string_view der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const EcdsaSigPtr signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  std::string raw(64, '\0');
  auto* out = reinterpret_cast<unsigned char*>(raw.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out, 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out + 32, 32);
  return raw;
}

TEST_F(OpensslTool, ReadsADerivedKeyAndFindsTheScalarOfTheVector) {
  write("key.pem", test::firstKey().toPem().reveal());
  ASSERT_TRUE(run("pkey -in key.pem -check -noout -text"));
  std::string hex;
  for (const char c : read("out")) {
    if (c != ':' && c != ' ' && c != '\n') hex += c;
  }
  EXPECT_NE(hex.find(test::kVectors[0].scalar), std::string::npos);
  EXPECT_NE(hex.find("NISTCURVEP-256"), std::string::npos);
}

TEST_F(OpensslTool, WritesTheSameBytesForBothHalves) {
  for (int i = 0; i < 10; ++i) {
    const PrivateKey key = PrivateKey::generate().value();
    write("key.pem", key.toPem().reveal());
    ASSERT_TRUE(run("pkcs8 -topk8 -nocrypt -in key.pem"));
    EXPECT_TRUE(key.toPem().equals(read("out")));
    ASSERT_TRUE(run("pkey -in key.pem"));
    EXPECT_TRUE(key.toPem().equals(read("out")));
    ASSERT_TRUE(run("pkey -in key.pem -pubout"));
    EXPECT_EQ(key.publicKey().toPem(), read("out"));
    ASSERT_TRUE(run("pkey -in key.pem -pubout -outform DER -out spki.der"));
    ASSERT_TRUE(run("dgst -sha256 -r spki.der"));
    EXPECT_EQ(key.publicKey().fingerprint(), read("out").substr(0, 64));
  }
}

TEST_F(OpensslTool, VerifiesOurSignaturesAndWeItsOwn) {
  const PrivateKey key = test::firstKey();
  write("key.pem", key.toPem().reveal());
  write("public.pem", key.publicKey().toPem());
  write("message", "what is signed");
  write("signature", toDer(key.sign("what is signed").value()));
  EXPECT_TRUE(run("dgst -sha256 -verify public.pem -signature signature message"));
  write("other", "what is not");
  EXPECT_FALSE(run("dgst -sha256 -verify public.pem -signature signature other"));

  ASSERT_TRUE(run("dgst -sha256 -sign key.pem -out theirs message"));
  const std::string theirs = fromDer(read("theirs"));
  EXPECT_TRUE(key.publicKey().verify("what is signed", theirs));
  EXPECT_FALSE(key.publicKey().verify("what is not", theirs));
}

TEST_F(OpensslTool, WritesKeysInLayoutsWeAllRead) {
  ASSERT_TRUE(run("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem"));
  const auto key = readKey("key.pem");
  ASSERT_TRUE(key) << key.error().message;
  for (const std::string layout :
       {"ec -in key.pem", "ec -in key.pem -no_public", "pkey -in key.pem -ec_conv_form compressed",
        "pkey -in key.pem -traditional", "ec -in key.pem -conv_form compressed",
        "ec -in key.pem -conv_form hybrid"}) {
    ASSERT_TRUE(run(layout)) << layout << read("err");
    const auto same = readKey("out");
    ASSERT_TRUE(same) << layout << ": " << same.error().message;
    EXPECT_TRUE(same->toPem().equals(key->toPem().reveal())) << layout;
  }
  ASSERT_TRUE(run("ec -in key.pem -no_public -out short.pem"));
  ASSERT_TRUE(run("pkcs8 -topk8 -nocrypt -in short.pem"));
  EXPECT_TRUE(readKey("out"));
}

TEST_F(OpensslTool, WritesOtherKeysWhichWeRefuse) {
  ASSERT_TRUE(run("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem"));
  for (const std::string other :
       {"pkcs8 -topk8 -passout pass:secret -in key.pem",
        "ec -in key.pem -aes256 -passout pass:secret",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1", "genpkey -algorithm X25519",
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048", "ecparam -name P-256 -genkey"}) {
    ASSERT_TRUE(run(other)) << other << read("err");
    const auto key = readKey("out");
    ASSERT_FALSE(key) << other;
    EXPECT_EQ(key.error().code, ErrorCode::kInvalid) << other;
    EXPECT_FALSE(PublicKey::fromPem(read("out"))) << other;
  }
  ASSERT_TRUE(run("pkey -in key.pem -pubout -ec_conv_form compressed"));
  EXPECT_FALSE(PublicKey::fromPem(read("out"))) << "we never write the compressed form";
}

}  // namespace
}  // namespace bco::crypto
