// What a registry's status says, whoever has looked at it: a sweep of a fleet, or its own check.
#include <gmock/gmock.h>

#include "tests/controller/reconcile/world.h"

namespace bco {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const api::ObjectKey kMain{"default", "main"};

class RegistryObject : public test::World {
 protected:
  store::Shared<api::ClearBladeRegistry> of() { return store_.registries().get(kMain); }
  std::optional<Duration> check() { return registries_.check(kMain, {}); }
  void withoutFleets() {
    manifests_.fleets.clear();
    apply();
  }

  // "Ready Synced"; several words where it says more than one thing.
  std::string standing() {
    std::string text;
    for (const char* type : {"Ready", "Reconciling", "Stalled"}) {
      const auto* condition = findCondition(of()->status.conditions, type);
      if (condition == nullptr || !condition->status) continue;
      text += (text.empty() ? "" : ", ") + std::string(type) + " " + std::string(condition->reason);
    }
    EXPECT_EQ(of()->status.observedGeneration, of()->meta.generation);
    return text;
  }
  std::string message() {
    return std::string(findCondition(of()->status.conditions, "Ready")->message);
  }
};

TEST_F(RegistryObject, IsCurrentOnceAFleetHasListedIt) {
  apply();
  sweep();
  EXPECT_EQ(standing(), "Ready Synced");
  const auto written = of()->meta.resourceVersion;
  check();
  EXPECT_EQ(of()->meta.resourceVersion, written);
  EXPECT_EQ(registry().log().count("getRegistry"), 1) << "the sweep has asked a moment ago";
}

TEST_F(RegistryObject, ThatNoFleetUsesIsLookedAtForItselfAndWrittenOnce) {
  withoutFleets();
  EXPECT_EQ(of()->status.observedGeneration, -1);
  EXPECT_EQ(check(), 5min);
  EXPECT_EQ(standing(), "Ready Available");
  EXPECT_EQ(of()->status.ownerId, "site-a");
  const auto written = of()->meta.resourceVersion;
  for (int checks = 1; checks <= 3; ++checks) {
    clock_.advance(5min);
    check();
    EXPECT_EQ(registry().log().count("getRegistry"), 1 + checks);
  }
  EXPECT_EQ(of()->meta.resourceVersion, written);
  EXPECT_EQ(registry().log().count("listRegistrations"), 0);
}

TEST_F(RegistryObject, WithoutItsSecretNeedsAPersonAndHealsByItself) {
  const auto saved = secrets_["clearblade"];
  for (const bool isUsed : {true, false}) {
    if (!isUsed) manifests_.fleets.clear();
    secrets_.erase("clearblade");
    apply();
    if (isUsed) sweep();
    EXPECT_EQ(check(), 5min);
    EXPECT_EQ(standing(), "Stalled NotFound");
    EXPECT_THAT(message(), HasSubstr("clearblade"));
    secrets_["clearblade"] = saved;
    apply();
    check();
    EXPECT_EQ(standing(), "Ready Available");
  }
  EXPECT_THAT(events_.seen(),
              ElementsAre("Warning NotFound main", "Warning NotFound sensors", "Normal Synced main",
                          "Warning NotFound main", "Normal Synced main"));
}

TEST_F(RegistryObject, ThatGetsCaCertificatesLaterNeedsAPersonThoughItCanBeListed) {
  apply();
  sweep();
  registry().setCaCertificates(true);
  clock_.advance(5min);
  check();
  EXPECT_EQ(standing(), "Stalled Invalid");
  EXPECT_THAT(message(), HasSubstr("CA certificates"));
  sweep();
  EXPECT_EQ(standing(), "Stalled Invalid");
  EXPECT_EQ(fleetReady().reason, "Invalid") << "as after a restart";
  registry().setCaCertificates(false);
  sweep();
  EXPECT_EQ(standing(), "Ready Synced");
}

TEST_F(RegistryObject, WhoseServiceAccountIsRefusedNeedsAPerson) {
  apply();
  sweep();
  registry().log().failAll(Error{ErrorCode::kForbidden, "not your project"});
  clock_.advance(10min);
  sweep();
  EXPECT_EQ(standing(), "Stalled Forbidden");
  EXPECT_THAT(message(), HasSubstr("not your project"));
  clock_.advance(5min);
  check();
  EXPECT_EQ(standing(), "Stalled Forbidden");
  EXPECT_TRUE(findCondition(of()->status.conditions, "UpstreamAvailable")->status);
}

TEST_F(RegistryObject, ThatDoesNotAnswerIsInProgressAndLookedAtAgainWithPatience) {
  withoutFleets();
  registry().log().failAll(Error{ErrorCode::kDeadline, "no answer"});
  Duration longest{};
  for (int checks = 0; checks < 20; ++checks) {
    const auto next = check();
    ASSERT_LE(*next, 5min);
    longest = std::max(longest, *next);
    clock_.advance(*next);
  }
  EXPECT_GT(longest, 1min);
  EXPECT_EQ(standing(), "Reconciling DeadlineExceeded");
  EXPECT_FALSE(findCondition(of()->status.conditions, "UpstreamAvailable")->status);
  EXPECT_GT(of()->status.failureCount, 1);
  registry().log().failAll(std::nullopt);
  check();
  EXPECT_EQ(standing(), "Ready Available");
  EXPECT_EQ(of()->status.failureCount, 0);
  EXPECT_THAT(events_.seen(), ElementsAre("Warning DeadlineExceeded main", "Normal Synced main"));
}

TEST_F(RegistryObject, ThatCantBeListedIsNotCalledAvailable) {
  apply();
  registry().log().failNext("listRegistrations", {ErrorCode::kUnavailable, "page 3 failed"});
  sweep();
  EXPECT_EQ(standing(), "Reconciling Unavailable");
  clock_.advance(5min);
  check();
  EXPECT_EQ(standing(), "Reconciling Unavailable");
  sweep();
  EXPECT_EQ(standing(), "Ready Synced");
}

TEST_F(RegistryObject, OfAFleetWhoseTokenIsMissingIsLookedAtForItself) {
  secrets_.erase("balena");
  apply();
  sweep();
  check();
  EXPECT_EQ(standing(), "Ready Available");
}

TEST_F(RegistryObject, TellsOfOneFailureOnceForAllFleets) {
  manifests_.fleets[test::kOtherFleetKey] = fleetNamed("gateways", "acme/gateways");
  secrets_.erase("clearblade");
  apply();
  for (int sweeps = 0; sweeps < 3; ++sweeps) {
    sweep();
    sweep(test::kOtherFleetKey);
  }
  EXPECT_EQ(of()->status.failureCount, 1);
  EXPECT_EQ(std::ranges::count(events_.seen(), "Warning NotFound main"), 1);
}

TEST_F(RegistryObject, AnswersWhoAsksAlsoWhereNoFleetUsesIt) {
  withoutFleets();
  check();
  manifests_.registries.at(kMain).meta.annotations[std::string(api::kReconcileAnnotation)] = "now";
  apply();
  check();
  EXPECT_EQ(of()->status.lastHandledReconcileAt, "now");
  EXPECT_EQ(registry().log().count("getRegistry"), 2);
}

TEST_F(RegistryObject, ThatHasGoneIsNotLookedAt) {
  manifests_.fleets.clear();
  manifests_.registries.clear();
  apply();
  EXPECT_EQ(check(), std::nullopt);
  EXPECT_EQ(registry().log().count("getRegistry"), 0);
}

}  // namespace
}  // namespace bco
