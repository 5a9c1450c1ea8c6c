// Which of several objects or fleets looks after a device.
#include <gmock/gmock.h>

#include "tests/controller/reconcile/device_world.h"

namespace bco {
namespace {

using namespace std::chrono_literals;
using api::Phase;
using test::Device;
using test::idOf;
using test::uuidOf;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(Device, DeletedLeavesTheDeviceToAnObjectThatStillDesiresIt) {
  provision();
  deviceSpec(1).deletionPolicy = api::DeletionPolicy::kDelete;
  for (const std::string name : {"a-second", "z-second"}) {
    api::BalenaDevice second = deviceOf(1);
    second.meta.key.name = name;
    manifests_.devices[second.meta.key] = second;
    apply();
    reconcile(1);
    EXPECT_EQ(phaseOf(1), Phase::kConflict);
    EXPECT_EQ(readyOf(1).reason, "DuplicateObject");
    // The user keeps the new one.
    const auto first = store_.devices().get({"default", "gate-1"})->meta;
    ASSERT_TRUE(store_.devices().setFinalizer(first.key, first.uid, true));
    ASSERT_TRUE(store_.devices().remove(first.key, first.uid));
    reconcile(1);
    EXPECT_EQ(store_.devices().get(first.key), nullptr);
    EXPECT_EQ(phaseOf(1), Phase::kReady);
    EXPECT_EQ(writes(), 0);
    expectConnected(1);
    manifests_.devices.erase(second.meta.key);
    apply();
  }
}

// ---- fleets of ours

TEST_F(Device, IsTakenOverByTheFleetItMovedTo) {
  provision();
  const std::string key = variables(1).at("GCP_PRIVATE_KEY");
  manifests_.fleets[test::kOtherFleetKey] = fleetNamed("gateways", "acme/gateways");
  apply();
  sweep(test::kOtherFleetKey);
  balena().device(uuidOf(1)).fleetId = test::kOtherFleetId;
  forgetCalls();
  reconcile(1);
  EXPECT_EQ(readyOf(1).reason, "MovedToAnotherFleet");
  EXPECT_EQ(writes(), 0);
  deviceSpec(1).fleet = "gateways";
  apply();
  EXPECT_EQ(reconcile(1), 0s);
  EXPECT_EQ(readMark(registry().at(idOf(1)).metadata).mark.fleetId, test::kOtherFleetId);
  EXPECT_EQ(phaseOf(1), Phase::kPending);
  reconcile(1);
  EXPECT_EQ(phaseOf(1), Phase::kReady);
  EXPECT_EQ(writes(), 1);
  EXPECT_EQ(variables(1).at("GCP_PRIVATE_KEY"), key);
  expectConnected(1);
}

TEST_F(Device, IsLookedAfterByTheFleetThatListsItWhateverItsObjectSays) {
  provision();
  manifests_.fleets[test::kOtherFleetKey] = fleetNamed("gateways", "acme/gateways");
  manifests_.fleets[test::kOtherFleetKey].spec.devices = api::DeviceSource::kAll;
  apply();
  balena().device(uuidOf(1)).fleetId = test::kOtherFleetId;
  clock_.advance(10min);
  syncAll(test::kOtherFleetKey);
  reconcile(1);
  EXPECT_EQ(readMark(registry().at(idOf(1)).metadata).mark.fleetId, test::kOtherFleetId);
  const auto objects = store_.devicesByUuid(uuidOf(1));
  ASSERT_EQ(objects.size(), 2U);
  for (const auto& each : objects) {
    const auto* ready = findCondition(each->status.conditions, "Ready");
    EXPECT_EQ(ready->reason, each->meta.isDiscovered() ? "Synced" : "MovedToAnotherFleet");
  }
  expectConnected(1);
}

TEST_F(Device, ThatHasMovedHereIsRemovedThoughTheOtherFleetsMarkIsStillOnIt) {
  provision();
  manifests_.fleets[test::kOtherFleetKey] = fleetNamed("gateways", "acme/gateways");
  manifests_.devices.clear();
  declare(1, "gateways");
  deviceSpec(1).state = api::DesiredState::kAbsent;
  balena().device(uuidOf(1)).fleetId = test::kOtherFleetId;
  apply();
  sweep(test::kOtherFleetKey);
  reconcile(1);
  EXPECT_EQ(phaseOf(1), Phase::kAbsent) << readyOf(1).message;
  EXPECT_EQ(registry().size(), 0U);
  EXPECT_THAT(variables(1), IsEmpty());
}

// ---- namespaces

TEST_F(Device, IsNoBusinessOfAnotherNamespacesObjects) {
  provision();
  // Somebody elsewhere declares the same device, of a fleet of his.
  const auto inSpace = [](auto object, const std::string& name) {
    object.meta.key = {"elsewhere", name};
    return object;
  };
  manifests_.fleets[{"elsewhere", "sensors"}] =
      inSpace(fleetNamed("sensors", "acme/gateways"), "sensors");
  manifests_.devices[{"elsewhere", "a"}] = inSpace(deviceOf(1), "a");
  apply();
  reconcile(1);
  EXPECT_EQ(phaseOf(1), Phase::kReady) << readyOf(1).message;
  clock_.advance(10min);
  forgetCalls();
  sweep();
  EXPECT_THAT(takeQueued(), IsEmpty()) << "nor is it looked at more often";

  // His deleted object is not let go because this one desires the device.
  const auto his = store_.devices().get({"elsewhere", "a"})->meta;
  EXPECT_FALSE(his.hasFinalizer()) << "it has written nothing";
  // And this one goes by its own policy.
  deviceSpec(1).deletionPolicy = api::DeletionPolicy::kDelete;
  apply();
  const auto ours = store_.devices().get({"default", "gate-1"})->meta;
  ASSERT_TRUE(store_.devices().remove(ours.key, ours.uid));
  reconcile(1);
  EXPECT_EQ(store_.devices().get(ours.key), nullptr);
  EXPECT_EQ(registry().size(), 0U);
}

// Somebody elsewhere desires the same device of the same fleet, in a registry of his.
class Rivals : public Device {
 protected:
  static constexpr auto kElsewhere = "elsewhere";

  void declareElsewhere(int n, const std::string& space = kElsewhere) {
    const auto put = [&](auto& objects, auto object) {
      object.meta.key.space = space;
      objects[object.meta.key] = std::move(object);
    };
    auto registry = manifests_.registries.at({"default", "main"});
    registry.spec.registry = "theirs";
    put(manifests_.registries, std::move(registry));
    put(manifests_.fleets, fleetNamed(test::kFleetKey.name, "acme/sensors"));
    put(manifests_.devices, deviceOf(n));
    theirSpace_ = space;
    apply();
  }
  void apply() {
    api::Manifests copy;
    copy.registries = manifests_.registries;
    copy.fleets = manifests_.fleets;
    copy.devices = manifests_.devices;
    for (const auto& space : {std::string("default"), theirSpace_}) {
      for (const auto& [name, values] : secrets_) {
        api::Secret& secret = copy.secrets[{space, name}];
        for (const auto& [key, value] : values) secret.values[key] = SecretBytes(value);
      }
    }
    store_.apply(std::move(copy));
  }
  void expectTheFirstHasTheSayOver(const std::string& space) {
    provision();
    declareElsewhere(1, space);
    sweep({space, test::kFleetKey.name});
    clock_.advance(10min);
    sweep();
    forgetCalls();
    for (int pass = 0; pass < 3; ++pass) reconcile(1);
    EXPECT_EQ(writes(), 0);
    EXPECT_EQ(theirs(1)->status.phase, Phase::kConflict);
    const auto theirObject = theirs(1);
    const auto* ready = findCondition(theirObject->status.conditions, "Ready");
    ASSERT_NE(ready, nullptr);
    EXPECT_EQ(ready->reason, "DuplicateObject");
    EXPECT_THAT(std::string(ready->message), HasSubstr("default/gate-1"));
    EXPECT_FALSE(theirs(1)->meta.hasFinalizer());
    EXPECT_EQ(store_.devices().get({"default", "gate-1"})->status.phase, Phase::kReady);
    expectConnected(1);
  }
  store::Shared<api::BalenaDevice> theirs(int n) {
    return store_.devices().get({theirSpace_, "gate-" + std::to_string(n)});
  }
  std::string theirSpace_ = kElsewhere;
};

// Whatever the order of their names.
TEST_F(Rivals, WhoWasFirstLooksAfterTheDeviceAndTheOtherSaysSo) {
  expectTheFirstHasTheSayOver("a-namespace");
}

TEST_F(Rivals, WhoWasFirstLooksAfterTheDeviceThoughTheOthersNameComesLater) {
  expectTheFirstHasTheSayOver("z-namespace");
}

TEST_F(Rivals, TheOtherTakesItsPlaceWhenItHasGone) {
  provision();
  declareElsewhere(1);
  sweep({kElsewhere, test::kFleetKey.name});
  reconcile(1);
  ASSERT_EQ(theirs(1)->status.phase, Phase::kConflict);
  manifests_.devices.erase({"default", "gate-1"});
  apply();
  reconcile(1);
  EXPECT_EQ(theirs(1)->status.phase, Phase::kReady);
  EXPECT_EQ(variables(1).at("GCP_CLIENT_PATH"),
            "projects/p/locations/us-central1/registries/theirs/devices/" + idOf(1));
}

TEST_F(Rivals, TheOtherGoesWithoutRemovingWhatIsNotItsOwn) {
  provision();
  declareElsewhere(1);
  manifests_.devices.at({kElsewhere, "gate-1"}).spec.deletionPolicy = api::DeletionPolicy::kDelete;
  apply();
  sweep({kElsewhere, test::kFleetKey.name});
  reconcile(1);
  const auto meta = theirs(1)->meta;
  ASSERT_TRUE(store_.devices().setFinalizer(meta.key, meta.uid, true));
  // As an earlier version has left it: both hold the device, and the first by name has the say.
  ASSERT_TRUE(store_.devices().remove(meta.key, meta.uid));
  forgetCalls();
  reconcile(1);
  EXPECT_EQ(store_.devices().get(meta.key), nullptr);
  EXPECT_EQ(writes(), 0);
  expectConnected(1);
}

TEST_F(Device, ObeysTheDeclaredObjectWhereADiscoveredOneIsLeft) {
  provision();
  api::BalenaDevice discovered = deviceOf(1);
  discovered.meta.key.name = "a-discovered";  // before the declared one in order of name
  discovered.meta.labels.emplace(api::kDiscoveredLabel, "true");
  ASSERT_TRUE(store_.devices().create(discovered));
  deviceSpec(1).state = api::DesiredState::kAbsent;
  apply();
  reconcile(1);
  EXPECT_EQ(registry().size(), 0U);
}

}  // namespace
}  // namespace bco
