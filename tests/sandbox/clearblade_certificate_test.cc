#include "sandbox/certificates.h"
#include "tests/sandbox/clearblade_fixture.h"

namespace bco::sandbox {
namespace {

class ClearBladeCertificates : public ClearBladeFixture {
 protected:
  ClearBladeCertificates() {
    now_ = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  }
  static json certificate(const std::string& pem) {
    return {{"publicKey", {{"format", "ES256_X509_PEM"}, {"key", pem}}}, {"expirationTime", ""}};
  }
};

TEST_F(ClearBladeCertificates, AreTakenAsCredentialsAndCheckTokens) {
  const auto made = makeCertificates({"device"}).value();
  create("dev-1", {{"credentials", {certificate(made.server.certificatePem)}}});
  const auto key = crypto::PrivateKey::fromPem(SecretBytes(made.server.privateKeyPem)).value();
  EXPECT_EQ(cloud_.publish(*registry_, "dev-1", jwt(claims("dev-1"), key)), "");
}

TEST_F(ClearBladeCertificates, ARegistryWithAuthoritiesTakesOnlyWhatTheySigned) {
  const auto made = makeCertificates({"device"}).value();
  const auto foreign = makeCertificates({"device"}).value();
  const json authority = {
      {"publicKeyCertificate",
       {{"format", "X509_CERTIFICATE_PEM"}, {"certificate", made.authorityPem}}}};
  ASSERT_EQ(call("PATCH", "cloudiot?updateMask=credentials", {{"credentials", {authority}}}).status,
            200);
  const auto tryWith = [&](const json& entry) {
    return call("POST", "cloudiot_devices", {{"id", "dev-1"}, {"credentials", {entry}}}).status;
  };
  EXPECT_EQ(tryWith(credential(crypto::PrivateKey::generate().value())), 400);
  EXPECT_EQ(tryWith(certificate(foreign.server.certificatePem)), 400);
  EXPECT_EQ(tryWith(certificate(made.server.certificatePem)), 200);
}

}  // namespace
}  // namespace bco::sandbox
