#include "store/memory_store.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/fake_clock.h"

namespace bco::store {
namespace {

using namespace std::chrono_literals;
using api::BalenaDevice;
using testing::ElementsAre;
using testing::IsEmpty;

const std::string kUuid = "7cf02a69e4d34c9da573914963cf54fd";
const std::string kOtherUuid = "aaf02a69e4d34c9da573914963cf54fd";

BalenaDevice deviceNamed(const std::string& name, const std::string& uuid = kUuid) {
  BalenaDevice device;
  device.meta.key.name = name;
  device.spec.uuid = uuid;
  device.spec.fleet = "sensors";
  return device;
}

class MemoryStoreTest : public testing::Test {
 protected:
  MemoryStoreTest() {
    store_.onChange([this](const Change& change) {
      seen_.push_back(std::string(nameOf(change.kind)) + " " + change.key.name +
                      (change.uuid.empty() ? "" : " " + change.uuid.substr(0, 2)));
      // Not under a lock: the listener may look.
      existedWhenSeen_ = devices().get(change.key) != nullptr;
    });
  }

  Collection<BalenaDevice>& devices() { return store_.devices(); }
  Shared<BalenaDevice> device(const std::string& name) { return devices().get({"default", name}); }
  std::string uidOf(const std::string& name) { return device(name)->meta.uid; }
  std::vector<std::string> takeSeen() { return std::exchange(seen_, {}); }

  api::Manifests manifests(std::initializer_list<BalenaDevice> wanted) {
    api::Manifests made;
    for (const auto& each : wanted) made.devices.emplace(each.meta.key, each);
    return made;
  }

  bco::test::FakeClock clock_;
  MemoryStore store_{clock_, {}};
  std::vector<std::string> seen_;
  bool existedWhenSeen_ = false;
};

// ---- one collection

TEST_F(MemoryStoreTest, GivesANewObjectIdentityAndFirstGeneration) {
  BalenaDevice forged = deviceNamed("a");
  forged.meta.uid = "mine";
  forged.meta.generation = 9;
  forged.meta.deletedAt = clock_.now();
  ASSERT_TRUE(devices().create(forged));
  EXPECT_FALSE(uidOf("a").empty());
  EXPECT_NE(uidOf("a"), "mine");
  EXPECT_EQ(device("a")->meta.generation, 1);
  EXPECT_EQ(device("a")->meta.deletedAt, std::nullopt);
  EXPECT_EQ(device("a")->status.observedGeneration, -1);
  EXPECT_THAT(takeSeen(), ElementsAre("BalenaDevice a 7c"));
  EXPECT_TRUE(existedWhenSeen_);
}

TEST_F(MemoryStoreTest, RefusesASecondObjectOfOneName) {
  ASSERT_TRUE(devices().create(deviceNamed("a")));
  EXPECT_EQ(devices().create(deviceNamed("a", kOtherUuid)).error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(device("a")->spec.uuid, kUuid);
}

TEST_F(MemoryStoreTest, GivesASuccessorOfTheSameNameAnotherIdentity) {
  ASSERT_TRUE(devices().create(deviceNamed("a")));
  const std::string first = uidOf("a");
  ASSERT_TRUE(devices().remove({"default", "a"}, first));
  ASSERT_TRUE(devices().create(deviceNamed("a")));
  EXPECT_NE(uidOf("a"), first);
  EXPECT_EQ(devices().setStatus({"default", "a"}, first, {}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(devices().setFinalizer({"default", "a"}, first, true).error().code,
            ErrorCode::kNotFound);
  EXPECT_EQ(devices().remove({"default", "a"}, first).error().code, ErrorCode::kNotFound);
  EXPECT_NE(device("a"), nullptr);
}

TEST_F(MemoryStoreTest, CountsChangesOfStatusOnlyInTheResourceVersion) {
  ASSERT_TRUE(devices().create(deviceNamed("a")));
  const auto before = device("a");
  takeSeen();
  api::DeviceStatus status;
  status.phase = api::Phase::kReady;
  ASSERT_TRUE(devices().setStatus(before->meta.key, before->meta.uid, status));
  EXPECT_EQ(device("a")->status.phase, api::Phase::kReady);
  EXPECT_EQ(device("a")->meta.generation, 1);
  EXPECT_GT(device("a")->meta.resourceVersion, before->meta.resourceVersion);
  EXPECT_THAT(takeSeen(), IsEmpty()) << "status is not news to those who wrote it";
  EXPECT_EQ(before->status.phase, api::Phase::kPending) << "a snapshot never changes";
}

TEST_F(MemoryStoreTest, HoldsADeletedObjectUntilItsFinalizerIsGone) {
  ASSERT_TRUE(devices().create(deviceNamed("a")));
  const std::string uid = uidOf("a");
  ASSERT_TRUE(devices().setFinalizer({"default", "a"}, uid, true));
  takeSeen();
  clock_.advance(1h);
  ASSERT_TRUE(devices().remove({"default", "a"}, uid));
  ASSERT_NE(device("a"), nullptr);
  EXPECT_EQ(device("a")->meta.deletedAt, clock_.now());
  EXPECT_THAT(takeSeen(), ElementsAre("BalenaDevice a 7c"));
  clock_.advance(1h);
  ASSERT_TRUE(devices().remove({"default", "a"}, uid));
  EXPECT_EQ(device("a")->meta.deletedAt, clock_.now() - 1h) << "the first deletion counts";
  EXPECT_THAT(takeSeen(), IsEmpty());
  ASSERT_TRUE(devices().setFinalizer({"default", "a"}, uid, false));
  EXPECT_EQ(device("a"), nullptr);
  EXPECT_THAT(takeSeen(), ElementsAre("BalenaDevice a 7c"));
  EXPECT_FALSE(existedWhenSeen_);
  EXPECT_THAT(store_.devicesByUuid(kUuid), IsEmpty());
}

TEST_F(MemoryStoreTest, RemovesAtOnceWhatHasNoFinalizer) {
  ASSERT_TRUE(devices().create(deviceNamed("a")));
  ASSERT_TRUE(devices().remove({"default", "a"}, uidOf("a")));
  EXPECT_EQ(device("a"), nullptr);
}

TEST_F(MemoryStoreTest, SetsTheFinalizerOnceAndTellsNobodyOfIt) {
  ASSERT_TRUE(devices().create(deviceNamed("a")));
  takeSeen();
  ASSERT_TRUE(devices().setFinalizer({"default", "a"}, uidOf("a"), true));
  const auto version = device("a")->meta.resourceVersion;
  ASSERT_TRUE(devices().setFinalizer({"default", "a"}, uidOf("a"), true));
  EXPECT_EQ(device("a")->meta.finalizers.size(), 1U);
  EXPECT_EQ(device("a")->meta.resourceVersion, version);
  EXPECT_EQ(device("a")->meta.generation, 1);
  // The engine itself sets it, in the middle of a pass: it must not cause another one.
  EXPECT_THAT(takeSeen(), IsEmpty());
}

TEST_F(MemoryStoreTest, SetsAndRemovesLabelsAndTellsOfAChange) {
  ASSERT_TRUE(devices().create(deviceNamed("a")));
  const api::ObjectKey key{"default", "a"};
  const auto labels = [&] { return devices().get(key)->meta.labels; };
  ASSERT_TRUE(devices().setLabels(key, uidOf("a"), {{"site", "roof"}, {"team", "x"}}));
  EXPECT_EQ(labels().at("site"), "roof");
  ASSERT_TRUE(devices().setLabels(key, uidOf("a"), {{"site", "cellar"}, {"team", std::nullopt}}));
  EXPECT_EQ(labels().at("site"), "cellar");
  EXPECT_FALSE(labels().contains("team"));
  EXPECT_EQ(devices().get(key)->meta.generation, 1);
  EXPECT_EQ(devices().setLabels(key, "another", {{"site", "x"}}).error().code,
            ErrorCode::kNotFound);
}

TEST_F(MemoryStoreTest, ListsInOrderOfName) {
  for (const auto* name : {"b", "a", "c"}) ASSERT_TRUE(devices().create(deviceNamed(name)));
  std::vector<std::string> names;
  for (const auto& each : devices().list()) names.push_back(each->meta.key.name);
  EXPECT_THAT(names, ElementsAre("a", "b", "c"));
}

// ---- indexes

TEST_F(MemoryStoreTest, FindsDevicesByUuidAndFleet) {
  ASSERT_TRUE(devices().create(deviceNamed("b")));
  ASSERT_TRUE(devices().create(deviceNamed("a")));
  BalenaDevice elsewhere = deviceNamed("c", kOtherUuid);
  elsewhere.spec.fleet = "gateways";
  ASSERT_TRUE(devices().create(elsewhere));
  const auto same = store_.devicesByUuid(kUuid);
  ASSERT_EQ(same.size(), 2U);
  EXPECT_EQ(same[0]->meta.key.name, "a");
  EXPECT_EQ(same[1]->meta.key.name, "b");
  EXPECT_EQ(store_.devicesOfFleet({"default", "sensors"}).size(), 2U);
  EXPECT_EQ(store_.devicesOfFleet({"default", "gateways"}).size(), 1U);
  EXPECT_THAT(store_.devicesOfFleet({"iot", "sensors"}), IsEmpty());
  EXPECT_THAT(store_.devicesByUuid("unknown"), IsEmpty());
}

TEST_F(MemoryStoreTest, FollowsADeviceWhoseDocumentNamesAnotherUuidOrFleet) {
  store_.apply(manifests({deviceNamed("a")}));
  BalenaDevice changed = deviceNamed("a", kOtherUuid);
  changed.spec.fleet = "gateways";
  store_.apply(manifests({changed}));
  EXPECT_THAT(store_.devicesByUuid(kUuid), IsEmpty());
  EXPECT_EQ(store_.devicesByUuid(kOtherUuid).size(), 1U);
  EXPECT_THAT(store_.devicesOfFleet({"default", "sensors"}), IsEmpty());
  EXPECT_EQ(store_.devicesOfFleet({"default", "gateways"}).size(), 1U);
}

// ---- apply

TEST_F(MemoryStoreTest, ApplyingTheSameTwiceChangesNothing) {
  store_.apply(manifests({deviceNamed("a")}));
  const auto before = device("a");
  EXPECT_THAT(takeSeen(), ElementsAre("BalenaDevice a 7c"));
  store_.apply(manifests({deviceNamed("a")}));
  EXPECT_EQ(device("a")->meta.resourceVersion, before->meta.resourceVersion);
  EXPECT_THAT(takeSeen(), IsEmpty());
}

TEST_F(MemoryStoreTest, ApplyKeepsStatusIdentityAndFinalizers) {
  store_.apply(manifests({deviceNamed("a")}));
  const std::string uid = uidOf("a");
  api::DeviceStatus status;
  status.phase = api::Phase::kReady;
  ASSERT_TRUE(devices().setStatus({"default", "a"}, uid, status));
  ASSERT_TRUE(devices().setFinalizer({"default", "a"}, uid, true));
  takeSeen();
  BalenaDevice changed = deviceNamed("a");
  changed.spec.suspend = true;
  changed.meta.annotations["note"] = "x";
  store_.apply(manifests({changed}));
  EXPECT_TRUE(device("a")->spec.suspend);
  EXPECT_EQ(device("a")->meta.generation, 2);
  EXPECT_EQ(uidOf("a"), uid);
  EXPECT_TRUE(device("a")->meta.hasFinalizer());
  EXPECT_EQ(device("a")->status.phase, api::Phase::kReady);
  EXPECT_EQ(device("a")->meta.annotations.at("note"), "x");
  EXPECT_THAT(takeSeen(), ElementsAre("BalenaDevice a 7c"));
}

TEST_F(MemoryStoreTest, AnAnnotationIsNewsButNoNewGeneration) {
  store_.apply(manifests({deviceNamed("a")}));
  takeSeen();
  BalenaDevice annotated = deviceNamed("a");
  annotated.meta.annotations["note"] = "x";
  store_.apply(manifests({annotated}));
  EXPECT_EQ(device("a")->meta.generation, 1);
  EXPECT_THAT(takeSeen(), ElementsAre("BalenaDevice a 7c"));
}

TEST_F(MemoryStoreTest, ForgetsWhatNoDocumentDeclaresEvenWithAFinalizer) {
  store_.apply(manifests({deviceNamed("a"), deviceNamed("b", kOtherUuid)}));
  ASSERT_TRUE(devices().setFinalizer({"default", "a"}, uidOf("a"), true));
  takeSeen();
  store_.apply(manifests({deviceNamed("b", kOtherUuid)}));
  EXPECT_EQ(device("a"), nullptr);
  EXPECT_NE(device("b"), nullptr);
  EXPECT_THAT(store_.devicesByUuid(kUuid), IsEmpty());
  EXPECT_THAT(takeSeen(), ElementsAre("BalenaDevice a 7c"));
}

TEST_F(MemoryStoreTest, KeepsDiscoveredDevicesWhateverIsApplied) {
  BalenaDevice discovered = deviceNamed("sensors-x");
  discovered.meta.labels.emplace(api::kDiscoveredLabel, "true");
  ASSERT_TRUE(devices().create(discovered));
  store_.apply({});
  EXPECT_NE(device("sensors-x"), nullptr);
}

TEST_F(MemoryStoreTest, BringsWhatIsReferredToFirstAndTakesItLast) {
  api::Manifests all = manifests({deviceNamed("d")});
  all.fleets[{"default", "f"}].meta.key.name = "f";
  all.registries[{"default", "r"}].meta.key.name = "r";
  store_.apply(std::move(all));
  EXPECT_THAT(takeSeen(),
              ElementsAre("ClearBladeRegistry r", "BalenaFleet f", "BalenaDevice d 7c"));
  store_.apply({});
  EXPECT_THAT(takeSeen(),
              ElementsAre("BalenaDevice d 7c", "BalenaFleet f", "ClearBladeRegistry r"));
}

// ---- secrets

api::Manifests secretManifests(const std::string& value) {
  api::Manifests made;
  api::Secret& secret = made.secrets[{"default", "balena"}];
  secret.key.name = "balena";
  secret.values["token"] = SecretBytes(value);
  return made;
}

TEST_F(MemoryStoreTest, UpdatesNoStatusThatSomebodyHasChangedMeanwhile) {
  ASSERT_TRUE(devices().create(deviceNamed("a")));
  const auto seen = device("a");
  api::DeviceStatus status;
  status.failureCount = 1;
  ASSERT_TRUE(devices().updateStatus(*seen, status));
  status.failureCount = 2;
  EXPECT_EQ(devices().updateStatus(*seen, status).error().code, ErrorCode::kConflict);
  EXPECT_EQ(device("a")->status.failureCount, 1);
  EXPECT_TRUE(devices().updateStatus(*device("a"), status));
}

TEST_F(MemoryStoreTest, ReleasesAnObjectWhateverItsFinalizers) {
  ASSERT_TRUE(devices().create(deviceNamed("a")));
  ASSERT_TRUE(devices().setFinalizer({"default", "a"}, uidOf("a"), true));
  EXPECT_EQ(devices().release({"default", "a"}, "another").error().code, ErrorCode::kNotFound);
  takeSeen();
  EXPECT_TRUE(devices().release({"default", "a"}, uidOf("a")));
  EXPECT_EQ(device("a"), nullptr);
  EXPECT_THAT(takeSeen(), ElementsAre("BalenaDevice a 7c"));
}

TEST_F(MemoryStoreTest, TellsWhatCantBeChanged) {
  api::Manifests before = manifests({deviceNamed("a")});
  api::ClearBladeRegistry& registry = before.registries[{"default", "main"}];
  registry.meta.key.name = "main";
  registry.spec.region = "us-central1";
  api::BalenaFleet& fleet = before.fleets[{"default", "sensors"}];
  fleet.meta.key.name = "sensors";
  fleet.spec.fleet = "acme/sensors";
  const auto copy = [&] {
    api::Manifests made;
    made.registries = before.registries;
    made.fleets = before.fleets;
    made.devices = before.devices;
    return made;
  };
  store_.apply(copy());
  EXPECT_THAT(store_.immutableChanges(copy()), IsEmpty());
  EXPECT_THAT(store_.immutableChanges({}), IsEmpty());

  api::Manifests after = copy();
  after.registries.begin()->second.spec.region = "europe-west1";
  after.fleets.begin()->second.spec.fleet = "acme/others";
  after.devices.begin()->second.spec.uuid = kOtherUuid;
  EXPECT_THAT(store_.immutableChanges(after),
              ElementsAre("ClearBladeRegistry default/main: project, region and registry can't be "
                          "changed: give the changed one another name",
                          "BalenaFleet default/sensors: fleet, registryRef and variables can't be "
                          "changed: give the changed one another name",
                          "BalenaDevice default/a: uuid and fleetRef can't be changed: give the "
                          "changed one another name"));
  after = copy();
  after.fleets.begin()->second.spec.syncInterval *= 2;
  EXPECT_THAT(store_.immutableChanges(after), IsEmpty());
}

TEST_F(MemoryStoreTest, ReadsSecretsFromDocuments) {
  store_.apply(secretManifests("one"));
  EXPECT_TRUE(store_.secret("default", {"balena", "token"})->equals("one"));
  EXPECT_EQ(store_.secret("default", {"balena", "other"}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(store_.secret("iot", {"balena", "token"}).error().code, ErrorCode::kNotFound);
  store_.apply(secretManifests("two"));
  EXPECT_TRUE(store_.secret("default", {"balena", "token"})->equals("two"));
}

TEST_F(MemoryStoreTest, TellsASecretWithoutItsKeyFromNone) {
  store_.apply(secretManifests("one"));
  const SecretBytes mine("mine");
  EXPECT_TRUE(store_.secretOrCreate("default", {"balena", "token"}, mine)->equals("one"));
  EXPECT_EQ(store_.secretOrCreate("default", {"balena", "tokne"}, mine).error().code,
            ErrorCode::kInvalid);
  EXPECT_EQ(store_.secretOrCreate("default", {"balema", "token"}, mine).error().code,
            ErrorCode::kNotFound);
}

TEST(MemoryStoreSecrets, AreReadFromTheDirectoryAtEachUse) {
  std::string name = (std::filesystem::temp_directory_path() / "bco-store-XXXXXX").string();
  const std::filesystem::path dir = ::mkdtemp(name.data());
  std::filesystem::create_directories(dir / "balena");
  std::ofstream(dir / "balena" / "token") << "one\n";
  bco::test::FakeClock clock;
  MemoryStore store(clock, dir);
  EXPECT_TRUE(store.secret("default", {"balena", "token"})->equals("one"));
  std::ofstream(dir / "balena" / "token") << "two\n";
  EXPECT_TRUE(store.secret("default", {"balena", "token"})->equals("two"));
  EXPECT_EQ(store.secret("default", {"balena", "other"}).error().code, ErrorCode::kNotFound);
  store.apply(secretManifests("document"));
  EXPECT_TRUE(store.secret("default", {"balena", "token"})->equals("document"));
  std::filesystem::remove_all(dir);
}

// ---- what is asked for from outside

TEST_F(MemoryStoreTest, ADemandChangesStateAndAsksForALook) {
  store_.apply(manifests({deviceNamed("a")}));
  takeSeen();
  ASSERT_TRUE(store_.demand(*device("a"), {api::DesiredState::kAbsent, "1"}));
  EXPECT_EQ(device("a")->spec.state, api::DesiredState::kAbsent);
  EXPECT_EQ(device("a")->meta.generation, 2);
  EXPECT_EQ(device("a")->meta.annotations.at(api::kReconcileAnnotation), "1");
  EXPECT_EQ(device("a")->meta.annotations.at(api::kAbsentByAnnotation), kByEndpoint);
  EXPECT_THAT(takeSeen(), ElementsAre("BalenaDevice a 7c"));
  ASSERT_TRUE(store_.demand(*device("a"), {api::DesiredState::kPresent, "2"}));
  EXPECT_EQ(device("a")->spec.state, api::DesiredState::kPresent);
  EXPECT_FALSE(device("a")->meta.annotations.contains(api::kAbsentByAnnotation));
}

TEST_F(MemoryStoreTest, ADemandForAnAbsentDeviceToBeAbsentIsNoDeedOfTheEndpoints) {
  BalenaDevice absent = deviceNamed("a");
  absent.spec.state = api::DesiredState::kAbsent;
  store_.apply(manifests({absent}));
  ASSERT_TRUE(store_.demand(*device("a"), {api::DesiredState::kAbsent, "1"}));
  EXPECT_FALSE(device("a")->meta.annotations.contains(api::kAbsentByAnnotation));
  EXPECT_EQ(device("a")->meta.generation, 1);
}

TEST_F(MemoryStoreTest, WhatAPersonDemandsIsNoDeedOfTheEndpoints) {
  store_.apply(manifests({deviceNamed("a")}));
  ASSERT_TRUE(store_.demand(*device("a"), {api::DesiredState::kAbsent, "1", true}));
  EXPECT_EQ(device("a")->spec.state, api::DesiredState::kAbsent);
  EXPECT_FALSE(device("a")->meta.annotations.contains(api::kAbsentByAnnotation));
  ASSERT_TRUE(store_.demand(*device("a"), {api::DesiredState::kPresent, "2"}));
  ASSERT_TRUE(store_.demand(*device("a"), {api::DesiredState::kAbsent, "3"}));
  ASSERT_TRUE(store_.demand(*device("a"), {api::DesiredState::kAbsent, "4", true}));
  EXPECT_FALSE(device("a")->meta.annotations.contains(api::kAbsentByAnnotation))
      << "nor what he confirms";
}

TEST_F(MemoryStoreTest, ADemandLastsUntilTheDocumentSaysSomethingElse) {
  store_.apply(manifests({deviceNamed("a")}));
  ASSERT_TRUE(store_.demand(*device("a"), {api::DesiredState::kAbsent, "1"}));
  takeSeen();
  store_.apply(manifests({deviceNamed("a")}));
  EXPECT_EQ(device("a")->spec.state, api::DesiredState::kAbsent);
  EXPECT_EQ(device("a")->meta.annotations.at(api::kReconcileAnnotation), "1");
  EXPECT_THAT(takeSeen(), IsEmpty()) << "nothing has changed";
  BalenaDevice absent = deviceNamed("a");
  absent.spec.state = api::DesiredState::kAbsent;
  store_.apply(manifests({absent}));
  store_.apply(manifests({deviceNamed("a")}));
  EXPECT_EQ(device("a")->spec.state, api::DesiredState::kPresent);
}

TEST_F(MemoryStoreTest, ADemandThatNoDocumentContradictsIsForgottenWithItsObject) {
  BalenaDevice enrolled = deviceNamed("a");
  enrolled.meta.labels.emplace(api::kEnrolledLabel, "true");
  ASSERT_TRUE(store_.enrol(enrolled));
  ASSERT_TRUE(store_.demand(*device("a"), {api::DesiredState::kAbsent, "1"}));
  store_.apply(manifests({}));
  EXPECT_EQ(device("a")->spec.state, api::DesiredState::kAbsent);
  store_.apply(manifests({deviceNamed("a")}));
  EXPECT_EQ(device("a")->spec.state, api::DesiredState::kPresent) << "now a document says so";
  EXPECT_FALSE(device("a")->meta.annotations.contains(api::kAbsentByAnnotation));
}

TEST_F(MemoryStoreTest, ADemandIsForTheObjectThatWasSeen) {
  store_.apply(manifests({deviceNamed("a")}));
  const auto seen = device("a");
  store_.apply(manifests({}));
  store_.apply(manifests({deviceNamed("a")}));
  EXPECT_EQ(store_.demand(*seen, {api::DesiredState::kAbsent, "1"}).error().code,
            ErrorCode::kNotFound);
}

TEST_F(MemoryStoreTest, KeepsWhatWasEnrolledWhenTheFilesAreReadAgain) {
  BalenaDevice enrolled = deviceNamed("a");
  enrolled.meta.labels.emplace(api::kEnrolledLabel, "true");
  ASSERT_TRUE(store_.enrol(enrolled));
  EXPECT_EQ(store_.enrol(enrolled).error().code, ErrorCode::kAlreadyExists);
  store_.apply(manifests({}));
  EXPECT_NE(device("a"), nullptr);
}

TEST_F(MemoryStoreTest, TellsOfEveryTouchOfADevice) {
  std::vector<std::string> touched;
  store_.onDeviceTouched([&](const std::string& uuid) { touched.push_back(uuid.substr(0, 2)); });
  ASSERT_TRUE(devices().create(deviceNamed("a")));
  ASSERT_TRUE(devices().setStatus(device("a")->meta.key, uidOf("a"), {}));
  ASSERT_TRUE(devices().setFinalizer(device("a")->meta.key, uidOf("a"), true));
  ASSERT_TRUE(devices().release(device("a")->meta.key, uidOf("a")));
  EXPECT_THAT(touched, ElementsAre("7c", "7c", "7c", "7c"));
}

}  // namespace
}  // namespace bco::store
