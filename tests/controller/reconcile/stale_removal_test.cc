// The way of a registration whose device has gone: from the first sweep that misses it to its end.
#include <gmock/gmock.h>

#include "plan/removal_brake.h"
#include "tests/controller/reconcile/world.h"

namespace bco {
namespace {

using namespace std::chrono_literals;
using api::Phase;
using test::idOf;
using test::kFleetId;
using test::kFleetKey;
using test::kOtherFleetId;
using test::kOtherFleetKey;
using test::uuidOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class StaleRegistrations : public test::World {
 protected:
  StaleRegistrations() {
    fleetSpec().stale.policy = api::StalePolicy::kDelete;
    fleetSpec().stale.after = 1h;
    fleetSpec().syncInterval = 30min;
  }

  // Devices 1 to `count`, provisioned.
  void provision(int count) {
    for (int n = 1; n <= count; ++n) {
      balena().addDevice(uuidOf(n), kFleetId);
      if (fleetSpec().devices == api::DeviceSource::kDeclared) declare(n);
    }
    apply();
    syncAll();
    ASSERT_EQ(registry().size(), static_cast<std::size_t>(count));
  }
  void lose(int from, int to) {
    for (int n = from; n <= to; ++n) balena().removeDevice(uuidOf(n));
  }
  // Sweeps as often as the fleet says, for `duration`, each with the passes it calls for.
  void pass(Duration duration) {
    for (Duration done{0}; done < duration; done += 30min) {
      clock_.advance(30min);
      syncAll();
    }
  }
  int left(int from, int to) {
    int count = 0;
    for (int n = from; n <= to; ++n) count += registry().has(idOf(n)) ? 1 : 0;
    return count;
  }
  const api::RemovalStatus removal() { return fleet()->status.removal; }
  const api::Condition* halted() {
    fleetSeen_ = fleet();
    return findCondition(fleetSeen_->status.conditions, "RemovalHalted");
  }
  void approve(const std::string& set) {
    manifests_.fleets.at(kFleetKey).meta.annotations.emplace(api::kApproveAnnotation, set);
    apply();
  }
  // Another process takes over: the objects and their status stay, all else is forgotten.
  void restart() {
    fleetSync_.~FleetSync();
    views_.~FleetViews();
    new (&views_) FleetViews();
    new (&fleetSync_) FleetSync{context_, fleets_, registries_, queue_};
  }

  store::Shared<api::BalenaFleet> fleetSeen_;
};

TEST_F(StaleRegistrations, GoAfterTheirTimeAndNotBefore) {
  provision(40);
  lose(1, 2);
  pass(1h);
  EXPECT_EQ(left(1, 2), 2) << "first missed half an hour ago";
  EXPECT_EQ(removal().candidates, 0);
  EXPECT_EQ(fleet()->status.devices.stale, 2);
  pass(30min);
  EXPECT_EQ(left(1, 40), 38);
  EXPECT_FALSE(removal().halted);
  EXPECT_EQ(countRecent(removal().recent, clock_.now()), 2);
  pass(30min);
  EXPECT_EQ(removal().candidates, 0);
  EXPECT_EQ(fleet()->status.devices.stale, 0);
  EXPECT_EQ(countRecent(removal().recent, clock_.now()), 2) << "a sweep does not set it back";
}

TEST_F(StaleRegistrations, AreKeptAndShownUnlessThePolicyIsDelete) {
  fleetSpec().stale.policy = api::StalePolicy::kReport;
  provision(40);
  lose(1, 6);
  pass(3h);
  EXPECT_EQ(left(1, 6), 6);
  EXPECT_EQ(removal().candidates, 6);
  EXPECT_THAT(removal().set, testing::SizeIs(16));
  EXPECT_FALSE(removal().halted);
  EXPECT_EQ(halted(), nullptr);
}

TEST_F(StaleRegistrations, AreOnlyShownByAFleetThatObservesOrIsSuspended) {
  for (const bool observes : {true, false}) {
    provision(40);
    fleetSpec().mode = observes ? api::Mode::kObserve : api::Mode::kEnforce;
    fleetSpec().suspend = !observes;
    lose(1, 1);
    apply();
    pass(3h);
    EXPECT_EQ(left(1, 1), 1);
    fleetSpec().mode = api::Mode::kEnforce;
    fleetSpec().suspend = false;
    balena().addDevice(uuidOf(1), kFleetId);
    apply();
    pass(1h);
  }
}

TEST_F(StaleRegistrations, TakeTheirDiscoveredObjectsAlong) {
  fleetSpec().devices = api::DeviceSource::kAll;
  provision(40);
  lose(1, 1);
  pass(1h);
  EXPECT_EQ(phaseOf(1), Phase::kStale);
  pass(30min);
  EXPECT_EQ(object(1), nullptr);
  EXPECT_FALSE(registry().has(idOf(1)));
  EXPECT_EQ(tally_.counts().total, 39);
  EXPECT_THAT(events_.seen(), Contains("Normal StaleRemoved sensors"));
}

TEST_F(StaleRegistrations, ThatHaveGoneOtherwiseHoldNoDiscoveredObject) {
  fleetSpec().devices = api::DeviceSource::kAll;
  provision(40);
  lose(1, 1);
  registry().remove(idOf(1));
  pass(30min);
  EXPECT_EQ(object(1), nullptr) << "as after a process that ended between the two";
}

TEST_F(StaleRegistrations, LeaveDeclaredObjectsThatSayWhy) {
  provision(40);
  lose(1, 1);
  pass(90min);
  ASSERT_FALSE(registry().has(idOf(1)));
  EXPECT_EQ(phaseOf(1), Phase::kStale);
  EXPECT_EQ(readyOf(1).reason, "StaleRemoved");
  EXPECT_THAT(object(1)->status.registration, IsEmpty());
  pass(30min);
  EXPECT_EQ(readyOf(1).reason, "StaleRemoved") << "no sweep calls for another pass";
}

TEST_F(StaleRegistrations, ThatNoObjectNamesGoToo) {
  provision(40);
  lose(1, 1);
  manifests_.devices.erase({"default", "gate-1"});
  apply();
  pass(90min);
  EXPECT_FALSE(registry().has(idOf(1)));
}

TEST_F(StaleRegistrations, OfDevicesThatComeBackInTimeAreUntouched) {
  provision(40);
  const auto held = variables(1);
  const auto before = registry().at(idOf(1));
  lose(1, 1);
  pass(1h);
  ASSERT_EQ(phaseOf(1), Phase::kStale);
  balena().addDevice(uuidOf(1), kFleetId).variables = held;
  pass(30min);
  EXPECT_EQ(phaseOf(1), Phase::kReady);
  EXPECT_EQ(registry().at(idOf(1)).numId, before.numId);
  EXPECT_EQ(registry().at(idOf(1)).metadata, before.metadata);
  // Its time begins anew.
  lose(1, 1);
  pass(1h);
  EXPECT_TRUE(registry().has(idOf(1)));
  pass(30min);
  EXPECT_FALSE(registry().has(idOf(1)));
}

TEST_F(StaleRegistrations, OfADeviceThatIsBackButNotWellHaveTheirTimeBeginAnew) {
  provision(40);
  lose(1, 1);
  pass(1h);
  ASSERT_TRUE(object(1)->status.absentSince);
  balena().addDevice(uuidOf(1), kFleetId);
  clock_.advance(30min);
  sweep();  // and no pass that would make it ready
  takeQueued();
  EXPECT_EQ(object(1)->status.absentSince, std::nullopt);
}

TEST_F(StaleRegistrations, OfADeviceThatAPassHasSeenBackHaveTheirTimeBeginAnewWhateverComesOfIt) {
  provision(40);
  lose(1, 1);
  pass(1h);
  ASSERT_TRUE(object(1)->status.absentSince);
  balena().addDevice(uuidOf(1), kFleetId);
  balena().log().failNext("write GCP_PRIVATE_KEY", {ErrorCode::kConflict, "it left meanwhile"});
  reconcile(1);
  EXPECT_NE(phaseOf(1), Phase::kReady);
  EXPECT_EQ(object(1)->status.absentSince, std::nullopt);
}

TEST_F(StaleRegistrations, OfDevicesThatComeBackTooLateAreMadeAnew) {
  provision(40);
  const auto before = readMark(registry().at(idOf(1)).metadata).mark.incarnation;
  lose(1, 1);
  pass(90min);
  ASSERT_FALSE(registry().has(idOf(1)));
  balena().addDevice(uuidOf(1), kFleetId);
  pass(30min);
  expectConnected(1);
  EXPECT_NE(readMark(registry().at(idOf(1)).metadata).mark.incarnation, before);
}

TEST_F(StaleRegistrations, OfADeviceThatIsBackWhenItsPassComesAreKept) {
  provision(40);
  const auto held = variables(1);
  lose(1, 1);
  pass(1h);
  clock_.advance(30min);
  sweep();
  ASSERT_THAT(takeQueued(), Contains(uuidOf(1)));
  balena().addDevice(uuidOf(1), kFleetId).variables = held;
  reconcile(1);
  EXPECT_TRUE(registry().has(idOf(1)));
  EXPECT_EQ(registry().log().count("deleteRegistration"), 0);
}

// ---- moves

TEST_F(StaleRegistrations, AreNoneWhereADeviceMovesToAnotherFleetOfOurs) {
  fleetSpec().devices = api::DeviceSource::kAll;
  manifests_.fleets[kOtherFleetKey] = fleetNamed("gateways", "acme/gateways");
  provision(40);
  sweep(kOtherFleetKey);
  balena().device(uuidOf(1)).fleetId = kOtherFleetId;
  // The other fleet declares none, so that nobody takes over.
  pass(3h);
  EXPECT_EQ(left(1, 1), 1);
  EXPECT_EQ(registry().log().count("deleteRegistration"), 0);
}

TEST_F(StaleRegistrations, OfADeviceThatWasInAnotherFleetOfOursHaveTheirTimeBeginWhenItLeavesThat) {
  balena().addFleet(99, "acme/elsewhere");
  manifests_.fleets[kOtherFleetKey] = fleetNamed("gateways", "acme/gateways");
  provision(40);
  const auto passBoth = [&](Duration duration) {
    for (Duration done{0}; done < duration; done += 30min) {
      clock_.advance(30min);
      syncAll();
      sweep(kOtherFleetKey);
      takeQueued();
    }
  };
  balena().device(uuidOf(1)).fleetId = kOtherFleetId;
  passBoth(3h);
  EXPECT_EQ(fleet()->status.devices.stale, 0);
  EXPECT_EQ(object(1)->status.absentSince, std::nullopt);
  EXPECT_NE(object(1)->status.phase, Phase::kStale);
  balena().device(uuidOf(1)).fleetId = 99;
  passBoth(90min);
  EXPECT_TRUE(registry().has(idOf(1))) << "it left our fleets an hour ago, at the earliest";
  passBoth(1h);
  EXPECT_FALSE(registry().has(idOf(1)));
}

TEST_F(StaleRegistrations, AreNoneWhicheverFleetANewProcessSweepsFirst) {
  manifests_.fleets[kOtherFleetKey] = fleetNamed("gateways", "acme/gateways");
  provision(40);
  balena().device(uuidOf(1)).fleetId = kOtherFleetId;
  restart();
  sweep(kOtherFleetKey);
  syncAll();
  EXPECT_EQ(fleet()->status.devices.stale, 0);
}

TEST_F(StaleRegistrations, AreNoneWhereTheOtherFleetTakesOver) {
  manifests_.fleets[kOtherFleetKey] = fleetNamed("gateways", "acme/gateways");
  provision(40);
  manifests_.devices.erase({"default", "gate-1"});
  declare(1, kOtherFleetKey.name);
  balena().device(uuidOf(1)).fleetId = kOtherFleetId;
  apply();
  syncAll(kOtherFleetKey);
  converge(1);
  pass(3h);
  EXPECT_EQ(readMark(registry().at(idOf(1)).metadata).mark.fleetId, kOtherFleetId);
  EXPECT_EQ(registry().log().count("deleteRegistration"), 0);
}

TEST_F(StaleRegistrations, GoWithTheirVariablesWhereADeviceMovesToAFleetOfOthers) {
  balena().addFleet(99, "acme/elsewhere");
  provision(40);
  balena().device(uuidOf(1)).fleetId = 99;
  pass(90min);
  EXPECT_FALSE(registry().has(idOf(1)));
  EXPECT_THAT(variables(1), IsEmpty());
}

TEST_F(StaleRegistrations, AreKeptWhileAFleetOfOursMightHaveTheDevice) {
  balena().addFleet(99, "acme/elsewhere");
  manifests_.fleets[kOtherFleetKey] = fleetNamed("gateways", "acme/elsewhere");
  manifests_.fleets[kOtherFleetKey].spec.token.name = "not-there-yet";
  provision(40);
  balena().device(uuidOf(1)).fleetId = 99;
  pass(3h);
  EXPECT_TRUE(registry().has(idOf(1)));
}

TEST_F(StaleRegistrations, AreKeptWhileAFleetOfOursCannotBeAskedForTheDevice) {
  manifests_.fleets[kOtherFleetKey] = fleetNamed("gateways", "acme/gateways");
  manifests_.fleets[kOtherFleetKey].spec.token.name = "not-there-yet";
  provision(40);
  lose(1, 1);
  pass(3h);
  EXPECT_TRUE(registry().has(idOf(1)));
  addSecret("not-there-yet", "token", "S3CRET-other");
  apply();
  sweep(kOtherFleetKey);
  takeQueued();
  pass(30min);
  EXPECT_FALSE(registry().has(idOf(1)));
}

// ---- the brake

TEST_F(StaleRegistrations, OfWhichTooManyWouldGoAllStay) {
  provision(100);
  lose(1, 6);
  pass(3h);
  EXPECT_EQ(left(1, 6), 6);
  EXPECT_TRUE(removal().halted);
  EXPECT_EQ(removal().candidates, 6);
  ASSERT_NE(halted(), nullptr);
  EXPECT_EQ(halted()->reason, "TooManyAtOnce");
  EXPECT_THAT(halted()->message, HasSubstr(removal().set));
  EXPECT_THAT(events_.seen(), Contains("Warning RemovalHalted sensors").Times(1));
  const auto since = removal().since;
  ASSERT_TRUE(since);
  pass(30min);
  EXPECT_EQ(removal().since, since);
  // One comes back: the others are within the limit.
  balena().addDevice(uuidOf(1), kFleetId);
  pass(30min);
  EXPECT_EQ(left(2, 6), 0);
  EXPECT_FALSE(removal().halted);
  EXPECT_EQ(removal().since, std::nullopt);
  EXPECT_EQ(halted(), nullptr);
}

TEST_F(StaleRegistrations, AreApprovedAsASetAndOnce) {
  provision(100);
  lose(1, 6);
  pass(2h);
  const std::string set = removal().set;
  ASSERT_THAT(set, testing::SizeIs(16));
  approve(set);
  syncAll();
  EXPECT_EQ(left(1, 6), 0);
  EXPECT_EQ(countRecent(removal().recent, clock_.now()), 0) << "what is approved is not counted";
  // The same devices again, and others: the approval that still stands is of no use.
  for (int n = 1; n <= 6; ++n) balena().addDevice(uuidOf(n), kFleetId);
  pass(1h);
  ASSERT_EQ(left(1, 6), 6);
  lose(1, 6);
  pass(3h);
  EXPECT_EQ(left(1, 6), 6);
  EXPECT_TRUE(removal().halted);
  EXPECT_NE(removal().set, set);
}

TEST_F(StaleRegistrations, AreNotApprovedByTheHashOfAnotherSet) {
  provision(100);
  lose(1, 6);
  pass(2h);
  approve(removal().set);
  lose(7, 7);
  // The seventh is due an hour later; until then the six have been approved, so hold them back.
  balena().log().failNext("getDevice", Error{ErrorCode::kUnavailable, "down"});
  for (int i = 1; i < 6; ++i) {
    balena().log().failNext("getDevice", Error{ErrorCode::kUnavailable, "down"});
  }
  syncAll();
  ASSERT_EQ(left(1, 7), 7);
  restart();
  pass(3h);
  EXPECT_EQ(removal().candidates, 7);
  EXPECT_EQ(left(1, 7), 7);
  EXPECT_TRUE(removal().halted);
}

TEST_F(StaleRegistrations, OfAnApprovedSetGoEvenWhenSomeHaveFailed) {
  provision(200);
  lose(1, 30);
  pass(2h);
  approve(removal().set);
  for (int i = 0; i < 15; ++i) {
    registry().log().failNext("deleteRegistration", Error{ErrorCode::kUnavailable, "down"});
  }
  syncAll();
  ASSERT_EQ(left(1, 30), 15);
  pass(30min);
  EXPECT_EQ(left(1, 30), 0);
}

TEST_F(StaleRegistrations, AreLimitedInADayByWhoeverLeads) {
  fleetSpec().stale.maxPerDay = 3;
  provision(100);
  lose(1, 3);
  pass(2h);
  ASSERT_EQ(left(1, 3), 0);
  restart();
  lose(4, 4);
  pass(3h);
  EXPECT_EQ(left(4, 4), 1);
  ASSERT_NE(halted(), nullptr);
  EXPECT_EQ(halted()->reason, "TooManyToday");
  pass(22h);
  EXPECT_EQ(left(4, 4), 0);
  EXPECT_EQ(halted(), nullptr);
}

TEST_F(StaleRegistrations, AreCountedOnceHoweverOftenTheirPassFails) {
  provision(100);
  lose(1, 1);
  for (int i = 0; i < 4; ++i) {
    registry().log().failNext("deleteRegistration", Error{ErrorCode::kUnavailable, "down"});
  }
  pass(3h);
  ASSERT_TRUE(registry().has(idOf(1)));
  pass(1h);
  ASSERT_FALSE(registry().has(idOf(1)));
  EXPECT_EQ(countRecent(removal().recent, clock_.now()), 1);
}

TEST_F(StaleRegistrations, AreCountedBeforeTheyGo) {
  provision(100);
  lose(1, 2);
  int counted = -1;
  registry().log().onCall([&](const std::string& call) {
    if (call == "deleteRegistration" && counted < 0) {
      counted = countRecent(removal().recent, clock_.now());
    }
  });
  pass(2h);
  ASSERT_EQ(left(1, 2), 0);
  EXPECT_EQ(counted, 2);
}

TEST_F(StaleRegistrations, AreNotRemovedNorForgottenByAWrongClock) {
  provision(100);
  lose(1, 3);
  pass(2h);
  ASSERT_EQ(left(1, 3), 0);
  lose(4, 4);
  // From here on this machine is two days ahead.
  registry().setSkew(-48h);
  clock_.advance(48h);
  pass(2h);
  EXPECT_EQ(left(4, 4), 1);
  int kept = 0;
  for (const api::RemovalHour& each : removal().recent) kept += each.count;
  EXPECT_EQ(kept, 3);
  EXPECT_EQ(object(4)->status.absentSince, std::nullopt);
}

// ---- processes

TEST_F(StaleRegistrations, KeepTheirTimeAcrossALeaderButNotItsSnapshots) {
  provision(40);
  lose(1, 1);
  pass(1h);
  restart();
  pass(30min);
  EXPECT_TRUE(registry().has(idOf(1))) << "the new leader has seen it missing once";
  pass(30min);
  EXPECT_FALSE(registry().has(idOf(1)));
}

// The objects of some record since when they have been absent, and of the others nobody does.
TEST_F(StaleRegistrations, OfWhichTooManyWouldGoAreNotTakenApartByARestart) {
  provision(40);
  for (int n = 1; n <= 2; ++n) manifests_.devices.erase({"default", "gate-" + std::to_string(n)});
  apply();
  syncAll();
  lose(1, 4);
  pass(90min);
  ASSERT_TRUE(removal().halted);
  ASSERT_EQ(removal().candidates, 4);
  const std::string set = removal().set;
  restart();
  pass(1h);
  EXPECT_EQ(left(1, 4), 4);
  EXPECT_TRUE(removal().halted);
  EXPECT_EQ(removal().set, set) << "the same set by the same name, whoever judges it";
  approve(set);
  pass(1h);
  EXPECT_EQ(left(1, 4), 0);
}

// A sweep that sees them gone leaves those whose passes fail just then, and records nothing there.
TEST_F(StaleRegistrations, OfWhichTooManyWouldGoAreNotTakenApartByPassesThatFail) {
  provision(40);
  clock_.advance(30min);
  lose(1, 4);
  for (int n = 1; n <= 2; ++n) {
    balena().log().failNext("getDevice", {ErrorCode::kUnavailable, "down"});
    reconcile(n);
  }
  sweep();
  takeQueued();
  ASSERT_EQ(object(1)->status.absentSince, std::nullopt);
  ASSERT_TRUE(object(3)->status.absentSince);
  pass(1h);
  EXPECT_EQ(left(1, 4), 4);
  EXPECT_TRUE(removal().halted);
  EXPECT_EQ(removal().candidates, 4);
}

// Another leader, whose cache did not show yet what this one has recorded, records it again.
TEST_F(StaleRegistrations, OfWhichTooManyWouldGoAreNotTakenApartByWhomTheyAreDated) {
  provision(40);
  lose(1, 4);
  pass(30min);
  for (int n = 2; n <= 4; ++n) {
    const auto device = object(n);
    api::DeviceStatus status = device->status;
    ASSERT_TRUE(status.absentSince);
    *status.absentSince += 10min;
    ASSERT_TRUE(store_.devices().updateStatus(*device, std::move(status)));
  }
  pass(1h);
  EXPECT_EQ(left(1, 4), 4);
  EXPECT_TRUE(removal().halted);
  EXPECT_EQ(removal().candidates, 4);
}

TEST_F(StaleRegistrations, BeginTheirTimeAnewAfterANightThatNobodyWatched) {
  provision(40);
  lose(1, 1);
  pass(1h);
  restart();
  clock_.advance(10h);
  syncAll();
  pass(30min);
  EXPECT_TRUE(registry().has(idOf(1)));
  pass(1h);
  EXPECT_FALSE(registry().has(idOf(1)));
}

// ---- what people say

TEST_F(StaleRegistrations, OfSuspendedDevicesStay) {
  provision(40);
  deviceSpec(1).suspend = true;
  apply();
  lose(1, 1);
  pass(3h);
  EXPECT_TRUE(registry().has(idOf(1)));
  EXPECT_EQ(removal().candidates, 0);
}

TEST_F(StaleRegistrations, AreJudgedByTheFleetAsItIsNow) {
  provision(40);
  lose(1, 1);
  pass(1h);
  clock_.advance(30min);
  sweep();
  ASSERT_THAT(takeQueued(), Contains(uuidOf(1)));
  fleetSpec().stale.policy = api::StalePolicy::kReport;
  apply();
  reconcile(1);
  EXPECT_TRUE(registry().has(idOf(1)));
}

TEST_F(StaleRegistrations, AreClearedByTheLatestSweepAlone) {
  provision(40);
  lose(1, 1);
  pass(1h);
  clock_.advance(30min);
  sweep();
  ASSERT_THAT(takeQueued(), Contains(uuidOf(1)));
  balena().log().failNext("listFleet", Error{ErrorCode::kUnavailable, "page 2 failed"});
  sweep();
  reconcile(1);
  EXPECT_TRUE(registry().has(idOf(1)));
}

TEST_F(StaleRegistrations, DoNotComeOfASelectorAndKeepWhatPeopleSaid) {
  fleetSpec().devices = api::DeviceSource::kAll;
  provision(3);
  // A person edits the discovered objects of two.
  api::Manifests none;
  for (const int n : {1, 2}) {
    const auto seen = object(n);
    ASSERT_TRUE(store_.devices().release(seen->meta.key, seen->meta.uid));
    api::BalenaDevice edited = *seen;
    edited.meta.finalizers.clear();
    if (n == 1) edited.spec.suspend = true;
    if (n == 2) edited.spec.keys.lifetime = 1000h;
    ASSERT_TRUE(store_.devices().create(edited));
  }
  fleetSpec().selector.deviceTypes = {"none-of-these"};
  apply();
  pass(3h);
  EXPECT_EQ(left(1, 3), 3);
  EXPECT_EQ(registry().log().count("deleteRegistration"), 0);
  EXPECT_NE(object(1), nullptr) << "somebody has said that it is to be left alone";
  EXPECT_EQ(object(2), nullptr);
  EXPECT_EQ(object(3), nullptr);
}

}  // namespace
}  // namespace bco
