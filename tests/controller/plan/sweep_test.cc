#include "plan/sweep.h"

#include <gtest/gtest.h>

#include "tests/controller/plan/builders.h"

namespace bco {
namespace {

using namespace std::chrono_literals;
using test::days;
using test::desiredDevice;
using test::kDevicePath;
using test::kNow;
using test::kUuid;
using test::Observed;

balena::FleetDevice provisionedRow() {
  balena::FleetDevice row;
  row.id = test::kDeviceId;
  row.uuid = kUuid;
  row.publicVariables = {{"GCP_CLIENT_PATH", kDevicePath},
                         {"GCP_DATA_TOPIC_ROOT", "/devices/balena-" + kUuid},
                         {"GCP_PROJECT_ID", "p"}};
  row.hasPrivateKey = true;
  return row;
}

Observed provisionedRegistration() {
  return Observed().registered().credential(1).credential(2).marked().lists(1).lists(2);
}

ListedDevice listed(const balena::FleetDevice& row) {
  const DesiredDevice desired = desiredDevice();
  return summarize(row, {}, desired.project, desired.registryPath);
}

ListedRegistration listed(const clearblade::Registration& registration) {
  return summarize(registration, desiredDevice().ownerId);
}

SweepFinding judged(const balena::FleetDevice& row, const Observed& registration,
                    Duration skew = 0s) {
  const ListedDevice device = listed(row);
  const ListedRegistration listing = listed(*registration.get().registration);
  return judge(desiredDevice(), &device, &listing, kNow, skew);
}

TEST(Sweep, FindsAProvisionedDeviceInSyncAndNamesItsNewestKey) {
  const SweepFinding finding = judged(provisionedRow(), provisionedRegistration());
  EXPECT_TRUE(finding.inSync);
  ASSERT_TRUE(finding.key);
  EXPECT_EQ(finding.key->generation, 2U);
  EXPECT_EQ(finding.key->expiresAt, kNow + days(60));
}

TEST(Sweep, TellsThatTheMarkAsksForALookAtTheStoredKey) {
  EXPECT_FALSE(judged(provisionedRow(), provisionedRegistration()).needsVerification);
  ObservedDevice observed = provisionedRegistration().get();
  Mark mark = observed.mark.mark;
  mark.needsVerification = true;
  observed.registration->metadata = withMark(observed.registration->metadata, mark);
  const ListedDevice row = listed(provisionedRow());
  const ListedRegistration registration = listed(*observed.registration);
  const SweepFinding finding = judge(desiredDevice(), &row, &registration, kNow, Duration::zero());
  EXPECT_TRUE(finding.inSync);
  EXPECT_TRUE(finding.needsVerification);
}

TEST(Sweep, TellsThatTheRegistrationIsBlocked) {
  ObservedDevice observed = provisionedRegistration().get();
  const ListedDevice row = listed(provisionedRow());
  for (const bool blocked : {false, true}) {
    observed.registration->blocked = blocked;
    const ListedRegistration registration = listed(*observed.registration);
    EXPECT_EQ(judge(desiredDevice(), &row, &registration, kNow, 0s).isBlocked, blocked);
  }
}

TEST(Sweep, LooksCloserAtAKeyThatIsLeftWithoutAPath) {
  DesiredDevice absent = desiredDevice();
  absent.present = false;
  auto left = provisionedRow();
  left.publicVariables.erase("GCP_CLIENT_PATH");
  const ListedDevice row = listed(left);
  EXPECT_FALSE(judge(absent, &row, nullptr, kNow, 0s).inSync);
  left.hasPrivateKey = false;
  const ListedDevice harmless = listed(left);
  EXPECT_TRUE(judge(absent, &harmless, nullptr, kNow, 0s).inSync);
}

TEST(Sweep, LooksCloserAtADeviceThatEitherSideLacks) {
  const ListedDevice row = listed(provisionedRow());
  const ListedRegistration registration = listed(*provisionedRegistration().get().registration);
  EXPECT_FALSE(judge(desiredDevice(), nullptr, &registration, kNow, 0s).inSync);
  EXPECT_FALSE(judge(desiredDevice(), &row, nullptr, kNow, 0s).inSync);
  EXPECT_FALSE(judge(desiredDevice(), nullptr, nullptr, kNow, 0s).inSync);
}

TEST(Sweep, LooksCloserAtADeviceWithoutAKey) {
  auto row = provisionedRow();
  row.hasPrivateKey = false;
  EXPECT_FALSE(judged(row, provisionedRegistration()).inSync);
}

TEST(Sweep, LooksCloserWhenAPublicVariableDiffersOrLacks) {
  for (const std::string name : {"GCP_CLIENT_PATH", "GCP_DATA_TOPIC_ROOT", "GCP_PROJECT_ID"}) {
    auto row = provisionedRow();
    row.publicVariables[name] += "x";
    EXPECT_FALSE(judged(row, provisionedRegistration()).inSync) << name;
    row.publicVariables.erase(name);
    EXPECT_FALSE(judged(row, provisionedRegistration()).inSync) << name;
  }
}

TEST(Sweep, LooksCloserAtARegistrationThatIsNotMarkedAsThisFleets) {
  const auto unmarked = Observed().registered().credential(2);
  EXPECT_FALSE(judged(provisionedRow(), unmarked).inSync);
  EXPECT_FALSE(judged(provisionedRow(), Observed(unmarked).marked("site-b").lists(2)).inSync);
  EXPECT_FALSE(
      judged(provisionedRow(), Observed(unmarked).marked("site-a", test::kOtherFleetId).lists(2))
          .inSync);
  EXPECT_FALSE(judged(provisionedRow(), Observed(unmarked).metadata("bco-owner", "site-a")).inSync);
  EXPECT_TRUE(judged(provisionedRow(), Observed(unmarked).marked().lists(2)).inSync);
}

TEST(Sweep, LooksCloserWhenTheNewestKeyIsNotRegistered) {
  EXPECT_FALSE(
      judged(provisionedRow(), Observed().registered().credential(1).marked().lists(1).lists(2))
          .inSync);
  EXPECT_FALSE(
      judged(provisionedRow(), Observed().registered().foreignCredential().marked().lists(2))
          .inSync);
}

TEST(Sweep, LooksCloserWhenTheNewestKeyHasExpired) {
  const auto expired =
      Observed().registered().credential(2, kNow - days(1)).marked().lists(2, kNow - days(91));
  EXPECT_FALSE(judged(provisionedRow(), expired).inSync);
  EXPECT_FALSE(judged(provisionedRow(), expired, 11min).inSync) << "by one of the clocks";
  EXPECT_TRUE(judged(provisionedRow(), provisionedRegistration(), 11min).inSync);
}

TEST(Sweep, LooksCloserAtWhatIsLeftOfADeviceThatIsToBeAbsent) {
  DesiredDevice absent = desiredDevice();
  absent.present = false;
  const ListedDevice row = listed(provisionedRow());
  const ListedRegistration registration = listed(*provisionedRegistration().get().registration);
  EXPECT_FALSE(judge(absent, &row, &registration, kNow, 0s).inSync);
  EXPECT_FALSE(judge(absent, nullptr, &registration, kNow, 0s).inSync);
  EXPECT_FALSE(judge(absent, &row, nullptr, kNow, 0s).inSync);
  EXPECT_TRUE(judge(absent, nullptr, nullptr, kNow, 0s).inSync);
  auto elsewhere = provisionedRow();
  elsewhere.publicVariables["GCP_CLIENT_PATH"] = "elsewhere";
  const ListedDevice other = listed(elsewhere);
  EXPECT_TRUE(judge(absent, &other, nullptr, kNow, 0s).inSync);
}

TEST(Sweep, SaysWhenTheNewestKeyIsToBeReplaced) {
  const auto aged = [](Duration age) {
    return judged(
        provisionedRow(),
        Observed().registered().credential(2, kNow - age + days(90)).marked().lists(2, kNow - age));
  };
  EXPECT_GT(aged(days(10)).rotation->at, kNow);
  EXPECT_EQ(aged(days(70)).rotation->at, kNow);
  EXPECT_TRUE(aged(days(70)).inSync) << "it still works";
}

TEST(Sweep, FindsWhatIsToBeRevoked) {
  DesiredDevice desired = desiredDevice();
  const auto isDue = [&](const Observed& observed, std::optional<TimePoint> revokeBefore) {
    desired.keys.revokeBefore = revokeBefore;
    const ListedDevice device = listed(provisionedRow());
    const ListedRegistration listing = listed(*observed.get().registration);
    return judge(desired, &device, &listing, kNow, 0s).revocationIsDue;
  };
  const auto renewed = [] {
    return Observed().registered().credential(2).marked().lists(2, kNow - 1h);
  };
  EXPECT_FALSE(isDue(renewed(), std::nullopt));
  EXPECT_FALSE(isDue(renewed(), kNow - 2h));
  EXPECT_TRUE(isDue(renewed(), kNow - 30min));
  EXPECT_FALSE(isDue(renewed(), kNow + 1s)) << "not yet";
  EXPECT_TRUE(isDue(renewed().credential(1).lists(1, kNow - 3h), kNow - 2h)) << "an older one";
  EXPECT_TRUE(isDue(renewed().credential(9), kNow - 2h)) << "one that is not listed";
  EXPECT_TRUE(isDue(renewed().foreignCredential(), kNow - 2h)) << "nor even a key";
  EXPECT_FALSE(isDue(renewed().credential(9).marked("site-b"), kNow - 2h)) << "not ours";
  EXPECT_TRUE(isDue(Observed().registered().marked().lists(2, kNow - 3h), kNow - 2h))
      << "its key would be registered again";
}

}  // namespace
}  // namespace bco
