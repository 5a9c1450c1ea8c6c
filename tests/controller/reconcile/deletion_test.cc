// What goes with an object that is deleted, and what it waits for.
#include <gmock/gmock.h>

#include "tests/controller/reconcile/world.h"

namespace bco {
namespace {

using testing::Contains;
using testing::HasSubstr;

class Deletion : public test::World {
 protected:
  void deleteFleet() {
    const auto meta = fleet()->meta;
    ASSERT_TRUE(store_.fleets().remove(meta.key, meta.uid));
  }
  void deleteDevice(int n) {
    const auto meta = object(n)->meta;
    ASSERT_TRUE(store_.devices().remove(meta.key, meta.uid));
  }
};

TEST_F(Deletion, OfAFleetTakesItsDiscoveredDevicesAlongByItsPolicy) {
  for (const auto policy : {api::DeletionPolicy::kRetain, api::DeletionPolicy::kDelete}) {
    fleetSpec().devices = api::DeviceSource::kAll;
    fleetSpec().deletionPolicy = policy;
    balena().addDevice(test::uuidOf(1), test::kFleetId);
    apply();
    syncAll();
    syncAll();
    ASSERT_EQ(phaseOf(1), api::Phase::kReady);
    deleteFleet();
    ASSERT_NE(fleet(), nullptr) << "it waits for its device";
    syncAll();
    syncAll();
    EXPECT_EQ(object(1), nullptr);
    sweep();
    EXPECT_EQ(fleet(), nullptr);
    EXPECT_EQ(registry().has(test::idOf(1)), policy == api::DeletionPolicy::kRetain);
    EXPECT_EQ(variables(1).empty(), policy == api::DeletionPolicy::kDelete);
  }
}

TEST_F(Deletion, OfADeviceInAFleetThatIsNotManagedHereWaitsForAPersonAndSaysHow) {
  addDevice(1);
  deviceSpec(1).deletionPolicy = api::DeletionPolicy::kDelete;
  apply();
  syncAll();
  balena().device(test::uuidOf(1)).fleetId = 77;
  deleteDevice(1);
  forgetCalls();
  EXPECT_EQ(reconcile(1), std::nullopt);
  ASSERT_NE(object(1), nullptr);
  EXPECT_EQ(readyOf(1).reason, "WrongFleet");
  EXPECT_THAT(std::string(readyOf(1).message),
              HasSubstr(std::string(api::kReleaseAnnotation) + "=true"));
  EXPECT_NE(findCondition(object(1)->status.conditions, "Stalled"), nullptr);
  EXPECT_EQ(writes(), 0);

  // Only that word releases; another is told of.
  for (const std::string said : {"false", "True", "yes"}) {
    declared(1).meta.annotations[std::string(api::kReleaseAnnotation)] = said;
    apply();
    reconcile(1);
    ASSERT_NE(object(1), nullptr) << said;
    const std::string told = "release: \"" + said + "\" has no effect: only \"true\" has";
    EXPECT_EQ(readyOf(1).message.view().ends_with(told), said != "false") << readyOf(1).message;
  }

  // As it says: the object goes, and nothing is removed.
  declared(1).meta.annotations[std::string(api::kReleaseAnnotation)] = "true";
  apply();
  reconcile(1);
  EXPECT_EQ(object(1), nullptr);
  EXPECT_EQ(writes(), 0);
  EXPECT_TRUE(registry().has(test::idOf(1)));
}

TEST_F(Deletion, OfADeviceThatIsBackInItsFleetGoesOn) {
  addDevice(1);
  deviceSpec(1).deletionPolicy = api::DeletionPolicy::kDelete;
  apply();
  syncAll();
  balena().device(test::uuidOf(1)).fleetId = 77;
  deleteDevice(1);
  reconcile(1);
  ASSERT_EQ(readyOf(1).reason, "WrongFleet");
  balena().device(test::uuidOf(1)).fleetId = test::kFleetId;
  clock_.advance(std::chrono::minutes(10));
  syncAll();
  EXPECT_EQ(object(1), nullptr);
  EXPECT_FALSE(registry().has(test::idOf(1)));
}

TEST_F(Deletion, OfAFleetWaitsForTheDevicesThatAreDeclaredAndSaysSo) {
  addDevice(1);
  apply();
  syncAll();
  deleteFleet();
  syncAll();
  ASSERT_NE(fleet(), nullptr);
  EXPECT_EQ(fleetReady().reason, "Deleting");
  EXPECT_THAT(fleetReady().message, HasSubstr("delete the 1 BalenaDevice objects"));
  deleteDevice(1);
  reconcile(1);
  sweep();
  EXPECT_EQ(fleet(), nullptr);
}

TEST_F(Deletion, OfADeviceFollowsAFleetThatIsBeingDeleted) {
  fleetSpec().deletionPolicy = api::DeletionPolicy::kDelete;
  addDevice(1);
  deviceSpec(1).deletionPolicy = api::DeletionPolicy::kRetain;
  apply();
  syncAll();
  deleteFleet();
  sweep();
  deleteDevice(1);
  reconcile(1);
  reconcile(1);
  EXPECT_EQ(object(1), nullptr);
  EXPECT_FALSE(registry().has(test::idOf(1)));
}

TEST_F(Deletion, OfADeviceKeepsTheRegistrationWhereItsFleetHasGone) {
  fleetSpec().deletionPolicy = api::DeletionPolicy::kDelete;
  addDevice(1);
  apply();
  syncAll();
  const auto gone = fleet()->meta;
  ASSERT_TRUE(store_.fleets().release(gone.key, gone.uid));
  deleteDevice(1);
  reconcile(1);
  EXPECT_EQ(object(1), nullptr);
  EXPECT_TRUE(registry().has(test::idOf(1)));
  EXPECT_THAT(events_.seen(), Contains("Warning Retained gate-1"));
}

TEST_F(Deletion, OfADeviceKeepsTheRegistrationWhereItsFleetsSecretHasGone) {
  fleetSpec().deletionPolicy = api::DeletionPolicy::kDelete;
  addDevice(1);
  apply();
  syncAll();
  secrets_.erase("balena");
  apply();
  deleteFleet();
  sweep();
  deleteDevice(1);
  reconcile(1);
  EXPECT_EQ(object(1), nullptr);
  EXPECT_TRUE(registry().has(test::idOf(1)));
  EXPECT_THAT(events_.seen(), Contains("Warning Retained gate-1"));
  sweep();
  EXPECT_EQ(fleet(), nullptr);
}

TEST_F(Deletion, OfADeviceThatOthersHoldTooShowsWhatIsLeft) {
  fleetSpec().deletionPolicy = api::DeletionPolicy::kDelete;
  addDevice(1);
  declared(1).meta.finalizers.emplace_back("example.com/mine");
  apply();
  syncAll();
  ASSERT_EQ(phaseOf(1), api::Phase::kReady);
  deleteDevice(1);
  reconcile(1);
  ASSERT_NE(object(1), nullptr);
  EXPECT_THAT(object(1)->meta.finalizers, testing::ElementsAre("example.com/mine"));
  EXPECT_EQ(phaseOf(1), api::Phase::kAbsent);
  EXPECT_FALSE(registry().has(test::idOf(1)));
}

TEST_F(Deletion, OfADeviceEndsWithoutALastStatus) {
  fleetSpec().deletionPolicy = api::DeletionPolicy::kDelete;
  addDevice(1);
  addDevice(2);
  apply();
  syncAll();
  // Of all devices together: versions count every change.
  const auto version = [this] {
    const auto meta = object(2)->meta;
    EXPECT_TRUE(store_.devices().setFinalizer(meta.key, meta.uid, !meta.hasFinalizer()));
    return object(2)->meta.resourceVersion;
  };
  const auto before = version();
  deleteDevice(1);
  reconcile(1);
  EXPECT_EQ(object(1), nullptr);
  EXPECT_LE(version() - before, 3U) << "marked as deleted, let go, and our own question";
}

TEST_F(Deletion, WithRetainNeedsNoCloud) {
  addDevice(1);
  apply();
  syncAll();
  balena().log().failAll(Error{ErrorCode::kUnavailable, "down"});
  registry().log().failAll(Error{ErrorCode::kUnavailable, "down"});
  deleteDevice(1);
  reconcile(1);
  EXPECT_EQ(object(1), nullptr);
  deleteFleet();
  sweep();
  EXPECT_EQ(fleet(), nullptr);
}

TEST_F(Deletion, OfARegistryWaitsForTheFleetsThatReferToIt) {
  addDevice(1);
  apply();
  syncAll();
  const auto of = [&] { return store_.registries().get({"default", "main"}); };
  ASSERT_TRUE(store_.registries().remove(of()->meta.key, of()->meta.uid));
  fleetSync_.finishRegistries();
  ASSERT_NE(of(), nullptr);
  EXPECT_THAT(findCondition(of()->status.conditions, "Ready")->message,
              HasSubstr("waiting for 1 fleets"));
  deleteDevice(1);
  reconcile(1);
  deleteFleet();
  sweep();
  EXPECT_EQ(of(), nullptr);
}

TEST_F(Deletion, OfWhatWasOnlyObservedWaitsForNothing) {
  fleetSpec().mode = api::Mode::kObserve;
  addDevice(1);
  apply();
  syncAll();
  deleteFleet();
  EXPECT_EQ(fleet(), nullptr);
}

TEST_F(Deletion, ByTheFleetsPolicyIsCountedAndLimitedButNotWhatAPersonNames) {
  fleetSpec().deletionPolicy = api::DeletionPolicy::kDelete;
  fleetSpec().stale.maxPerDay = 1;
  for (const int n : {1, 2, 3}) addDevice(n);
  deviceSpec(3).deletionPolicy = api::DeletionPolicy::kDelete;
  apply();
  syncAll();
  const auto counted = [&] {
    int count = 0;
    for (const api::RemovalHour& each : fleet()->status.removal.recent) count += each.count;
    return count;
  };
  deleteDevice(1);
  // Counted once, however often its pass fails.
  registry().log().failNext("deleteRegistration", Error{ErrorCode::kUnavailable, "down"});
  reconcile(1);
  EXPECT_EQ(counted(), 1);
  reconcile(1);
  EXPECT_EQ(object(1), nullptr);
  EXPECT_FALSE(registry().has(test::idOf(1)));

  deleteDevice(2);
  const auto again = reconcile(2);
  ASSERT_NE(object(2), nullptr);
  EXPECT_EQ(readyOf(2).reason, "RemovalHalted");
  EXPECT_TRUE(registry().has(test::idOf(2)));
  deleteDevice(3);
  reconcile(3);
  EXPECT_FALSE(registry().has(test::idOf(3)));
  EXPECT_EQ(counted(), 1);

  ASSERT_TRUE(again);
  clock_.advance(*again);
  reconcile(2);
  EXPECT_EQ(object(2), nullptr);
  EXPECT_FALSE(registry().has(test::idOf(2)));
}

TEST_F(Deletion, WaitsWhileTheClocksDiffer) {
  fleetSpec().deletionPolicy = api::DeletionPolicy::kDelete;
  addDevice(1);
  apply();
  syncAll();
  registry().setSkew(std::chrono::hours(48));
  deleteDevice(1);
  reconcile(1);
  ASSERT_NE(object(1), nullptr);
  EXPECT_EQ(readyOf(1).reason, "ClockSkew");
  EXPECT_TRUE(registry().has(test::idOf(1)));
}

TEST_F(Deletion, RefreshKeepsTheCountsOfAFleetUpToDate) {
  addDevice(1);
  apply();
  sweep();
  ASSERT_EQ(fleet()->status.devices.ready, 0);
  reconcile(1);
  forgetCalls();
  fleetSync_.refresh(test::kFleetKey);
  EXPECT_EQ(fleet()->status.devices.ready, 1);
  EXPECT_EQ(requests(), 0);
}

}  // namespace
}  // namespace bco
