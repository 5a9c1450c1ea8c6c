// One device's way: observe, plan, apply, report, against clouds in memory.
#include <gmock/gmock.h>

#include "tests/controller/reconcile/world.h"

namespace bco {
namespace {

using namespace std::chrono_literals;
using api::Phase;
using test::idOf;
using test::uuidOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

class Device : public test::World {
 protected:
  // One device, provisioned.
  void provision(int n = 1) {
    addDevice(n);
    apply();
    syncAll();
    ASSERT_EQ(phaseOf(n), Phase::kReady) << readyOf(n).message;
    forgetCalls();
  }
  // As the cloud function left it: registered without a mark, everything stored.
  std::string preprovision(int n) {
    addDevice(n);
    const auto key = crypto::PrivateKey::generate();
    registry().add(
        {idOf(n), {{"ES256_PEM", key->publicKey().toPem(), std::nullopt}}, {{"site", "roof"}}});
    variables(n) = {
        {"GCP_CLIENT_PATH", "projects/p/locations/us-central1/registries/r/devices/" + idOf(n)},
        {"GCP_DATA_TOPIC_ROOT", "/devices/" + idOf(n)},
        {"GCP_PROJECT_ID", "p"},
        {"GCP_PRIVATE_KEY", std::string(toVariableValue(*key).reveal())}};
    return variables(n).at("GCP_PRIVATE_KEY");
  }
};

TEST_F(Device, IsProvisionedWithSixRequestsAlsoWhereNoListingTellsOfIt) {
  addDevice(1);
  apply();
  views_.set(test::kFleetKey, *fleets_.look(fleet()));
  forgetCalls();
  reconcile(1);
  EXPECT_EQ(requests(), 6);
  expectConnected(1);
}

TEST_F(Device, ThatSeemsNewAndIsNotIsFoundByTheCreate) {
  provision();
  variables(1).clear();
  RegistrySources unheard{context_, factory_,
                          shareSecret(SecretBytes(std::string(crypto::kSeedBytes, 'f')))};
  FleetSources fleets{context_, unheard, factory_};
  views_.set(test::kFleetKey, *fleets.look(fleet()));
  forgetCalls();
  converge(1);
  EXPECT_EQ(registry().log().calls(),
            (std::vector<std::string>{"createRegistration", "getRegistration"}));
  EXPECT_EQ(registry().size(), 1U);
  expectConnected(1);
}

TEST_F(Device, ThatWasReadAMomentAgoIsNotReadAgain) {
  addDevice(1);
  apply();
  views_.set(test::kFleetKey, *fleets_.look(fleet()));
  const auto read = [&] { return *balena().getDevice(uuidOf(1)); };
  views_.earlyReads().put(test::kFleetKey, uuidOf(1), {read(), clock_.steadyNow()});
  clock_.advance(EarlyReads::kLongest);
  forgetCalls();
  reconcile(1);
  EXPECT_EQ(balena().log().count("getDevice"), 0);
  expectConnected(1);
  forgetCalls();
  reconcile(1);
  EXPECT_EQ(balena().log().count("getDevice"), 1) << "it was for one pass";
  views_.earlyReads().put(test::kFleetKey, uuidOf(1), {read(), clock_.steadyNow()});
  clock_.advance(EarlyReads::kLongest + 1ms);
  forgetCalls();
  reconcile(1);
  EXPECT_EQ(balena().log().count("getDevice"), 1) << "it was too old";
}

TEST_F(Device, SaysWhetherAPassHasDeliveredItsKey) {
  addDevice(1);
  apply();
  syncAll();
  const auto reason = [&] {
    return std::string(findCondition(object(1)->status.conditions, "CredentialValid")->reason);
  };
  EXPECT_EQ(reason(), "Delivered");
  reconcile(1);
  EXPECT_EQ(reason(), "Registered");
}

TEST_F(Device, IsProvisionedWithSixRequests) {
  addDevice(1);
  apply();
  sweep();
  EXPECT_THAT(takeQueued(), ElementsAre(uuidOf(1)));
  forgetCalls();
  const auto next = reconcile(1);
  EXPECT_EQ(requests(), 6);
  EXPECT_THAT(balena().log().calls(),
              ElementsAre("getDevice", "write GCP_CLIENT_PATH", "write GCP_DATA_TOPIC_ROOT",
                          "write GCP_PROJECT_ID", "write GCP_PRIVATE_KEY"));
  EXPECT_THAT(registry().log().calls(), ElementsAre("createRegistration"));
  expectConnected(1);
  EXPECT_EQ(next, spread(24h, uuidOf(1)));
  const api::DeviceStatus status = object(1)->status;
  EXPECT_EQ(status.phase, Phase::kReady);
  EXPECT_EQ(status.observedGeneration, 1);
  EXPECT_EQ(status.deviceName, balena().device(uuidOf(1)).name);
  EXPECT_EQ(status.registration,
            "projects/p/locations/us-central1/registries/r/devices/" + idOf(1));
  ASSERT_TRUE(status.key);
  EXPECT_THAT(status.key->fingerprint, HasSubstr("sha256:"));
  EXPECT_EQ(status.key->generation, 0U);
  EXPECT_EQ(status.key->issuedAt, clock_.now());
  EXPECT_EQ(status.key->expiresAt, clock_.now() + 2160h);
  EXPECT_EQ(status.key->verifiedAt, clock_.now());
  EXPECT_EQ(status.key->rotateAt, rotateAt(clock_.now(), api::KeyPolicy{}, uuidOf(1)));
  EXPECT_EQ(readyOf(1).reason, "Synced");
}

TEST_F(Device, GetsItsFinalizerBeforeTheFirstWriteAndNotBefore) {
  addDevice(1);
  apply();
  sweep();
  int watched = 0;
  registry().log().onCall([&](const std::string& call) {
    if (call != "createRegistration") return;
    ++watched;
    EXPECT_TRUE(object(1)->meta.hasFinalizer());
  });
  balena().log().onCall([&](const std::string& call) {
    EXPECT_EQ(object(1)->meta.hasFinalizer(), call != "getDevice") << call;
  });
  reconcile(1);
  EXPECT_EQ(watched, 1);
}

TEST_F(Device, ThatIsDeletedBeforeItHasItsFinalizerIsNotWrittenToAnyCloud) {
  addDevice(1);
  apply();
  sweep();
  balena().log().onCall([this](const std::string& call) {
    const auto seen = object(1);
    if (call != "getDevice" || seen == nullptr) return;
    ASSERT_TRUE(store_.devices().remove(seen->meta.key, seen->meta.uid));
  });
  EXPECT_EQ(reconcile(1), 0s) << "to see what has become of it";
  EXPECT_EQ(reconcile(1), std::nullopt);
  EXPECT_EQ(writes(), 0);
  EXPECT_EQ(registry().size(), 0U);
  EXPECT_EQ(tally_.counts().total, 0);
}

TEST_F(Device, ThatIsDeletedWhileItIsLookedAtIsNotRegisteredAgain) {
  fleetSpec().deletionPolicy = api::DeletionPolicy::kDelete;
  provision();
  registry().remove(idOf(1));
  balena().log().onCall([this](const std::string& call) {
    const auto seen = object(1);
    if (call != "getDevice" || seen == nullptr) return;
    ASSERT_TRUE(store_.devices().remove(seen->meta.key, seen->meta.uid));
  });
  reconcile(1);
  EXPECT_EQ(registry().log().count("createRegistration"), 0);
  converge(1);
  EXPECT_EQ(object(1), nullptr);
  EXPECT_EQ(registry().size(), 0U);
}

TEST_F(Device, StaysUntouchedOnceInSync) {
  provision();
  syncAll();
  EXPECT_EQ(reconcile(1), spread(24h, uuidOf(1)));
  EXPECT_EQ(writes(), 0);
}

TEST_F(Device, GetsTheSameKeyAgainWhenItsVariableIsLost) {
  provision();
  const std::string key = variables(1).at("GCP_PRIVATE_KEY");
  variables(1).erase("GCP_PRIVATE_KEY");
  clock_.advance(10min);
  syncAll();
  EXPECT_EQ(variables(1).at("GCP_PRIVATE_KEY"), key);
  EXPECT_EQ(writes(), 1);
  expectConnected(1);
}

TEST_F(Device, GetsItsKeyBackWhenSomebodyStoredAnother) {
  provision();
  const std::string key = variables(1).at("GCP_PRIVATE_KEY");
  const auto stranger = crypto::PrivateKey::generate();
  variables(1)["GCP_PRIVATE_KEY"] = std::string(toVariableValue(*stranger).reveal());
  reconcile(1);
  EXPECT_EQ(variables(1).at("GCP_PRIVATE_KEY"), key);
  EXPECT_THAT(registry().log().calls(), Not(Contains("patchRegistration")));
}

TEST_F(Device, GetsANewKeyWhenTheSeedHasChanged) {
  provision();
  clock_.advance(2h);
  addSecret("bco-key-seed", "seed", std::string(crypto::kSeedBytes, '!'));
  apply();
  variables(1).erase("GCP_PRIVATE_KEY");
  syncAll();
  expectConnected(1);
  EXPECT_EQ(object(1)->status.key->generation, 1U);
  EXPECT_EQ(registry().at(idOf(1)).credentials.size(), 2U) << "the old one until it expires";
}

TEST_F(Device, IsRegisteredAgainWhenSomebodyDeletedItsRegistration) {
  provision();
  const std::string key = variables(1).at("GCP_PRIVATE_KEY");
  registry().remove(idOf(1));
  clock_.advance(10min);
  syncAll();
  converge(1);
  expectConnected(1);
  EXPECT_NE(variables(1).at("GCP_PRIVATE_KEY"), key) << "each registration has its own incarnation";
}

TEST_F(Device, GetsItsVariablesOnTheServiceAndNowhereElse) {
  fleetSpec().service = "relay";
  addDevice(1);
  apply();
  syncAll();
  EXPECT_EQ(phaseOf(1), Phase::kReady) << readyOf(1).message;
  EXPECT_THAT(variables(1), IsEmpty());
  auto& row = balena().device(uuidOf(1));
  EXPECT_THAT(row.installVariables[row.installs.at(test::kFleetId + 1)], IsEmpty());
  expectConnected(1, row.installVariables[row.installs.at(test::kFleetId + 2)]);
}

TEST_F(Device, WaitsForItsServiceToBeInstalled) {
  fleetSpec().service = "relay";
  addDevice(1);
  balena().device(uuidOf(1)).installs.clear();
  apply();
  syncAll();
  EXPECT_EQ(phaseOf(1), Phase::kWaiting);
  EXPECT_EQ(readyOf(1).reason, "ServiceNotInstalled");
  EXPECT_EQ(writes(), 0);
}

// ---- adoption

TEST_F(Device, IsAdoptedByItsMetadataAlone) {
  const std::string key = preprovision(1);
  apply();
  syncAll();
  EXPECT_EQ(phaseOf(1), Phase::kReady) << readyOf(1).message;
  EXPECT_EQ(writes(), 1);
  EXPECT_EQ(variables(1).at("GCP_PRIVATE_KEY"), key);
  EXPECT_EQ(registry().at(idOf(1)).credentials.size(), 1U);
  EXPECT_THAT(registry().at(idOf(1)).metadata, Contains(Pair("site", "roof")));
  expectConnected(1);
  ASSERT_TRUE(object(1)->status.key);
  EXPECT_EQ(object(1)->status.key->issuedAt,
            adoptedIssueTime(clock_.now(), api::KeyPolicy{}, uuidOf(1)));
  EXPECT_TRUE(object(1)->status.key->rotateAt);
  forgetCalls();
  clock_.advance(10min);
  syncAll();
  EXPECT_EQ(writes(), 0);
}

TEST_F(Device, IsNotAdoptedWithoutItsKeyUnlessAlways) {
  preprovision(1);
  variables(1).erase("GCP_PRIVATE_KEY");
  apply();
  syncAll();
  EXPECT_EQ(phaseOf(1), Phase::kConflict);
  EXPECT_EQ(readyOf(1).reason, "KeyMismatch");
  EXPECT_EQ(writes(), 0);
  deviceSpec(1).adoption = api::Adoption::kAlways;
  apply();
  syncAll();
  EXPECT_EQ(phaseOf(1), Phase::kReady) << readyOf(1).message;
  expectConnected(1);
  EXPECT_EQ(registry().at(idOf(1)).credentials.size(), 2U);
}

// ---- removal

TEST_F(Device, IsDeprovisionedWhenAbsentIsDesiredAndProvisionedAgainAfterwards) {
  provision();
  deviceSpec(1).state = api::DesiredState::kAbsent;
  apply();
  reconcile(1);
  EXPECT_EQ(phaseOf(1), Phase::kAbsent);
  EXPECT_EQ(registry().size(), 0U);
  EXPECT_THAT(variables(1), IsEmpty());
  EXPECT_FALSE(object(1)->status.key);
  EXPECT_EQ(object(1)->status.registration, "");
  forgetCalls();
  clock_.advance(10min);
  syncAll();
  EXPECT_EQ(writes(), 0);

  deviceSpec(1).state = api::DesiredState::kPresent;
  apply();
  balena().log().failNext("getDevice", Error{ErrorCode::kUnavailable, "down"});
  reconcile(1);
  EXPECT_EQ(reconcile(1), 65min) << "a late request of the removal may still land";
  expectConnected(1);
}

TEST_F(Device, DeletedGoesAccordingToItsPolicy) {
  for (const auto policy : {api::DeletionPolicy::kRetain, api::DeletionPolicy::kDelete}) {
    const int n = policy == api::DeletionPolicy::kRetain ? 1 : 2;
    addDevice(n);
    deviceSpec(n).deletionPolicy = policy;
    apply();
    syncAll();
    ASSERT_EQ(phaseOf(n), Phase::kReady);
    const auto meta = object(n)->meta;
    ASSERT_TRUE(store_.devices().remove(meta.key, meta.uid));
    EXPECT_EQ(reconcile(n), std::nullopt);
    EXPECT_EQ(object(n), nullptr) << "nobody brings it back for another pass";
    EXPECT_EQ(registry().has(idOf(n)), policy == api::DeletionPolicy::kRetain);
    EXPECT_EQ(variables(n).empty(), policy == api::DeletionPolicy::kDelete);
  }
}

TEST_F(Device, DeletedWithDeleteGoesEvenIfItsRegistrationIsNotOurs) {
  provision();
  deviceSpec(1).deletionPolicy = api::DeletionPolicy::kDelete;
  apply();
  registry().at(idOf(1)).metadata["bco-owner"] = "site-b";
  const auto meta = object(1)->meta;
  ASSERT_TRUE(store_.devices().remove(meta.key, meta.uid));
  reconcile(1);
  EXPECT_EQ(object(1), nullptr);
  EXPECT_EQ(writes(), 0);
}

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

// ---- modes

TEST_F(Device, IsOnlyLookedAtInObserveMode) {
  fleetSpec().mode = api::Mode::kObserve;
  addDevice(1);
  apply();
  syncAll();
  EXPECT_EQ(writes(), 0);
  EXPECT_EQ(phaseOf(1), Phase::kPending);
  EXPECT_EQ(readyOf(1).reason, "NotRegistered");
  EXPECT_THAT(readyOf(1).message, HasSubstr("would create registration"));
  EXPECT_FALSE(object(1)->meta.hasFinalizer());
}

TEST_F(Device, IsNeitherReadNorWrittenWhileSuspended) {
  addDevice(1);
  deviceSpec(1).suspend = true;
  apply();
  sweep();
  forgetCalls();
  EXPECT_EQ(reconcile(1), std::nullopt);
  EXPECT_EQ(requests(), 0);
  EXPECT_EQ(phaseOf(1), Phase::kSuspended);
  deviceSpec(1).suspend = false;
  apply();
  reconcile(1);
  EXPECT_EQ(phaseOf(1), Phase::kReady);
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

TEST_F(Device, ShowsABlockedRegistrationAndLeavesItBlocked) {
  provision();
  registry().at(idOf(1)).blocked = true;
  reconcile(1);
  EXPECT_NE(findCondition(object(1)->status.conditions, "Blocked"), nullptr);
  EXPECT_EQ(writes(), 0);
  registry().at(idOf(1)).blocked = false;
  reconcile(1);
  EXPECT_EQ(findCondition(object(1)->status.conditions, "Blocked"), nullptr);
}

TEST_F(Device, ThatIsBoundToAGatewaySaysSoUntilItIsUnboundAndRemoved) {
  provision();
  deviceSpec(1).state = api::DesiredState::kAbsent;
  apply();
  Error bound{ErrorCode::kInvalid, "bound"};
  bound.reason = clearblade::kBoundToGateway;
  registry().log().failNext("deleteRegistration", bound);
  ASSERT_TRUE(reconcile(1)) << "it comes again by itself";
  const auto condition = [&]() -> std::optional<api::Condition> {
    const auto seen = object(1);
    const auto* found = findCondition(seen->status.conditions, "BoundToGateway");
    return found == nullptr ? std::nullopt : std::optional(*found);
  };
  ASSERT_TRUE(condition());
  EXPECT_THAT(condition()->message, HasSubstr("unbind"));
  EXPECT_EQ(readyOf(1).reason, "BoundToGateway");
  EXPECT_NE(findCondition(object(1)->status.conditions, "Stalled"), nullptr);
  // Not known to be so any more, and not known not to be.
  balena().log().failNext("getDevice", Error{ErrorCode::kUnavailable, "down"});
  reconcile(1);
  EXPECT_TRUE(condition());
  converge(1);
  EXPECT_FALSE(condition());
  EXPECT_EQ(phaseOf(1), Phase::kAbsent);
}

TEST_F(Device, TellsWhenItWasLastSeenAlongWithAnotherChangeAlone) {
  provision();
  const auto first = clock_.now();
  registry().at(idOf(1)).lastSeen = first;
  clock_.advance(1s);
  reconcile(1);
  EXPECT_EQ(object(1)->status.lastSeen, first) << "along with verifiedAt";
  registry().at(idOf(1)).metadata.clear();
  deviceSpec(1).adoption = api::Adoption::kNever;
  apply();
  reconcile(1);
  ASSERT_EQ(phaseOf(1), Phase::kConflict);
  registry().at(idOf(1)).lastSeen = clock_.now();
  clock_.advance(1h);
  reconcile(1);
  EXPECT_EQ(object(1)->status.lastSeen, first) << "nothing else has changed";
}

TEST_F(Device, DoesNotActOnWhatItObservedTooLongAgo) {
  addDevice(1);
  apply();
  sweep();
  registry().log().onCall([&](const std::string& call) {
    if (call == "createRegistration") clock_.advance(5min);
  });
  reconcile(1);
  EXPECT_EQ(phaseOf(1), Phase::kPending);
  EXPECT_THAT(variables(1), IsEmpty());
  registry().log().onCall({});
  converge(1);
  expectConnected(1);
}

TEST_F(Device, PreviewWritesNothing) {
  addDevice(1);
  apply();
  sweep();
  forgetCalls();
  const Pass pass = reconciler_.preview(*object(1));
  EXPECT_EQ(pass.plan.reason, Reason::kNotRegistered);
  EXPECT_EQ(writes(), 0);
  EXPECT_EQ(object(1)->status.observedGeneration, -1);
}

TEST_F(Device, NeverLogsAKeyOrAToken) {
  provision();
  variables(1).erase("GCP_PRIVATE_KEY");
  reconcile(1);
  EXPECT_THAT(logged_.str(), Not(HasSubstr(variables(1).at("GCP_PRIVATE_KEY").substr(0, 60))));
  EXPECT_THAT(logged_.str(), Not(HasSubstr("S3CRET")));
  EXPECT_THAT(logged_.str(), HasSubstr(uuidOf(1)));
}

// ---- an error at each call

struct Strike {
  const char* name;
  bool atBalena;
  const char* call;
};
class Faulty : public Device,
               public testing::WithParamInterface<std::tuple<Strike, test::Moment, ErrorCode>> {
 protected:
  void strike() {
    const auto& [at, moment, code] = GetParam();
    auto& log = at.atBalena ? balena().log() : registry().log();
    log.failNext(at.call, Error{code, "struck", std::nullopt, true}, moment);
  }
};

TEST_P(Faulty, ProvisioningConvergesToOneRegistrationWithTheStoredKey) {
  addDevice(1);
  apply();
  sweep();
  strike();
  converge(1);
  EXPECT_EQ(phaseOf(1), Phase::kReady);
  EXPECT_EQ(registry().size(), 1U);
  EXPECT_EQ(registry().at(idOf(1)).credentials.size(), 1U);
  expectConnected(1);
  forgetCalls();
  clock_.advance(10min);
  syncAll();
  reconcile(1);
  EXPECT_EQ(writes(), 0);
}

TEST_P(Faulty, RepairConverges) {
  provision();
  registry().at(idOf(1)).credentials.clear();
  variables(1) = {{"GCP_PRIVATE_KEY", "nonsense"}};
  strike();
  converge(1);
  EXPECT_EQ(phaseOf(1), Phase::kReady);
  expectConnected(1);
}

TEST_P(Faulty, RemovalConverges) {
  provision();
  deviceSpec(1).state = api::DesiredState::kAbsent;
  apply();
  strike();
  converge(1);
  EXPECT_EQ(phaseOf(1), Phase::kAbsent);
  EXPECT_EQ(registry().size(), 0U);
  EXPECT_THAT(variables(1), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    EveryCall, Faulty,
    testing::Combine(testing::Values(Strike{"GetDevice", true, "getDevice"},
                                     Strike{"GetRegistration", false, "getRegistration"},
                                     Strike{"Create", false, "createRegistration"},
                                     Strike{"Patch", false, "patchRegistration"},
                                     Strike{"DeleteRegistration", false, "deleteRegistration"},
                                     Strike{"WritePath", true, "write GCP_CLIENT_PATH"},
                                     Strike{"WriteKey", true, "write GCP_PRIVATE_KEY"},
                                     Strike{"DeleteVariables", true, "deleteVariables"}),
                     testing::Values(test::Moment::kBefore, test::Moment::kAfter),
                     testing::Values(ErrorCode::kUnavailable, ErrorCode::kDeadline,
                                     ErrorCode::kConflict, ErrorCode::kThrottled,
                                     ErrorCode::kUnauthenticated)),
    [](const auto& each) {
      return std::string(std::get<0>(each.param).name) +
             (std::get<1>(each.param) == test::Moment::kBefore ? "Before" : "After") +
             std::string(traitsOf(std::get<2>(each.param)).reason);
    });

TEST_F(Device, WaitsLongerTheMoreOftenItFails) {
  addDevice(1);
  apply();
  sweep();
  registry().log().failAll(Error{ErrorCode::kUnavailable, "down"});
  Duration longest{0};
  for (int i = 1; i <= 12; ++i) {
    const auto next = reconcile(1);
    ASSERT_TRUE(next);
    EXPECT_GE(*next, 500ms);
    EXPECT_LE(*next, std::min<Duration>(5min, 1s * (1 << (i - 1))));
    EXPECT_EQ(object(1)->status.failureCount, i);
    longest = std::max(longest, *next);
  }
  EXPECT_GT(longest, 30s);
  EXPECT_EQ(phaseOf(1), Phase::kFailed);
  EXPECT_EQ(readyOf(1).reason, "Unavailable");
  registry().log().failAll(std::nullopt);
  converge(1);
  EXPECT_EQ(object(1)->status.failureCount, 0);
}

TEST_F(Device, WaitsAsLongAsItIsAskedTo) {
  addDevice(1);
  apply();
  sweep();
  balena().log().failNext("getDevice", Error{ErrorCode::kThrottled, "slow down", 100s});
  EXPECT_GE(*reconcile(1), 100s);
}

TEST_F(Device, ThatIsReadyStaysReadyWhileItCantBeRead) {
  provision();
  balena().log().failNext("getDevice", Error{ErrorCode::kUnavailable, "down"});
  reconcile(1);
  EXPECT_EQ(phaseOf(1), Phase::kReady);
  EXPECT_EQ(object(1)->status.failureCount, 1);
}

TEST_F(Device, WaitsForItsFleet) {
  addDevice(1);
  apply();
  EXPECT_EQ(reconcile(1), std::nullopt);
  EXPECT_EQ(object(1)->status.observedGeneration, -1) << "nothing is known yet";
  EXPECT_EQ(requests(), 0);
}

TEST_F(Device, ThatFailedInAnEarlierProcessComesBackWithTheFirstSweepOfItsFleet) {
  addDevice(1);
  apply();
  api::DeviceStatus failed;
  failed.observedGeneration = object(1)->meta.generation;
  failed.phase = Phase::kFailed;
  failed.failureCount = 1;
  ASSERT_TRUE(store_.devices().setStatus(object(1)->meta.key, object(1)->meta.uid, failed));
  balena().log().failNext("getFleet", Error{ErrorCode::kUnavailable, "down"});
  sweep();
  EXPECT_EQ(takeQueued().size(), 0U);
  sweep();
  EXPECT_EQ(takeQueued().size(), 1U);
  sweep();
  EXPECT_EQ(takeQueued().size(), 0U) << "it has its own time now";
}

TEST_F(Device, WaitsForTheSweepOfAFleetThatHasChanged) {
  addDevice(1);
  apply();
  sweep();
  fleetSpec().keys.lifetime += 1h;
  apply();
  forgetCalls();
  EXPECT_EQ(reconcile(1), fleetSpec().syncInterval);
  EXPECT_EQ(requests(), 0);
  sweep();
  reconcile(1);
  expectConnected(1);
}

TEST_F(Device, ThatNobodyDesiresIsLeftAlone) {
  apply();
  EXPECT_EQ(reconcile(7), std::nullopt);
  EXPECT_EQ(requests(), 0);
}

}  // namespace
}  // namespace bco
