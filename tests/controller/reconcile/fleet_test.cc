// The set level: what a sweep makes of two complete snapshots, and of incomplete ones.
#include <gmock/gmock.h>

#include <future>
#include <thread>

#include "tests/controller/reconcile/world.h"

namespace bco {
namespace {

using namespace std::chrono_literals;
using api::Phase;
using test::idOf;
using test::kFleetId;
using test::kFleetKey;
using test::uuidOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Fleet : public test::World {
 protected:
  void expectNothingWritten() {
    EXPECT_EQ(writes(), 0);
    EXPECT_EQ(registry().size(), 0U);
  }
};

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

TEST_F(Fleet, FindsWhatAnEarlierProcessProvisionedInSyncWithoutAnyDeviceCall) {
  addDevice(1);
  apply();
  syncAll();
  // A new process: same clouds, no memory.
  store_.apply({});
  apply();
  clock_.advance(10min);
  forgetCalls();
  sweep();
  EXPECT_THAT(takeQueued(), IsEmpty());
  EXPECT_EQ(balena().log().count("getDevice"), 0);
  EXPECT_EQ(phaseOf(1), Phase::kReady);
  EXPECT_EQ(object(1)->status.key->generation, 0U);
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

TEST_F(Fleet, ReadsEveryStoredKeyWhenAskedTo) {
  addDevice(1);
  apply();
  syncAll();
  store_.apply({});  // a new process: same clouds, no memory
  apply();
  clock_.advance(10min);
  context_.verifiesAll = true;
  sweep();
  EXPECT_THAT(takeQueued(), ElementsAre(uuidOf(1)));
  reconcile(1);
  clock_.advance(10min);
  sweep();
  EXPECT_THAT(takeQueued(), IsEmpty()) << "once";
}

TEST_F(Fleet, ThatIsEmptyIsBelievedOnceAllItsDevicesAreDeclaredAbsent) {
  addDevice(1);
  addDevice(2);
  apply();
  syncAll();
  balena().removeDevice(uuidOf(1));
  balena().removeDevice(uuidOf(2));
  for (const int n : {1, 2}) {
    deviceSpec(n).state = api::DesiredState::kAbsent;
    apply();
    clock_.advance(10min);
    sweep();
    if (n == 1) {
      EXPECT_THAT(fleetReady().message, HasSubstr("state: Absent for each of " + uuidOf(2)));
      EXPECT_THAT(fleetReady().message, testing::Not(HasSubstr(uuidOf(1))));
    }
  }
  EXPECT_TRUE(fleetReady().status) << fleetReady().message;
  EXPECT_THAT(takeQueued(), testing::UnorderedElementsAre(uuidOf(1), uuidOf(2)));
  reconcile(1);
  reconcile(2);
  EXPECT_EQ(registry().size(), 0U);
  EXPECT_EQ(phaseOf(1), Phase::kAbsent);
}

TEST_F(Fleet, FindsNothingWorthAWriteInARestart) {
  addDevice(1);
  apply();
  syncAll();
  clock_.advance(5min);
  sweep();  // counts what was provisioned
  const auto versions = [this] {
    return std::pair(fleet()->meta.resourceVersion,
                     store_.registries().get({"default", "main"})->meta.resourceVersion);
  };
  const auto before = versions();
  clock_.advance(6min);
  // A new process, whose first look at the clouds shows nothing but that time has passed.
  FleetViews views;
  const Context context{store_, views, tally_, clock_, random_, log_, events_, {}};
  RegistrySources registries(context, factory_, nullptr);
  FleetSources fleets(context, registries, factory_);
  FleetSync fleetSync(context, fleets, registries, queue_);
  ASSERT_TRUE(fleetSync.sync(kFleetKey, {}));
  EXPECT_EQ(versions(), before);
  EXPECT_THAT(takeQueued(), IsEmpty());
  // The next one tells that the sweeps go on.
  clock_.advance(5min);
  ASSERT_TRUE(fleetSync.sync(kFleetKey, {}));
  EXPECT_EQ(fleet()->status.lastBalenaSync, clock_.now());
  EXPECT_EQ(store_.registries().get({"default", "main"})->status.lastCompleteSync, clock_.now());
}

TEST_F(Fleet, LeavesADeliveryThatWasPutOffToAPass) {
  addDevice(1);
  apply();
  syncAll();
  registry().remove(idOf(1));
  clock_.advance(10min);
  sweep();
  takeQueued();
  balena().log().failNext("write GCP_PRIVATE_KEY", Error{ErrorCode::kThrottled, "slow down"});
  reconcile(1);
  ASSERT_TRUE(registry().has(idOf(1)));
  // All that a sweep sees is right; the key that is stored is not the new registration's.
  clock_.advance(10min);
  sweep();
  EXPECT_THAT(takeQueued(), ElementsAre(uuidOf(1)));
  EXPECT_NE(phaseOf(1), Phase::kReady);
  reconcile(1);
  expectConnected(1);
}

TEST_F(Fleet, LeavesADeliveryThatAnEarlierProcessDidNotComeToToAPass) {
  addDevice(1);
  apply();
  syncAll();
  registry().remove(idOf(1));
  balena().log().failNext("write GCP_PRIVATE_KEY", Error{ErrorCode::kInternal, "killed"});
  clock_.advance(10min);
  reconcile(1);
  ASSERT_TRUE(registry().has(idOf(1)));
  // A new process: it finds nothing missing, but the stored key is not the registered one.
  store_.apply({});
  apply();
  clock_.advance(10min);
  sweep();
  EXPECT_THAT(takeQueued(), ElementsAre(uuidOf(1)));
  reconcile(1);
  expectConnected(1);
  // Looked at once, it is not looked at by every sweep.
  clock_.advance(10min);
  sweep();
  EXPECT_THAT(takeQueued(), IsEmpty());
}

// ---- discovery

// Its author's clock was wrong: nobody has looked at the device tomorrow.
TEST_F(Fleet, DoesNotBelieveAVerificationThatIsStillToCome) {
  addDevice(1);
  apply();
  syncAll();
  const auto held = object(1);
  api::DeviceStatus status = held->status;
  status.key->verifiedAt = clock_.now() + 24h;
  ASSERT_TRUE(store_.devices().setStatus(held->meta.key, held->meta.uid, status));
  clock_.advance(1h);
  registry().remove(idOf(1));
  sweep();
  EXPECT_THAT(takeQueued(), ElementsAre(uuidOf(1)));
}

TEST_F(Fleet, LeavesAFailureItsOwnTimeToComeBackAndNoMore) {
  addDevice(1);
  apply();
  syncAll();
  const auto held = object(1);
  api::DeviceStatus status = held->status;
  status.failureCount = 1;
  status.lastFailureTime = clock_.now() + 1h;
  ASSERT_TRUE(store_.devices().setStatus(held->meta.key, held->meta.uid, status));
  clock_.advance(1h);
  registry().remove(idOf(1));
  sweep();
  EXPECT_THAT(takeQueued(), IsEmpty());
  clock_.advance(2 * context_.backoff.longest);
  sweep();
  EXPECT_THAT(takeQueued(), ElementsAre(uuidOf(1)));
}

// As a process does that began while another one was still at work on the device.
TEST_F(Fleet, HasADeviceVerifiedThatNobodyCameToVerify) {
  addDevice(1);
  apply();
  syncAll();
  clock_.advance(29h);
  sweep();
  EXPECT_THAT(takeQueued(), IsEmpty()) << "a pass may be planned for it";
  clock_.advance(2h);
  sweep();
  EXPECT_THAT(takeQueued(), ElementsAre(uuidOf(1)));
}

TEST_F(Fleet, DiscoversTheSelectedDevicesOfAFleet) {
  fleetSpec().devices = api::DeviceSource::kAll;
  fleetSpec().selector.tags = {{"site", "roof"}};
  fleetSpec().selector.excludeTags = {{"state", "spare"}};
  fleetSpec().selector.deviceTypes = {"raspberrypi4-64"};
  for (int n = 1; n <= 5; ++n) balena().addDevice(uuidOf(n), kFleetId).tags["site"] = "roof";
  balena().device(uuidOf(2)).tags["site"] = "cellar";
  balena().device(uuidOf(3)).tags["state"] = "spare";
  balena().device(uuidOf(4)).deviceType = "fincm3";
  balena().device(uuidOf(5)).tags.clear();
  apply();
  syncAll();
  ASSERT_EQ(store_.devices().list().size(), 1U);
  const auto found = store_.devices().list().front();
  EXPECT_EQ(toString(found->meta.key), "default/sensors-" + uuidOf(1));
  EXPECT_TRUE(found->meta.isDiscovered());
  EXPECT_EQ(found->meta.labels.at(std::string(api::kFleetLabel)), "sensors");
  EXPECT_EQ(found->status.phase, Phase::kReady);
  expectConnected(1);
}

TEST_F(Fleet, GivesItsLabelsToTheDevicesItDiscoversAndKeepsThemInStep) {
  fleetSpec().devices = api::DeviceSource::kAll;
  api::TextMap& labels = manifests_.fleets[kFleetKey].meta.labels;
  labels["shard"] = "a";
  labels["team"] = "roof";
  // As a copied document would have it: what makes a device's object is not the fleet's to say.
  labels[api::kFleetLabel] = "gateways";
  balena().addDevice(uuidOf(1), kFleetId);
  apply();
  syncAll();
  EXPECT_EQ(object(1)->meta.labels.at("shard"), "a");
  EXPECT_EQ(object(1)->meta.labels.at("team"), "roof");
  EXPECT_EQ(object(1)->meta.labels.at(api::kFleetLabel), "sensors");
  ASSERT_TRUE(store_.devices().setLabels(object(1)->meta.key, object(1)->meta.uid,
                                         {{"mine", "kept"}, {"team", "cellar"}}));
  labels = {};
  labels["shard"] = "b";
  labels["team"] = "roof";
  apply();
  forgetCalls();
  syncAll();
  EXPECT_EQ(object(1)->meta.labels.at("shard"), "b");
  EXPECT_EQ(object(1)->meta.labels.at("team"), "roof");
  EXPECT_EQ(object(1)->meta.labels.at("mine"), "kept");
  EXPECT_EQ(writes(), 0);
  labels = {};
  labels["shard"] = "b";
  apply();
  syncAll();
  EXPECT_FALSE(object(1)->meta.labels.contains("team"));
  EXPECT_TRUE(object(1)->meta.isDiscovered());
}

TEST_F(Fleet, StopsDiscoveringWhenItIsToldTo) {
  fleetSpec().devices = api::DeviceSource::kAll;
  for (int n = 1; n <= 5; ++n) balena().addDevice(uuidOf(n), kFleetId);
  apply();
  std::stop_source stop;
  store_.onChange([&](const store::Change&) { stop.request_stop(); });
  EXPECT_EQ(fleetSync_.sync(kFleetKey, stop.get_token()), std::nullopt);
  EXPECT_EQ(store_.devices().list().size(), 1U);
  EXPECT_EQ(fleet()->status.lastBalenaSync, std::nullopt) << "that sweep was not complete";
  store_.onChange([](const store::Change&) {});
  sweep();
  EXPECT_EQ(store_.devices().list().size(), 5U);
}

TEST_F(Fleet, LetsGoOfDiscoveredDevicesThatAreNoLongerSelectedWithoutTouchingThem) {
  fleetSpec().devices = api::DeviceSource::kAll;
  balena().addDevice(uuidOf(1), kFleetId);
  apply();
  syncAll();
  forgetCalls();
  fleetSpec().selector.tags = {{"site", "roof"}};
  apply();
  syncAll();
  EXPECT_THAT(store_.devices().list(), IsEmpty());
  EXPECT_EQ(writes(), 0);
  expectConnected(1);
  EXPECT_EQ(tally_.counts().total, 0);
}

TEST_F(Fleet, TakesADeviceOverThatMovesBetweenFleetsThatDiscoverTheirs) {
  fleetSpec().devices = api::DeviceSource::kAll;
  manifests_.fleets[test::kOtherFleetKey] = fleetNamed("gateways", "acme/gateways");
  manifests_.fleets[test::kOtherFleetKey].spec.devices = api::DeviceSource::kAll;
  // Each way: the order of names must not decide.
  balena().addDevice(uuidOf(1), kFleetId);
  balena().addDevice(uuidOf(2), test::kOtherFleetId);
  apply();
  syncAll();
  syncAll(test::kOtherFleetKey);
  balena().device(uuidOf(1)).fleetId = test::kOtherFleetId;
  balena().device(uuidOf(2)).fleetId = kFleetId;
  clock_.advance(10min);
  syncAll();
  syncAll(test::kOtherFleetKey);
  for (const int n : {1, 2}) {
    converge(n);
    ASSERT_EQ(store_.devicesByUuid(uuidOf(n)).size(), 1U);
    EXPECT_EQ(object(n)->fleetKey(), n == 1 ? test::kOtherFleetKey : kFleetKey);
    EXPECT_EQ(phaseOf(n), Phase::kReady);
    EXPECT_EQ(readMark(registry().at(idOf(n)).metadata).mark.fleetId,
              n == 1 ? test::kOtherFleetId : kFleetId);
    expectConnected(n);
  }
}

TEST_F(Fleet, LeavesTheDiscoveredObjectsOfOtherCloudsAndNamespacesAlone) {
  for (const bool inOtherCloud : {true, false}) {
    fleetSpec().devices = api::DeviceSource::kAll;
    api::BalenaFleet other = fleetNamed("gateways", "acme/gateways");
    other.spec.devices = api::DeviceSource::kAll;
    if (inOtherCloud) {
      other.spec.apiUrl = "https://api.balena.example";
    } else {
      other.meta.key.space = "elsewhere";
    }
    manifests_.fleets[other.meta.key] = other;
    apply();
    // The other fleet has discovered a device of this UUID; this one lists one, too.
    api::BalenaDevice theirs = deviceOf(1, "gateways");
    theirs.meta.key = {other.meta.key.space, "gateways-" + uuidOf(1)};
    theirs.meta.labels.emplace(api::kDiscoveredLabel, "true");
    ASSERT_TRUE(store_.devices().create(theirs));
    balena().addDevice(uuidOf(1), kFleetId);
    sweep();
    EXPECT_NE(store_.devices().get(theirs.meta.key), nullptr);
    ASSERT_TRUE(
        store_.devices().release(theirs.meta.key, store_.devices().get(theirs.meta.key)->meta.uid));
    manifests_.fleets.erase(other.meta.key);
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

TEST_F(Fleet, WithASeedSecretThatLacksItsKeyNeedsAPerson) {
  secrets_["bco-key-seed"] = {{"sede", std::string(crypto::kSeedBytes, '*')}};
  addDevice(1);
  apply();
  syncAll();
  EXPECT_EQ(fleetReady().reason, "Invalid");
  EXPECT_THAT(fleetReady().message, HasSubstr("bco-key-seed has no key seed"));
  expectNothingWritten();
}

TEST_F(Fleet, ThatHasGoneTakesItsDiscoveredObjectsAlongAndLeavesTheCloudsAlone) {
  fleetSpec().devices = api::DeviceSource::kAll;
  fleetSpec().deletionPolicy = api::DeletionPolicy::kDelete;
  balena().addDevice(uuidOf(1), kFleetId);
  apply();
  syncAll();
  // The same fleet under another name, as a person would rename it.
  manifests_.fleets[{"default", "renamed"}] = manifests_.fleets.at(kFleetKey);
  manifests_.fleets[{"default", "renamed"}].meta.key.name = "renamed";
  manifests_.fleets.erase(kFleetKey);
  forgetCalls();
  apply();
  sweep();
  EXPECT_EQ(object(1), nullptr);
  EXPECT_EQ(writes(), 0);
  variables(1).erase("GCP_PRIVATE_KEY");
  clock_.advance(10min);
  syncAll({"default", "renamed"});
  EXPECT_EQ(phaseOf(1), Phase::kReady);
  expectConnected(1);
}

TEST_F(Fleet, SaysThatTheClocksDifferAndCallsNothingInSyncThatMayHaveExpired) {
  addDevice(1);
  apply();
  syncAll();
  EXPECT_EQ(phaseOf(1), Phase::kReady);
  registry().setSkew(fleetSpec().keys.lifetime + 1h);
  store_.apply({});  // a new process
  apply();
  clock_.advance(10min);
  syncAll();
  EXPECT_EQ(readyOf(1).reason, "ClockSkew");
  EXPECT_EQ(phaseOf(1), Phase::kWaiting);
  const auto* skewed = findCondition(fleet()->status.conditions, "ClockSkew");
  ASSERT_NE(skewed, nullptr);
  EXPECT_THAT(skewed->message, HasSubstr("set the clock"));
  EXPECT_THAT(logged_.str(), HasSubstr("clocks differ"));
  registry().setSkew(Duration::zero());
  clock_.advance(10min);
  syncAll();
  EXPECT_EQ(phaseOf(1), Phase::kReady);
  EXPECT_EQ(findCondition(fleet()->status.conditions, "ClockSkew"), nullptr);
}

TEST_F(Fleet, NeverReplacesAStoredSeedByARandomOne) {
  addDevice(1);
  apply();
  syncAll();
  secrets_.erase("bco-key-seed");
  apply();
  sweep();
  EXPECT_EQ(fleetReady().reason, "NotFound");
  EXPECT_THAT(fleetReady().message, HasSubstr("put the key seed back"));
}

TEST_F(Fleet, LetsADeclaredObjectWinOverADiscoveredOne) {
  fleetSpec().devices = api::DeviceSource::kAll;
  balena().addDevice(uuidOf(1), kFleetId);
  apply();
  syncAll();
  forgetCalls();
  declare(1);
  apply();
  reconcile(1);
  EXPECT_EQ(phaseOf(1), Phase::kReady);
  syncAll();
  ASSERT_EQ(store_.devicesByUuid(uuidOf(1)).size(), 1U);
  EXPECT_EQ(object(1)->meta.key.name, "gate-1");
  EXPECT_EQ(writes(), 0);
  expectConnected(1);
}

TEST_F(Fleet, KeepsTheConflictOfTwoDeclaredObjectsWhateverASweepSees) {
  addDevice(1);
  apply();
  syncAll();
  api::BalenaDevice second = deviceOf(1);
  second.meta.key.name = "second";
  manifests_.devices[second.meta.key] = second;
  apply();
  reconcile(1);
  clock_.advance(10min);
  syncAll();
  for (const auto& each : store_.devicesByUuid(uuidOf(1))) {
    EXPECT_EQ(each->status.phase, Phase::kConflict) << each->meta.key.name;
  }
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

// ---- errors

TEST_F(Fleet, WithAnUnknownServiceGetsNoKeyAnywhere) {
  for (const std::string service : {"realy", "Relay", ""}) {
    fleetSpec().service = service;
    addDevice(1);
    apply();
    EXPECT_EQ(sweep(), 5min);
    reconcile(1);
    expectNothingWritten();
    EXPECT_EQ(fleetReady().reason, "Invalid");
    EXPECT_THAT(fleetReady().message, HasSubstr("it has: main, relay"));
    EXPECT_NE(findCondition(fleet()->status.conditions, "Stalled"), nullptr);
    EXPECT_EQ(phaseOf(1), Phase::kPending);
    EXPECT_THAT(readyOf(1).message, HasSubstr("no service"));
  }
  fleetSpec().service = "relay";
  apply();
  syncAll();
  EXPECT_EQ(phaseOf(1), Phase::kReady);
  EXPECT_EQ(findCondition(fleet()->status.conditions, "Stalled"), nullptr);
}

TEST_F(Fleet, ThatOwnsRegistrationsButListsNoDeviceIsNotBelieved) {
  addDevice(1);
  apply();
  syncAll();
  balena().removeDevice(uuidOf(1));
  clock_.advance(10min);
  sweep();
  EXPECT_EQ(fleetReady().reason, "Unavailable");
  EXPECT_THAT(fleetReady().message, HasSubstr("not believed"));
  EXPECT_EQ(phaseOf(1), Phase::kReady);
  EXPECT_EQ(fleet()->status.devices.stale, 0);
}

TEST_F(Fleet, ThatIsEmptyAndOwnsNothingIsFine) {
  apply();
  sweep();
  EXPECT_TRUE(fleetReady().status);
}

TEST_F(Fleet, WhoseIdHasChangedIsAnotherFleet) {
  addDevice(1);
  apply();
  syncAll();
  balena().addFleet(99, "acme/sensors", {"main", "relay"});
  balena().device(uuidOf(1)).fleetId = 99;
  clock_.advance(10min);
  sweep();
  EXPECT_EQ(fleetReady().reason, "Invalid");
  EXPECT_THAT(fleetReady().message, HasSubstr("has changed from 2000001 to 99"));
  EXPECT_EQ(fleet()->status.fleetId, kFleetId);
  EXPECT_THAT(takeQueued(), IsEmpty());
}

TEST_F(Fleet, ThatBalenaDoesNotKnowNeedsAPerson) {
  balena().removeFleet("acme/sensors");
  addDevice(1);
  apply();
  EXPECT_EQ(sweep(), 5min);
  EXPECT_EQ(fleetReady().reason, "NotFound");
  EXPECT_NE(findCondition(fleet()->status.conditions, "Stalled"), nullptr);
}

TEST_F(Fleet, WithoutItsSecretNeedsAPerson) {
  for (const std::string name : {"balena", "clearblade"}) {
    auto saved = secrets_[name];
    secrets_.erase(name);
    apply();
    sweep();
    EXPECT_EQ(fleetReady().reason, "NotFound");
    EXPECT_THAT(fleetReady().message, HasSubstr(name));
    secrets_[name] = saved;
  }
  apply();
  sweep();
  EXPECT_TRUE(fleetReady().status);
}

TEST_F(Fleet, TakesATokenWithoutTheLineBreakThatAFileHasAtItsEnd) {
  addSecret("balena", "token", "S3CRET-token\n");
  apply();
  sweep();
  EXPECT_EQ(factory_.lastToken(), "S3CRET-token");
}

TEST_F(Fleet, WithABadSeedNeedsAPerson) {
  // The second is the base64 of 24 bytes: 32 characters.
  for (const char* seed : {"S3CRET-too-short", "UzNDUkVUUzNDUkVUUzNDUkVUUzNDUkVU"}) {
    addSecret("bco-key-seed", "seed", seed);
    apply();
    sweep();
    EXPECT_EQ(fleetReady().reason, "Invalid") << seed;
    EXPECT_THAT(fleetReady().message, HasSubstr("openssl rand -base64 32"));
    EXPECT_THAT(fleetReady().message, testing::Not(HasSubstr(seed)));
  }
}

TEST_F(Fleet, IsNotJudgedWhenAnyListingFails) {
  addDevice(1);
  addDevice(2);
  apply();
  syncAll();
  balena().removeDevice(uuidOf(1));
  int failures = 0;
  for (const bool atBalena : {true, false}) {
    clock_.advance(10min);
    auto& log = atBalena ? balena().log() : registry().log();
    log.failNext(atBalena ? "listFleet" : "listRegistrations",
                 Error{ErrorCode::kUnavailable, "page 3 failed"});
    const auto next = sweep();
    EXPECT_LE(*next, 2s);
    EXPECT_EQ(fleet()->status.failureCount, ++failures);
    EXPECT_EQ(fleetReady().reason, "Unavailable");
    EXPECT_FALSE(findCondition(fleet()->status.conditions, "UpstreamAvailable")->status);
    EXPECT_EQ(phaseOf(1), Phase::kReady);
    EXPECT_THAT(takeQueued(), IsEmpty());
  }
  sweep();
  EXPECT_EQ(fleet()->status.failureCount, 0);
  EXPECT_EQ(phaseOf(1), Phase::kStale);
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

TEST_F(Fleet, ThatCantBeReadForAWhileChangesNothingAboutItsDevicesAndSaysSoOnce) {
  addDevice(1);
  deviceSpec(1).state = api::DesiredState::kAbsent;
  addDevice(2);
  deviceSpec(2).suspend = true;
  addDevice(3);
  registry().add({idOf(3), {}, {}});
  apply();
  syncAll();
  const std::vector<api::DeviceStatus> before = {object(1)->status, object(2)->status,
                                                 object(3)->status};
  EXPECT_EQ(before[0].phase, Phase::kAbsent);
  EXPECT_EQ(before[1].phase, Phase::kSuspended);
  EXPECT_EQ(before[2].phase, Phase::kConflict);
  for (const auto* message : {"balena's API is failing (503)", "it is not called for a while"}) {
    balena().log().failNext("getFleet", Error{ErrorCode::kUnavailable, message});
    sweep();
    EXPECT_THAT(std::string(fleetReady().message), HasSubstr(message));
  }
  for (int n = 1; n <= 3; ++n) {
    EXPECT_EQ(object(n)->status, before[static_cast<std::size_t>(n - 1)]) << n;
  }
  EXPECT_EQ(std::ranges::count(events_.seen(), "Warning Unavailable sensors"), 1);
  // What needs a person is told anew when it is something else that he has to do.
  balena().log().failNext("getFleet", Error{ErrorCode::kInvalid, "this"});
  sweep();
  balena().log().failNext("getFleet", Error{ErrorCode::kInvalid, "that"});
  sweep();
  EXPECT_EQ(std::ranges::count(events_.seen(), "Warning Invalid sensors"), 2);
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

TEST_F(Fleet, WhoWaitsForAListingOfTheRegistrySharesItsFailure) {
  apply();
  sweep();
  const auto view = registries_.view({"default", "main"});
  ASSERT_TRUE(view);
  clock_.advance(1h);
  const auto list = [&] { return registries_.listing(**view, clock_.now(), {}); };
  registry().log().forget();
  std::future<Result<std::shared_ptr<const RegistryListing>>> other;
  registry().log().failNext("listRegistrations", {ErrorCode::kDeadline, "silence"});
  registry().log().onCall([&](const std::string& call) {
    if (call != "listRegistrations" || other.valid()) return;
    const int before = clock_.waits();
    other = std::async(std::launch::async, list);
    while (clock_.waits() == before) std::this_thread::yield();
  });
  EXPECT_EQ(list().error().code, ErrorCode::kDeadline);
  EXPECT_EQ(other.get().error().code, ErrorCode::kDeadline);
  EXPECT_EQ(registry().log().count("listRegistrations"), 1);
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
