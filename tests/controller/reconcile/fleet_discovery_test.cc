// The devices that a fleet discovers: their objects come, follow and go.
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
using testing::IsEmpty;

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

}  // namespace
}  // namespace bco
