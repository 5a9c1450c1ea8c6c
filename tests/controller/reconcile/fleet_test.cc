// The set level: what a sweep makes of two complete snapshots.
#include <gmock/gmock.h>

#include "tests/controller/reconcile/fleet_world.h"

namespace bco {
namespace {

using namespace std::chrono_literals;
using api::Phase;
using test::Fleet;
using test::idOf;
using test::kFleetId;
using test::kFleetKey;
using test::uuidOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(Fleet, SweepEnqueuesWhatIsNotInSyncAndWritesNothing) {
  addDevice(1);
  addDevice(2);
  apply();
  syncAll();
  forgetCalls();
  addDevice(3);
  variables(1).erase("GCP_DATA_TOPIC_ROOT");
  apply();
  clock_.advance(10min);
  const auto next = sweep();
  EXPECT_THAT(takeQueued(), testing::UnorderedElementsAre(uuidOf(1), uuidOf(3)));
  EXPECT_EQ(writes(), 0);
  EXPECT_GE(*next, 270s);
  EXPECT_LE(*next, 330s);
}

TEST_F(Fleet, StatusCountsItsDevices) {
  addDevice(1);
  addDevice(2);
  declare(3);  // balena has no such device
  apply();
  syncAll();
  sweep();
  const api::FleetStatus& status = fleet()->status;
  EXPECT_EQ(status.fleetId, kFleetId);
  EXPECT_EQ(status.devices.total, 3);
  EXPECT_EQ(status.devices.ready, 2);
  EXPECT_EQ(status.devices.waiting, 1);
  EXPECT_EQ(status.lastBalenaSync, clock_.now());
  EXPECT_EQ(fleetReady().reason, "Synced");
  const auto registryObject = store_.registries().get({"default", "main"});
  EXPECT_EQ(registryObject->status.ownerId, "site-a");
}

TEST_F(Fleet, CountsOwnedAndForeignRegistrations) {
  addDevice(1);
  apply();
  syncAll();
  registry().add({"somebody-elses", {}, {}});
  clock_.advance(10min);
  sweep();
  const auto object = store_.registries().get({"default", "main"});
  EXPECT_EQ(object->status.total, 2);
  EXPECT_EQ(object->status.owned, 1);
  EXPECT_EQ(object->status.foreign, 1);
}

TEST_F(Fleet, LooksAtARegistrationOnceThatHasBeenBlockedOrUnblocked) {
  addDevice(1);
  apply();
  syncAll();
  for (const bool blocked : {true, false}) {
    registry().at(idOf(1)).blocked = blocked;
    clock_.advance(10min);
    forgetCalls();
    sweep();
    EXPECT_THAT(takeQueued(), ElementsAre(uuidOf(1)));
    reconcile(1);
    EXPECT_EQ(findCondition(object(1)->status.conditions, api::kBlocked) != nullptr, blocked);
    clock_.advance(10min);
    sweep();
    EXPECT_THAT(takeQueued(), IsEmpty());
    EXPECT_EQ(writes(), 0);
  }
}

TEST_F(Fleet, ThatTwoObjectsNameIsLookedAfterByOneOfThemAndTheOtherSaysSo) {
  fleetSpec().devices = api::DeviceSource::kAll;
  api::BalenaFleet twin = fleetNamed("twin", "acme/sensors");
  twin.spec.devices = api::DeviceSource::kAll;
  manifests_.fleets[twin.meta.key] = twin;
  balena().addDevice(uuidOf(1), kFleetId);
  apply();
  const auto syncBoth = [&] {
    syncAll();
    syncAll(twin.meta.key);
  };
  syncBoth();
  const auto first = store_.devices().get({"default", "sensors-" + uuidOf(1)});
  const auto second = store_.devices().get({"default", "twin-" + uuidOf(1)});
  ASSERT_TRUE(first != nullptr && second != nullptr);
  forgetCalls();
  for (int round = 0; round < 3; ++round) {
    clock_.advance(10min);
    syncBoth();
  }
  EXPECT_EQ(writes(), 0);
  expectConnected(1);
  // The very same objects: neither fleet takes the other's away.
  const auto firstNow = store_.devices().get(first->meta.key);
  const auto secondNow = store_.devices().get(second->meta.key);
  ASSERT_TRUE(firstNow != nullptr && secondNow != nullptr);
  EXPECT_EQ(firstNow->meta.uid, first->meta.uid);
  EXPECT_EQ(secondNow->meta.uid, second->meta.uid);
  EXPECT_EQ(firstNow->status.phase, Phase::kReady);
  const auto* ready = findCondition(secondNow->status.conditions, "Ready");
  ASSERT_NE(ready, nullptr);
  EXPECT_EQ(ready->reason, "MovedToAnotherFleet");
  EXPECT_THAT(std::string(ready->message), HasSubstr("default/sensors"));
}

TEST_F(Fleet, OfAnotherCloudIsNoneThatADeviceCouldHaveMovedTo) {
  addDevice(1);
  api::BalenaFleet other = fleetNamed("gateways", "acme/gateways");
  other.spec.apiUrl = "https://api.balena.example";
  manifests_.fleets[other.meta.key] = other;
  apply();
  sweep();
  sweep(test::kOtherFleetKey);
  EXPECT_THAT(views_.fleetIds(fleetSpec().apiUrl), ElementsAre(kFleetId));
  balena().device(uuidOf(1)).fleetId = test::kOtherFleetId;
  reconcile(1);
  EXPECT_EQ(readyOf(1).reason, "WrongFleet");
}

// ---- stale

TEST_F(Fleet, ReportsARegistrationWhoseDeviceHasLeftAndKeepsIt) {
  addDevice(1);
  addDevice(2);
  apply();
  syncAll();
  forgetCalls();
  balena().removeDevice(uuidOf(1));
  clock_.advance(10min);
  syncAll();
  EXPECT_EQ(phaseOf(1), Phase::kStale);
  EXPECT_EQ(object(1)->status.absentSince, clock_.now());
  EXPECT_EQ(readyOf(1).reason, "Stale");
  EXPECT_EQ(fleet()->status.devices.stale, 1);
  EXPECT_TRUE(registry().has(idOf(1)));
  EXPECT_EQ(writes(), 0);
  const TimePoint since = clock_.now();
  clock_.advance(10min);
  syncAll();
  EXPECT_EQ(object(1)->status.absentSince, since);
}

TEST_F(Fleet, CountsAStaleRegistrationThatNoObjectNames) {
  addDevice(1);
  addDevice(2);
  apply();
  syncAll();
  balena().removeDevice(uuidOf(1));
  manifests_.devices.erase({"default", "gate-1"});
  apply();
  clock_.advance(10min);
  syncAll();
  EXPECT_EQ(fleet()->status.devices.stale, 1);
  EXPECT_TRUE(registry().has(idOf(1)));
}

TEST_F(Fleet, WelcomesAStaleDeviceThatComesBack) {
  addDevice(1);
  addDevice(2);
  apply();
  syncAll();
  const auto held = variables(1);
  balena().removeDevice(uuidOf(1));
  clock_.advance(10min);
  syncAll();
  ASSERT_EQ(phaseOf(1), Phase::kStale);
  balena().addDevice(uuidOf(1), kFleetId).variables = held;
  clock_.advance(10min);
  syncAll();
  EXPECT_EQ(phaseOf(1), Phase::kReady);
  EXPECT_EQ(object(1)->status.absentSince, std::nullopt);
}

TEST_F(Fleet, ListsTheRegistryOnceForAllItsFleets) {
  manifests_.fleets[test::kOtherFleetKey] = fleetNamed("gateways", "acme/gateways");
  apply();
  sweep(kFleetKey);
  sweep(test::kOtherFleetKey);
  EXPECT_EQ(registry().log().count("listRegistrations"), 1);
  clock_.advance(5min);
  sweep(kFleetKey);
  EXPECT_EQ(registry().log().count("listRegistrations"), 2);
}

TEST_F(Fleet, ListsTheRegistryAnewWhenTheClockWasSetBack) {
  apply();
  sweep();
  clock_.advance(-1h);
  sweep();
  EXPECT_EQ(registry().log().count("listRegistrations"), 2);
}

TEST_F(Fleet, DoesNotSayThatItWasSweptInTimesToCome) {
  apply();
  sweep();
  clock_.advance(-1h);
  sweep();
  EXPECT_EQ(fleet()->status.lastBalenaSync, clock_.now());
  EXPECT_EQ(store_.registries().get({"default", "main"})->status.lastCompleteSync, clock_.now());
}

TEST_F(Fleet, ThatHasGoneIsForgotten) {
  apply();
  sweep();
  manifests_.fleets.clear();
  apply();
  EXPECT_EQ(sweep(), std::nullopt);
  EXPECT_FALSE(views_.get(kFleetKey));
}

TEST_F(Fleet, NamesTheFirstFailingDevices) {
  for (int n = 1; n <= 7; ++n) {
    addDevice(n);
    registry().add({idOf(n), {}, {}});
  }
  apply();
  syncAll();
  sweep();
  ASSERT_EQ(fleet()->status.failing.size(), 5U);
  EXPECT_EQ(fleet()->status.failing[0].uuid, uuidOf(1));
  EXPECT_EQ(fleet()->status.failing[0].reason, "KeyMismatch");
  EXPECT_EQ(fleet()->status.devices.conflict, 7);
}

TEST_F(Fleet, InModeObserveDoesNotLookAtADeviceAgainAndAgain) {
  fleetSpec().mode = api::Mode::kObserve;
  addDevice(1);
  apply();
  syncAll();
  clock_.advance(5min);
  syncAll();
  EXPECT_THAT(events_.seen(), Contains("Normal NotRegistered gate-1"));
  for (int i = 0; i < 3; ++i) {
    clock_.advance(5min);
    sweep();
    EXPECT_THAT(takeQueued(), IsEmpty());
  }
  balena().device(uuidOf(1)).name = "renamed";
  clock_.advance(5min);
  sweep();
  EXPECT_THAT(takeQueued(), IsEmpty()) << "nothing depends on its name";
  registry().add({idOf(1), {}, {}});
  clock_.advance(5min);
  syncAll();
  EXPECT_EQ(phaseOf(1), Phase::kConflict);
  EXPECT_THAT(events_.seen(),
              ElementsAre("Normal NotRegistered gate-1", "Warning KeyMismatch gate-1"));
  fleetSpec().adoption = api::Adoption::kNever;
  apply();
  sweep();
  EXPECT_THAT(takeQueued(), ElementsAre(uuidOf(1))) << "by other rules it may be another's";
}

TEST_F(Fleet, InModeObserveTellsOfADeviceOnceHoweverOftenItIsLookedAt) {
  fleetSpec().mode = api::Mode::kObserve;
  addDevice(1);
  apply();
  sweep();
  for (int i = 0; i < 3; ++i) reconcile(1);
  EXPECT_THAT(events_.seen(), ElementsAre("Normal NotRegistered gate-1"));
  EXPECT_EQ(logged_.str().find("would act"), logged_.str().rfind("info  would act") + 6);
}

TEST_F(Fleet, LooksAtAConflictAgainWhenSomethingChangedOrAfterTheVerifyInterval) {
  addDevice(1);
  registry().add({idOf(1), {}, {}});
  apply();
  syncAll();
  ASSERT_EQ(phaseOf(1), Phase::kConflict);
  clock_.advance(5min);
  syncAll();
  clock_.advance(5min);
  sweep();
  EXPECT_THAT(takeQueued(), IsEmpty());
  variables(1)["GCP_PRIVATE_KEY"] = "somebody's";
  variables(1)["GCP_CLIENT_PATH"] =
      "projects/p/locations/us-central1/registries/r/devices/" + idOf(1);
  sweep();
  EXPECT_THAT(takeQueued(), ElementsAre(uuidOf(1)));
  reconcile(1);
  clock_.advance(5min);
  sweep();
  EXPECT_THAT(takeQueued(), IsEmpty());
  clock_.advance(27h);  // 24 h, spread
  sweep();
  EXPECT_THAT(takeQueued(), ElementsAre(uuidOf(1)));
  reconcile(1);
  registry().remove(idOf(1));
  clock_.advance(5min);
  syncAll();
  expectConnected(1);
}

TEST_F(Fleet, SuspendedIsNotWorkedOn) {
  fleetSpec().suspend = true;
  addDevice(1);
  apply();
  syncAll();
  expectNothingWritten();
  EXPECT_EQ(phaseOf(1), Phase::kSuspended);
}

TEST_F(Fleet, AConditionSaysThatItsTokenEndsWithinAWeek) {
  apply();
  const auto told = [&] {
    const auto* condition = findCondition(fleet()->status.conditions, "TokenExpiresSoon");
    return condition == nullptr ? std::string() : std::string(condition->message);
  };
  const TimePoint end = clock_.now() + 24h * 7 + 15min;
  balena().setTokenExpiry(end);
  sweep();
  EXPECT_EQ(told(), "");
  for (int sweeps = 0; sweeps < 2; ++sweeps) {
    clock_.advance(10min);
    sweep();
  }
  EXPECT_THAT(told(), HasSubstr(formatRfc3339(end)));
  EXPECT_THAT(told(), HasSubstr("Secret default/balena"));
  EXPECT_TRUE(fleetReady().status);
  clock_.advance(10min);
  sweep();
  EXPECT_THAT(events_.seen(), ElementsAre("Warning TokenExpiresSoon sensors")) << "said once";
  balena().setTokenExpiry(end + 24h * 90);
  clock_.advance(10min);
  sweep();
  EXPECT_EQ(told(), "");
}

TEST_F(Fleet, IsInProgressWhileACloudIsAwayAndFailedWhereAPersonIsNeeded) {
  apply();
  sweep();
  const auto standing = [&](const char* type) {
    return findCondition(fleet()->status.conditions, type) != nullptr;
  };
  EXPECT_FALSE(standing("Reconciling") || standing("Stalled"));
  balena().log().failNext("getFleet", {ErrorCode::kUnavailable, "away"});
  sweep();
  EXPECT_FALSE(fleetReady().status);
  EXPECT_TRUE(standing("Reconciling") && !standing("Stalled"));
  balena().log().failNext("getFleet", {ErrorCode::kForbidden, "not yours"});
  sweep();
  EXPECT_TRUE(standing("Stalled") && !standing("Reconciling"));
  sweep();
  EXPECT_TRUE(fleetReady().status);
  EXPECT_FALSE(standing("Reconciling") || standing("Stalled"));
  addDevice(1);
  apply();
  syncAll();
  ASSERT_TRUE(store_.fleets().remove(kFleetKey, fleet()->meta.uid));
  sweep();
  EXPECT_EQ(fleetReady().reason, "Deleting");
  EXPECT_TRUE(standing("Reconciling") && !standing("Stalled"));
}

TEST_F(Fleet, AConditionSaysWhoseSmallerBudgetCountsForAsLongAsItDoes) {
  apply();
  const api::ObjectKey main{"default", "main"};
  const auto budgetOf = [](const auto& object) {
    const auto* condition = findCondition(object->status.conditions, "BudgetReduced");
    return condition == nullptr ? std::string() : std::string(condition->message);
  };
  factory_.setSmallerBudget(api::ObjectKind::kFleet, kFleetKey, "maxInFlight 2, not 8");
  factory_.setSmallerBudget(api::ObjectKind::kRegistry, main, "readsPerMinute 6, not 60");
  sweep();
  EXPECT_THAT(budgetOf(fleet()), HasSubstr("maxInFlight 2, not 8"));
  EXPECT_THAT(budgetOf(store_.registries().get(main)), HasSubstr("readsPerMinute 6, not 60"));
  factory_.setSmallerBudget(api::ObjectKind::kFleet, kFleetKey, "");
  factory_.setSmallerBudget(api::ObjectKind::kRegistry, main, "");
  clock_.advance(10min);
  sweep();
  EXPECT_EQ(budgetOf(fleet()), "");
  EXPECT_EQ(budgetOf(store_.registries().get(main)), "");
}

}  // namespace
}  // namespace bco
