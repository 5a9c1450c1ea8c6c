#include "cli/cloud_factory.h"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/support/fake_random.h"

namespace bco::cli {
namespace {

class CloudFactoryTest : public testing::Test {
 protected:
  class NoObserver final : public http::AttemptObserver {
    void onAttempt(std::string_view, std::string_view, Duration, bool) override {}
  };
  test::FakeClock clock_;
  test::FakeRandom random_;
  NoObserver observer_;
  http::UpstreamDirectory directory_;
  std::unique_ptr<CloudFactory> factory_ = makeHttpCloudFactory(
      {}, [] { return true; }, observer_, directory_, clock_, random_);
};

TEST_F(CloudFactoryTest, NamesTheSecretWhoseCertificatesAreOfNoUse) {
  api::BalenaFleet fleet;
  fleet.meta.key = {"iot", "sensors"};
  fleet.spec.apiUrl = "https://api.example.com";
  fleet.spec.ca = api::SecretKeyRef{"my-ca", "bundle.pem"};
  const auto balena = factory_->connectBalena(fleet, shareSecret(SecretBytes("token")), "no PEM");
  ASSERT_FALSE(balena);
  EXPECT_EQ(balena.error().message,
            "caSecretRef: Secret iot/my-ca, key bundle.pem: the CA is not a PEM certificate");

  api::ClearBladeRegistry registry;
  registry.meta.key = {"iot", "main"};
  registry.spec.project = "p";
  registry.spec.ca = api::SecretKeyRef{"their-ca", "ca.crt"};
  const auto account = shareSecret(SecretBytes(
      R"({"systemKey": "k", "token": "t", "url": "https://iot.example.com", "project": "p"})"));
  const auto clearBlade = factory_->connectRegistry(registry, account, "");
  ASSERT_FALSE(clearBlade);
  EXPECT_EQ(clearBlade.error().message,
            "caSecretRef: Secret iot/their-ca, key ca.crt: no certificate authority to trust");
}

}  // namespace
}  // namespace bco::cli
