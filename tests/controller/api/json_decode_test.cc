// Objects as a real API server gives them, and what it never should.
#include "api/json_decode.h"

#include <gmock/gmock.h>

#include "tests/controller/api/documents.h"
#include "tests/controller/api/served.h"

namespace bco::api {
namespace {

using namespace std::chrono_literals;
using test::served;
using test::with;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

const TimePoint kThen = *parseRfc3339("2026-11-23T07:00:00Z");
constexpr auto kUid = "3f080cd0-4595-4dfa-8a5f-37ca693a4440";

TEST(DecodeDevice, ReadsATypicalOne) {
  const auto device = decodeDevice(served("device"));
  ASSERT_TRUE(device) << device.error().message;
  EXPECT_EQ(toString(device->meta.key), "default/golden");
  EXPECT_EQ(device->meta.uid, kUid);
  EXPECT_EQ(device->meta.generation, 1);
  EXPECT_EQ(device->meta.resourceVersion, 213U);
  EXPECT_EQ(device->meta.deletedAt, std::nullopt);
  EXPECT_TRUE(device->meta.hasFinalizer());
  EXPECT_FALSE(device->meta.isDiscovered());

  DeviceSpec spec;
  spec.uuid = "7cf02a69e4d34c9da573914963cf54fd";
  spec.fleet = "sensors";
  EXPECT_EQ(device->spec, spec);

  const DeviceStatus& status = device->status;
  EXPECT_EQ(status.observedGeneration, 1);
  EXPECT_EQ(status.phase, Phase::kReady);
  EXPECT_EQ(status.deviceName, "lively-meadow");
  EXPECT_THAT(status.registration, testing::EndsWith("/balena-" + spec.uuid));
  ASSERT_TRUE(status.key);
  EXPECT_EQ(status.key->fingerprint.size(), 71U);
  EXPECT_EQ(status.key->generation, 3U);
  EXPECT_EQ(status.key->issuedAt, kThen);
  EXPECT_EQ(status.key->expiresAt, parseRfc3339("2027-02-21T07:00:00Z"));
  EXPECT_EQ(status.key->rotateAt, parseRfc3339("2027-01-22T07:00:00Z"));
  EXPECT_EQ(status.key->verifiedAt, kThen);
  ASSERT_EQ(status.conditions.size(), 4U);
  EXPECT_EQ(status.conditions[0], (Condition{"Ready", true, "Synced", "", 1, kThen}));
  EXPECT_EQ(status.conditions[3].type, "UpstreamAvailable");
}

TEST(DecodeDevice, ReadsEveryField) {
  const auto device = decodeDevice(served("device-full"));
  ASSERT_TRUE(device) << device.error().message;
  EXPECT_TRUE(device->meta.deletedAt);
  EXPECT_TRUE(device->meta.isDiscovered());
  EXPECT_THAT(device->meta.finalizers, ElementsAre("example.com/mine", kFinalizer));

  const DeviceSpec& spec = device->spec;
  EXPECT_EQ(spec.uuid, std::string(62, 'a'));
  EXPECT_EQ(spec.state, DesiredState::kAbsent);
  EXPECT_EQ(spec.keys.lifetime, 720h);
  EXPECT_EQ(spec.keys.rotateBefore, 240h);
  EXPECT_EQ(spec.keys.renewAfter, kThen);
  EXPECT_EQ(spec.keys.revokeBefore, kThen + 500ms);
  EXPECT_EQ(spec.adoption, Adoption::kNever);
  EXPECT_EQ(spec.deletionPolicy, DeletionPolicy::kDelete);
  EXPECT_TRUE(spec.suspend);

  const DeviceStatus& status = device->status;
  EXPECT_EQ(status.phase, Phase::kStale);
  EXPECT_EQ(status.deviceName, "größe “😀” \"q\" <b>&\\");
  EXPECT_EQ(status.registration, "");
  EXPECT_EQ(status.key->expiresAt, std::nullopt);
  EXPECT_EQ(status.lastSeen, kThen);
  EXPECT_EQ(status.absentSince, kThen - 24h);
  EXPECT_EQ(status.failureCount, 7);
  EXPECT_EQ(status.lastFailureTime, kThen);
  EXPECT_EQ(status.lastHandledReconcileAt, "token");
  EXPECT_THAT(status.conditions,
              ElementsAre(Condition{"Ready", false, "DeviceNotFound",
                                    "the device is gone\nsince yesterday", 1, kThen},
                          Condition{"UpstreamAvailable", false, "Asleep", "", 1, kThen}));
}

TEST(DecodeDevice, KeepsOfLabelsAndAnnotationsOnlyOursUnlessItIsDiscovered) {
  const auto device = decodeDevice(served("device-full"));
  ASSERT_TRUE(device);
  EXPECT_THAT(device->meta.labels, ElementsAre(Pair("app", "x"), Pair(kDiscoveredLabel, "true"),
                                               Pair(kFleetLabel, "sensors")));
  const auto declared = decodeDevice(served("device"));
  ASSERT_TRUE(declared);
  EXPECT_THAT(declared->meta.labels, ElementsAre(Pair(kFleetLabel, "sensors")));
  EXPECT_THAT(device->meta.annotations, ElementsAre(Pair(kReleaseAnnotation, "true")));
}

TEST(DecodeDevice, ReadsTheSameSpecAsAFileWould) {
  for (const auto* name : {"device", "device-full"}) {
    EXPECT_EQ(decodeDevice(served(name))->spec, test::parsed<BalenaDevice>(served(name)).spec);
  }
}

TEST(DecodeDevice, TakesNullForAbsent) {
  const auto device = decodeDevice(R"({"metadata":{"name":"a","namespace":"default","uid":"u",
      "resourceVersion":"1","generation":null,"labels":null,"annotations":null,"finalizers":null,
      "deletionTimestamp":null},
      "spec":{"uuid":"7cf02a69e4d34c9da573914963cf54fd","fleetRef":{"name":"sensors"},
      "state":null,"keys":{"lifetime":null,"renewAfter":null},"adoption":null,"suspend":null},
      "status":{"phase":null,"key":null,"lastSeen":null,"failureCount":null,"conditions":null}})");
  ASSERT_TRUE(device) << device.error().message;
  EXPECT_EQ(device->status, DeviceStatus());
  EXPECT_EQ(device->spec.keys, KeyOverrides());
  EXPECT_EQ(device->meta.deletedAt, std::nullopt);
}

TEST(DecodeDevice, HasNoStatusBeforeTheFirst) {
  std::string text = served("device");
  text.erase(text.find(",\"status\":{\"cond"));
  const auto device = decodeDevice(text + "}");
  ASSERT_TRUE(device) << device.error().message;
  EXPECT_EQ(device->status, DeviceStatus());
  EXPECT_EQ(device->status.observedGeneration, -1);
}

TEST(DecodeDevice, DoesNotMindTheFieldsOfAnotherVersion) {
  std::string text = with(served("device"), R"("phase":"Ready")", R"("phase":"Dancing","mood":{})");
  text = with(text, R"("verifiedAt":"2026-11-23T07:00:00Z")", R"("verifiedAt":"later")");
  text = with(text, R"("generation":1,"labels")", R"("generation":1,"shards":[{}],"labels")");
  text = with(text, R"("suspend":false,)", R"("suspend":false,"color":{"of":["x"]},)");
  const auto device = decodeDevice(text);
  ASSERT_TRUE(device) << device.error().message;
  EXPECT_EQ(device->status.phase, Phase::kPending);
  EXPECT_EQ(device->status.key->verifiedAt, std::nullopt);
  EXPECT_EQ(device->status.key->issuedAt, kThen);
}

struct Refusal {
  std::string from;
  std::string to;
  std::string message;  // part of it
};

TEST(DecodeDevice, NamesTheFieldThatItRefuses) {
  const std::string uuid = R"("uuid":"7cf02a69e4d34c9da573914963cf54fd")";
  for (const auto& [from, to, message] : std::vector<Refusal>{
           {uuid, R"("uuid":"7CF0")", "BalenaDevice default/golden: spec.uuid: expected the full"},
           {uuid, R"("uuid":17)", "spec.uuid: expected a string, not an integer"},
           {uuid, R"("uuid":1.5e1)", "spec.uuid: expected a string, not a number"},
           {uuid, R"("color":"red")", "golden: spec.uuid: is required"},
           {R"("fleetRef":{"name":"sensors"})", R"("fleetRef":{"name":"Sensors"})",
            "spec.fleetRef.name: expected a name"},
           {R"("fleetRef":{"name":"sensors"})", R"("fleetRef":["sensors"])",
            "spec.fleetRef: expected a mapping"},
           {R"("state":"Present")", R"("keys":{"lifetime":"1h","rotateBefore":"1h"})",
            "spec.keys.rotateBefore: must be shorter than lifetime"},
           {R"("state":"Present")", R"("state":"Gone")", "spec.state: expected one of"},
           {R"("suspend":false,)", R"("suspend":1e0,)", "spec.suspend: expected true or false"},
           {R"("suspend":false,)", R"("suspend":[{"a":tru}],)", "spec.suspend[0].a: "},
           {R"("spec":{"fleetRef")", R"("sketch":{"fleetRef")", "spec: is required"},
           {R"("resourceVersion":"213")", R"("resourceVersion":"213a")",
            "metadata.resourceVersion: not a number"},
           {R"("resourceVersion":"213")", R"("resourceVersion":"18446744073709551616")",
            "metadata.resourceVersion: not a number"},
           {R"("resourceVersion":"213")", R"("resourceVersion":null)",
            "metadata.resourceVersion: is required"},
           {R"("resourceVersion":"213",)", "", "metadata.resourceVersion: is required"},
           {R"(,"uid":"3f080cd0-4595-4dfa-8a5f-37ca693a4440")", "", "metadata.uid: is required"},
           {R"("name":"golden",)", "", "BalenaDevice: metadata.name: is required"},
           {R"("generation":1,"labels")", R"("generation":"1","labels")", "metadata.generation: "},
           {R"("creationTimestamp")", R"("deletionTimestamp":"soon","creationTimestamp")",
            "metadata.deletionTimestamp: not a time"},
           {R"("failureCount":0)", R"("failureCount":2147483648)",
            "status.failureCount: out of range"},
           {R"("failureCount":0)", R"("failureCount":0.5)", "status.failureCount: "},
           {R"("generation":3)", R"("generation":-1)", "status.key.generation: out of range"},
           {R"("reason":"Registered")", R"("reason":{})", "status.conditions[2].reason: "},
           {R"("deviceName":"lively-meadow")", R"("deviceName":"\ud83d")", "status.deviceName: "},
           {R"("phase":"Ready")", R"("phase":"Ready)", "BalenaDevice: "},
       }) {
    const auto device = decodeDevice(with(served("device"), from, to));
    ASSERT_FALSE(device) << to;
    EXPECT_EQ(device.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(device.error().message, HasSubstr(message));
  }
}

TEST(DecodeDevice, RefusesWhatIsNoObject) {
  const std::string text = served("device");
  const std::string whole = text.substr(0, text.find_last_of('}') + 1);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(decodeDevice(whole.substr(0, size))) << size;
  }
  EXPECT_TRUE(decodeDevice(whole));
  EXPECT_TRUE(decodeDevice(" " + whole + " \n"));
  for (const auto& junk :
       {whole + "{}", whole + "}", whole + ",", "[" + whole + "]", std::string("null"),
        std::string("17"), std::string("\"text\""), std::string("\xff"), std::string(1, '\0')}) {
    const auto device = decodeDevice(junk);
    EXPECT_FALSE(device) << junk;
  }
}

TEST(DecodeDevice, RefusesASpecThatIsNestedTooDeeply) {
  const std::string deep = std::string(10000, '[') + std::string(10000, ']');
  const auto device =
      decodeDevice(with(served("device"), R"("state":"Present")", "\"state\":" + deep));
  ASSERT_FALSE(device);
  EXPECT_THAT(device.error().message, testing::EndsWith("nested too deeply"));
}

TEST(DecodeChange, IsWhatIsKnownUnlessItIsNewer) {
  const auto known = std::make_shared<const BalenaDevice>(decodeDevice(served("device")).value());
  const auto change = decodeChange<BalenaDevice>(
      with(served("device"), R"("phase":"Ready")", R"("phase":"Failed")"),
      [&](const ObjectMeta& meta) {
        EXPECT_EQ(meta.uid, kUid);
        return known;
      });
  ASSERT_TRUE(change) << change.error().message;
  EXPECT_EQ(*change, known);
}

TEST(DecodeChange, TakesTheSpecOfTheSameGenerationFromWhatIsKnown) {
  auto before = decodeDevice(served("device")).value();
  before.meta.resourceVersion = 212;
  before.spec.suspend = true;
  before.status = {};
  const auto decode = [&] {
    return decodeChange<BalenaDevice>(served("device"),
                                      [&](const ObjectMeta& /*meta*/) {
                                        return std::make_shared<const BalenaDevice>(before);
                                      })
        .value();
  };
  EXPECT_TRUE(decode()->spec.suspend);
  EXPECT_EQ(decode()->status.phase, Phase::kReady);
  EXPECT_EQ(decode()->meta.resourceVersion, 213U);
  before.meta.generation = 2;
  EXPECT_FALSE(decode()->spec.suspend);
}

TEST(DecodeChange, ReadsAllOfWhatIsNotKnown) {
  const auto change = decodeChange<BalenaDevice>(
      served("device"), [](const ObjectMeta& /*meta*/) { return nullptr; });
  ASSERT_TRUE(change) << change.error().message;
  EXPECT_EQ((*change)->spec, decodeDevice(served("device"))->spec);
}

TEST(DecodeFleet, FindsTheServersDefaultsToBeOurs) {
  const auto fleet = decodeFleet(served("fleet"));
  ASSERT_TRUE(fleet) << fleet.error().message;
  FleetSpec spec;
  spec.fleet = "acme/sensors";
  spec.token.name = "balena";
  spec.registry = "main";
  EXPECT_EQ(fleet->spec, spec);
  EXPECT_EQ(fleet->status, FleetStatus());
  EXPECT_EQ(toString(fleet->meta.key), "default/sensors");
}

TEST(DecodeFleet, ReadsEveryField) {
  const auto fleet = decodeFleet(served("fleet-full"));
  ASSERT_TRUE(fleet) << fleet.error().message;
  EXPECT_THAT(fleet->meta.labels, ElementsAre(Pair("app", "x"), Pair("team", "y")));
  EXPECT_EQ(fleet->meta.annotations.size(), 1U);
  EXPECT_EQ(fleet->spec, test::parsed<BalenaFleet>(served("fleet-full")).spec);
  EXPECT_EQ(fleet->spec.service, "relay");
  EXPECT_EQ(fleet->spec.budget.requestsPerSecond, 0.5);
  EXPECT_EQ(fleet->spec.keys.windows.at(0).timeZone, "Europe/Berlin");

  const FleetStatus& status = fleet->status;
  EXPECT_EQ(status.observedGeneration, 1);
  EXPECT_EQ(status.fleetId, 2000001);
  EXPECT_EQ(status.devices, (DeviceCounts{11, 12, 13, 14, 15, 16, 17, 18, 19}));
  EXPECT_EQ(status.lastBalenaSync, kThen);
  EXPECT_EQ(status.lastRegistrySync, kThen + 1s);
  EXPECT_THAT(status.failing,
              ElementsAre(FailingDevice{std::string(62, 'a'), "NotOurs", "somebody else's"}));
  EXPECT_EQ(status.removal, (RemovalStatus{true, 3, "f00", kThen, {{kThen, 2}}}));
  EXPECT_EQ(status.renewal, (RenewalStatus{5, 2}));
  EXPECT_EQ(status.failureCount, 1);
  EXPECT_EQ(status.lastFailureTime, kThen);
  EXPECT_EQ(status.lastHandledReconcileAt, "x");
  EXPECT_THAT(status.conditions, ElementsAre(Condition{"Ready", true, "Synced", "", 1, kThen}));
}

TEST(DecodeFleet, NamesTheFieldThatItRefuses) {
  for (const auto& [from, to, message] : std::vector<Refusal>{
           {R"("maxPercent":0)", R"("maxPercent":101)", "spec.stale.maxPercent: expected a whole"},
           {R"("start":"02:00")", R"("start":"2am")", "spec.keys.windows[].start: "},
           {R"("devices":"All")", R"("devices":"Declared")", "spec.selector: only goes with"},
           {R"("reason":"NotOurs")", R"("reason":[])", "status.failing[0].reason: "},
           {R"("stale":18)", R"("stale":"18")", "status.devices.stale: "},
           {R"("halted":true)", R"("halted":"true")", "status.removal.halted: "},
           {R"("done":2)", R"("done":9e9)", "status.renewal.done: "},
           {R"("registry":"2026-11-23T07:00:01Z")", R"("registry":1)",
            "BalenaFleet default/full: status.lastCompleteSync.registry: "},
       }) {
    const auto fleet = decodeFleet(with(served("fleet-full"), from, to));
    ASSERT_FALSE(fleet) << to;
    EXPECT_EQ(fleet.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(fleet.error().message, HasSubstr(message));
  }
}

TEST(DecodeRegistry, ReadsEveryField) {
  const auto registry = decodeRegistry(served("registry-full"));
  ASSERT_TRUE(registry) << registry.error().message;
  EXPECT_EQ(registry->spec, test::parsed<ClearBladeRegistry>(served("registry-full")).spec);
  EXPECT_EQ(registry->spec.ownerId, "site-a");
  EXPECT_EQ(registry->spec.budget, (RegistryBudget{1, 2, 3, 4}));
  EXPECT_TRUE(registry->meta.annotations.contains(kReconcileAnnotation));

  const RegistryStatus& status = registry->status;
  EXPECT_EQ(status.observedGeneration, 1);
  EXPECT_EQ(status.ownerId, "site-a");
  EXPECT_EQ(status.total, 1000);
  EXPECT_EQ(status.owned, 998);
  EXPECT_EQ(status.foreign, 2);
  EXPECT_EQ(status.lastCompleteSync, kThen);
  EXPECT_EQ(status.failureCount, 2);
  EXPECT_EQ(status.lastFailureTime, kThen);
  EXPECT_EQ(status.lastHandledReconcileAt, "x");
  EXPECT_EQ(status.conditions.size(), 1U);
}

TEST(DecodeMeta, ReadsTheMetadataOfAnyKind) {
  const auto meta = decodeMeta(served("registry-full"));
  ASSERT_TRUE(meta) << meta.error().message;
  EXPECT_EQ(toString(meta->key), "default/full");
  EXPECT_EQ(meta->uid, kUid);
  EXPECT_EQ(meta->resourceVersion, 223U);
  // Also of one whose spec is refused.
  EXPECT_TRUE(decodeMeta(with(served("device"), R"("state":"Present")", R"("state":17)")));
  EXPECT_THAT(decodeMeta("{}").error().message, "metadata.name: is required");
  EXPECT_FALSE(decodeMeta(""));
}

}  // namespace
}  // namespace bco::api
