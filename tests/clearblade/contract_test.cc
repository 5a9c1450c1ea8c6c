// The client against the sandbox's ClearBlade, without a socket between them.
#include <gmock/gmock.h>

#include "clearblade/client.h"
#include "crypto/keys.h"
#include "sandbox/clearblade_cloud.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_random.h"
#include "tests/support/handler_transport.h"
#include "tests/support/listings.h"

namespace bco::clearblade {
namespace {

using testing::Pair;
using testing::UnorderedElementsAre;

class ClearBladeContract : public testing::Test {
 protected:
  ClearBladeContract() {
    inCloud_ = &cloud_.addRegistry("p", "us-central1", "devices");
    const auto account = cloud_.addServiceAccount({"", "", "p"});
    account_ = {account.systemKey, shareSecret(SecretBytes(account.token)), "https://admin", "p"};
    client_.emplace(transport_, clock_, account_, RegistryName{"p", "us-central1", "devices"});
  }

  server::Reply answer(const server::Request& request) {
    const auto call = sandbox::ClearBladeCloud::classify(request);
    if (!call) return {404, {}, "404 page not found"};
    return cloud_.handle(*call, request, "https://regional");
  }

  static Credential credential(std::optional<TimePoint> expires = std::nullopt) {
    return {"ES256_PEM", crypto::PrivateKey::generate()->publicKey().toPem(), expires};
  }
  Registration created(const std::string& id) {
    auto registration = client_->createRegistration({id, {credential()}, {{"bco-owner", "me"}}});
    EXPECT_TRUE(registration) << registration.error().message;
    return registration.value_or(Registration{});
  }

  test::FakeClock clock_;
  test::FakeRandom random_;
  sandbox::ClearBladeCloud cloud_{[this] { return clock_.now(); }, random_};
  sandbox::CloudRegistry* inCloud_ = nullptr;
  test::HandlerTransport transport_{
      [this](const std::string&, const server::Request& request) { return answer(request); }};
  ServiceAccount account_;
  std::optional<Client> client_;
};

TEST_F(ClearBladeContract, ARegistrationLivesFromCreateToDelete) {
  const TimePoint end = clock_.now() + std::chrono::hours(24 * 90);
  const Credential first = credential(end);
  const auto made = client_->createRegistration({"balena-1a", {first}, {{"city", "Zürich \"x\""}}});
  ASSERT_TRUE(made) << made.error().message;

  const auto read = client_->getRegistration("balena-1a");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->numId, made->numId);
  ASSERT_EQ(read->credentials.size(), 1U);
  EXPECT_EQ(read->credentials[0].publicKey, first.publicKey);
  EXPECT_EQ(read->credentials[0].expiresAt, end);
  EXPECT_THAT(read->metadata, UnorderedElementsAre(Pair("city", "Zürich \"x\"")));
  EXPECT_FALSE(read->blocked);

  const Credential second = credential();
  const auto patched =
      client_->patchRegistration(made->numId, {{{first, second}}, Metadata{{"a", "b"}}});
  ASSERT_TRUE(patched) << patched.error().message;
  ASSERT_EQ(patched->credentials.size(), 2U);
  EXPECT_EQ(patched->credentials[0].expiresAt, end);
  EXPECT_EQ(patched->credentials[1].expiresAt, std::nullopt);
  EXPECT_THAT(patched->metadata, UnorderedElementsAre(Pair("a", "b")));

  EXPECT_TRUE(client_->deleteRegistration(made->numId));
  EXPECT_TRUE(client_->deleteRegistration(made->numId)) << "gone already";
  EXPECT_EQ(client_->getRegistration("balena-1a").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(client_->patchRegistration(made->numId, {std::nullopt, Metadata{}}).error().code,
            ErrorCode::kNotFound);
}

TEST_F(ClearBladeContract, AMetadataPatchChangesNoCredential) {
  const Registration made = created("balena-1a");
  const auto patched =
      client_->patchRegistration(made.numId, {std::nullopt, Metadata{{"bco-owner", "you"}}});
  ASSERT_TRUE(patched) << patched.error().message;
  ASSERT_EQ(patched->credentials.size(), 1U);
  EXPECT_EQ(patched->credentials[0].publicKey, made.credentials[0].publicKey);
}

TEST_F(ClearBladeContract, AnIdIsUnique) {
  created("balena-1a");
  EXPECT_EQ(client_->createRegistration({"balena-1a", {}, {}}).error().code,
            ErrorCode::kAlreadyExists);
}

TEST_F(ClearBladeContract, ABadKeyIsRefused) {
  const auto made = client_->createRegistration({"balena-1a", {{"ES256_PEM", "no key", {}}}, {}});
  EXPECT_EQ(made.error().code, ErrorCode::kInvalid);
}

TEST_F(ClearBladeContract, AListIsCompleteOverItsPages) {
  for (int i = 0; i < 1001; ++i) created("balena-" + std::to_string(1000 + i));
  const std::size_t before = transport_.sent();
  const auto snapshot = test::listRegistrations(*client_);
  ASSERT_TRUE(snapshot) << snapshot.error().message;
  EXPECT_EQ(transport_.sent() - before, 3U);
  std::set<std::string> ids;
  for (const Registration& registration : snapshot->registrations) {
    ids.insert(registration.id);
    EXPECT_EQ(registration.credentials.size(), 1U);
    EXPECT_EQ(registration.metadata.at("bco-owner"), "me");
  }
  EXPECT_EQ(ids.size(), 1001U);
}

TEST_F(ClearBladeContract, AnEmptyRegistryIsAnEmptyList) {
  EXPECT_TRUE(test::listRegistrations(*client_)->registrations.empty());
  EXPECT_FALSE(client_->getRegistry()->hasCaCertificates);
}

TEST_F(ClearBladeContract, AnAccessThatEndedIsRenewedWithoutNotice) {
  created("balena-1a");
  EXPECT_EQ(cloud_.revokeRegionalTokens(), 1U);
  EXPECT_TRUE(client_->getRegistration("balena-1a"));
}

TEST_F(ClearBladeContract, AServiceAccountThatIsNotAcceptedIsUnauthenticated) {
  const ServiceAccount wrong = {account_.systemKey, shareSecret(SecretBytes("wrong")),
                                "https://admin", "p"};
  Client client(transport_, clock_, wrong, {"p", "us-central1", "devices"});
  EXPECT_EQ(client.getRegistration("balena-1a").error().code, ErrorCode::kUnauthenticated);
}

TEST_F(ClearBladeContract, ARegistryThatIsNotThereIsNoMissingDevice) {
  Client client(transport_, clock_, account_, {"p", "us-central1", "other"});
  EXPECT_EQ(client.deleteRegistration("12").error().code, ErrorCode::kForbidden);

  const Registration made = created("balena-1a");
  cloud_.deleteRegistry(*inCloud_);
  EXPECT_EQ(client_->getRegistration(made.id).error().code, ErrorCode::kForbidden);
  EXPECT_EQ(client_->deleteRegistration(made.numId).error().code, ErrorCode::kForbidden);
}

}  // namespace
}  // namespace bco::clearblade
