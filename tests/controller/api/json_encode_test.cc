#include "api/json_encode.h"

#include <gmock/gmock.h>

#include <random>

#include "api/json_decode.h"
#include "tests/controller/api/documents.h"
#include "tests/controller/api/served.h"

namespace bco::api {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const TimePoint kWritten = *parseRfc3339("2026-11-23T07:00:00Z");

template <class Object>
Object object() {
  Object result;
  result.meta.key = {"iot", "a"};
  result.meta.uid = "u-1";
  result.meta.resourceVersion = 17;
  return result;
}

// An object of the kind, as the server would give it with `members`.
template <class Object>
std::string servedWith(const std::string& members) {
  std::string spec = R"({"uuid":"7cf02a69e4d34c9da573914963cf54fd","fleetRef":{"name":"f"}})";
  if (Object::kKind == ObjectKind::kFleet) {
    spec = R"({"fleet":"a/b","tokenSecretRef":{"name":"t"},"registryRef":{"name":"r"}})";
  } else if (Object::kKind == ObjectKind::kRegistry) {
    spec = R"({"project":"p","region":"r","registry":"r","serviceAccountSecretRef":{"name":"s"}})";
  }
  return R"({"metadata":{"namespace":"iot","name":"a","uid":"u-1","resourceVersion":"18"},"spec":)" +
         spec + "," + members + "}";
}

template <class ObjectStatus>
auto objectOf() {
  if constexpr (std::is_same_v<ObjectStatus, DeviceStatus>) {
    return object<BalenaDevice>();
  } else if constexpr (std::is_same_v<ObjectStatus, FleetStatus>) {
    return object<BalenaFleet>();
  } else {
    return object<ClearBladeRegistry>();
  }
}

template <class ObjectStatus>
auto decodedAgain(const ObjectStatus& status) {
  const auto some = objectOf<ObjectStatus>();
  using Object = std::remove_const_t<decltype(some)>;
  const std::string json = servedWith<Object>(applyStatus(some, status, false).members);
  if constexpr (Object::kKind == ObjectKind::kDevice) {
    return decodeDevice(json);
  } else if constexpr (Object::kKind == ObjectKind::kFleet) {
    return decodeFleet(json);
  } else {
    return decodeRegistry(json);
  }
}

// Fills statuses at random, each field present or not.
class Filler {
 public:
  explicit Filler(unsigned seed) : engine_(seed) {}

  std::int64_t number(std::int64_t most) {
    return static_cast<std::int64_t>(engine_() % (static_cast<std::uint64_t>(most) + 1));
  }
  bool coin() { return engine_() % 2 == 0; }
  std::string text() {
    static constexpr std::string_view kPieces[] = {
        "a",        "Zebra", " ",      "\"",     "\\",     "\n", "\t", "\r", "\x01",    "\x7f",
        "\xc2\x85", "ß",     "\u2028", "\ufeff", "\uffff", "😀",  "{",  "]",  "\\u0041", "/"};
    std::string result;
    for (auto count = number(20); count > 0; --count) {
      result += kPieces[static_cast<std::size_t>(number(std::size(kPieces) - 1))];
    }
    if (coin()) result += '\0';
    return coin() ? result : "";
  }
  TimePoint time() {
    return TimePoint(std::chrono::seconds(number(9'000'000'000) - 2'000'000'000));
  }
  std::optional<TimePoint> maybeTime() { return coin() ? std::optional(time()) : std::nullopt; }

  Conditions conditions() {
    Conditions result;
    for (auto count = number(4); count > 0; --count) {
      result.push_back({text(), coin(), text(), text(), number(1'000'000), time()});
    }
    return result;
  }

  template <class ObjectStatus>
  void fillCommon(ObjectStatus& status) {
    status.observedGeneration = number(1000) - 1;
    status.failureCount = static_cast<int>(number(2147483647));
    status.lastFailureTime = maybeTime();
    status.lastHandledReconcileAt = text();
    status.conditions = conditions();
  }

  void fill(DeviceStatus& status) {
    fillCommon(status);
    status.phase = static_cast<Phase>(number(static_cast<std::int64_t>(Phase::kAbsent)));
    status.deviceName = text();
    status.registration = text();
    if (coin()) {
      status.key = KeyStatus{text(),      static_cast<std::uint32_t>(number(4294967295)),
                             maybeTime(), maybeTime(),
                             maybeTime(), maybeTime()};
    }
    status.lastSeen = maybeTime();
    status.absentSince = maybeTime();
  }

  void fill(FleetStatus& status) {
    fillCommon(status);
    status.fleetId = number(9'000'000'000'000);
    const auto count = [this] { return static_cast<int>(number(100000)); };
    status.devices = {count(), count(), count(), count(), count(),
                      count(), count(), count(), count()};
    status.lastBalenaSync = maybeTime();
    status.lastRegistrySync = maybeTime();
    for (auto left = number(5); left > 0; --left)
      status.failing.push_back({text(), text(), text()});
    status.removal = {coin(), count(), text(), maybeTime(), {}};
    for (int i = 0; i < 3; ++i) {
      if (coin()) status.removal.recent.push_back({kWritten + std::chrono::hours(i), count()});
    }
    status.renewal = {count(), count()};
  }

  void fill(RegistryStatus& status) {
    fillCommon(status);
    status.ownerId = text();
    status.total = static_cast<int>(number(100000));
    status.owned = static_cast<int>(number(100000));
    status.foreign = static_cast<int>(number(100000));
    status.lastCompleteSync = maybeTime();
  }

 private:
  std::mt19937_64 engine_;
};

template <class ObjectStatus>
class ApplyStatus : public testing::Test {};
using Statuses = testing::Types<DeviceStatus, FleetStatus, RegistryStatus>;
TYPED_TEST_SUITE(ApplyStatus, Statuses);

TYPED_TEST(ApplyStatus, WritesWhatIsReadBackTheSame) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    TypeParam status;
    Filler(seed).fill(status);
    const auto again = decodedAgain(status);
    ASSERT_TRUE(again) << seed << ": " << again.error().message;
    ASSERT_EQ(again->status, status) << seed;
  }
}

TYPED_TEST(ApplyStatus, WritesOneThatIsEmpty) {
  const auto again = decodedAgain(TypeParam());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->status, TypeParam());
}

TEST(ApplyDeviceStatus, SaysAllOfADeviceThatIsReady) {
  DeviceStatus status;
  status.observedGeneration = 2;
  status.phase = Phase::kReady;
  status.deviceName = "lively-meadow";
  status.registration = "projects/p/locations/l/registries/r/devices/balena-7cf0";
  status.key = KeyStatus{"sha256:ab", 3, kWritten, kWritten + 1h, kWritten + 2h, kWritten + 500ms};
  status.lastSeen = kWritten;
  status.conditions = {
      {"Ready", true, "Synced", "", 2, kWritten},
      {"UpstreamAvailable", false, "DeadlineExceeded", "no \"answer\"", 2, kWritten}};
  const auto application = applyStatus(object<BalenaDevice>(), status, false);
  EXPECT_EQ(application.kind, "BalenaDevice");
  EXPECT_EQ(application.uid, "u-1");
  EXPECT_EQ(application.resourceVersion, "");
  EXPECT_EQ(application.metadata, "");
  EXPECT_EQ(application.members,
            R"("status":{"observedGeneration":2,"phase":"Ready","deviceName":"lively-meadow",)"
            R"("registration":"projects/p/locations/l/registries/r/devices/balena-7cf0",)"
            R"("key":{"fingerprint":"sha256:ab","generation":3,"issuedAt":"2026-11-23T07:00:00Z",)"
            R"("expiresAt":"2026-11-23T08:00:00Z","rotateAt":"2026-11-23T09:00:00Z",)"
            R"("verifiedAt":"2026-11-23T07:00:00Z"},"lastSeen":"2026-11-23T07:00:00Z",)"
            R"("failureCount":0,"conditions":[{"type":"Ready","status":"True","reason":"Synced",)"
            R"("message":"","observedGeneration":2,"lastTransitionTime":"2026-11-23T07:00:00Z"},)"
            R"({"type":"UpstreamAvailable","status":"False","reason":"DeadlineExceeded",)"
            R"("message":"no \"answer\"","observedGeneration":2,)"
            R"("lastTransitionTime":"2026-11-23T07:00:00Z"}]})");
}

TEST(ApplyDeviceStatus, LeavesOutWhatIsAbsent) {
  EXPECT_EQ(applyStatus(object<BalenaDevice>(), DeviceStatus(), false).members,
            R"("status":{"observedGeneration":-1,"phase":"Pending","failureCount":0})");
}

TEST(ApplyDeviceStatus, HoldsOnlyForTheVersionSeenIfAskedSo) {
  EXPECT_EQ(applyStatus(object<BalenaDevice>(), {}, true).resourceVersion, "17");
  EXPECT_EQ(applyStatus(object<BalenaFleet>(), {}, true).resourceVersion, "17");
  EXPECT_EQ(applyStatus(object<ClearBladeRegistry>(), {}, true).resourceVersion, "17");
}

TEST(ApplyDeviceStatus, GivesNoConditionAGenerationThatTheSchemaRefuses) {
  DeviceStatus status;
  status.conditions = {{"Ready", false, "A", "", -1, kWritten}};
  EXPECT_THAT(applyStatus(object<BalenaDevice>(), status, false).members,
              HasSubstr(R"("message":"","lastTransitionTime")"));
}

TEST(ApplyFleetStatus, SaysAllOfAFleet) {
  FleetStatus status;
  status.observedGeneration = 1;
  status.fleetId = 2000001;
  status.devices = {9, 8, 7, 6, 5, 4, 3, 2, 1};
  status.lastBalenaSync = kWritten;
  status.failing = {{"7cf0", "NotOurs", "m"}};
  status.removal = {true, 3, "f00", kWritten, {{kWritten, 2}}};
  status.renewal = {5, 2};
  status.failureCount = 1;
  status.lastFailureTime = kWritten;
  status.lastHandledReconcileAt = "x";
  const auto application = applyStatus(object<BalenaFleet>(), status, false);
  EXPECT_EQ(application.kind, "BalenaFleet");
  EXPECT_EQ(application.members,
            R"("status":{"observedGeneration":1,"fleetId":2000001,"devices":{"total":9,"ready":8,)"
            R"("pending":7,"waiting":6,"failed":5,"conflict":4,"suspended":3,"stale":2,)"
            R"("deprovisioning":1},"lastCompleteSync":{"balena":"2026-11-23T07:00:00Z"},)"
            R"("failing":[{"uuid":"7cf0","reason":"NotOurs","message":"m"}],)"
            R"("removal":{"halted":true,"candidates":3,"set":"f00",)"
            R"("since":"2026-11-23T07:00:00Z",)"
            R"("recent":[{"hour":"2026-11-23T07:00:00Z","count":2}]},)"
            R"("renewal":{"requested":5,"done":2},)"
            R"("failureCount":1,"lastFailureTime":"2026-11-23T07:00:00Z",)"
            R"("lastHandledReconcileAt":"x"})");
}

TYPED_TEST(ApplyStatus, HasNoObjectThatIsEmpty) {
  EXPECT_THAT(applyStatus(objectOf<TypeParam>(), TypeParam(), false).members,
              testing::Not(HasSubstr("{}")));
}

TEST(ApplyRegistryStatus, SaysAllOfARegistry) {
  RegistryStatus status;
  status.ownerId = "site-a";
  status.total = 3;
  status.owned = 2;
  status.foreign = 1;
  status.lastCompleteSync = kWritten;
  const auto application = applyStatus(object<ClearBladeRegistry>(), status, false);
  EXPECT_EQ(application.kind, "ClearBladeRegistry");
  EXPECT_EQ(application.members, R"("status":{"observedGeneration":-1,"ownerId":"site-a",)"
                                 R"("registrations":{"total":3,"owned":2,"foreign":1},)"
                                 R"("lastCompleteSync":"2026-11-23T07:00:00Z","failureCount":0})");
}

TEST(ApplyDeviceStatus, CutsMessagesBetweenCharacters) {
  for (const std::string& character : {std::string("x"), std::string("ß"), std::string("€"),
                                       std::string("😀"), std::string("\xbf")}) {
    std::string message(3, 'a');
    while (message.size() < 40000) message += character;
    DeviceStatus status;
    status.conditions = {{"Ready", false, "A", message, 1, kWritten}};
    FleetStatus fleet;
    fleet.failing = {{"u", "A", message}};
    const auto again = decodedAgain(status);
    ASSERT_TRUE(again) << again.error().message;
    const std::string cut = again->status.conditions[0].message;
    EXPECT_EQ(decodedAgain(fleet)->status.failing[0].message, cut);
    EXPECT_GT(cut.size(), 32764U);
    if (character == "\xbf") continue;  // replaced, in no more characters
    EXPECT_TRUE(message.starts_with(cut));
    EXPECT_LE(cut.size(), 32768U);
    EXPECT_GT(cut.size() + character.size(), 32768U);
  }
}

TEST(EncodeDevice, NamesTheDeviceAndNoDefault) {
  BalenaDevice device = object<BalenaDevice>();
  device.meta.finalizers = {std::string(kFinalizer)};
  device.meta.generation = 4;
  device.spec.uuid = "7cf02a69e4d34c9da573914963cf54fd";
  device.spec.fleet = "sensors";
  EXPECT_EQ(encodeDevice(device, nullptr),
            R"({"apiVersion":"provisioning.balena-clearblade.io/v1alpha1","kind":"BalenaDevice",)"
            R"("metadata":{"name":"a","namespace":"iot"},)"
            R"("spec":{"uuid":"7cf02a69e4d34c9da573914963cf54fd","fleetRef":{"name":"sensors"}}})");
}

TEST(EncodeDevice, NamesTheFleetThatOwnsIt) {
  BalenaDevice device = object<BalenaDevice>();
  device.meta.labels.emplace(kFleetLabel, "sensors");
  device.meta.labels.emplace(kDiscoveredLabel, "true");
  device.meta.annotations.emplace(kReconcileAnnotation, "now");
  ObjectMeta fleet;
  fleet.key = {"iot", "sensors"};
  fleet.uid = "u-2";
  EXPECT_THAT(
      encodeDevice(device, &fleet),
      HasSubstr(
          R"("metadata":{"name":"a","namespace":"iot",)"
          R"("labels":{"provisioning.balena-clearblade.io/discovered":"true",)"
          R"("provisioning.balena-clearblade.io/fleet":"sensors"},)"
          R"("annotations":{"provisioning.balena-clearblade.io/reconcile-requested-at":"now"},)"
          R"("ownerReferences":[{"apiVersion":"provisioning.balena-clearblade.io/v1alpha1",)"
          R"("kind":"BalenaFleet","name":"sensors","uid":"u-2","controller":true}]},"spec")"));
}

TEST(EncodeDevice, KeepsWhateverItsSpecSays) {
  for (const auto adoption : {Adoption::kIfKeyMatches, Adoption::kAlways, Adoption::kNever}) {
    for (const auto policy : {DeletionPolicy::kRetain, DeletionPolicy::kDelete}) {
      BalenaDevice device = object<BalenaDevice>();
      device.spec = {.uuid = std::string(62, 'f'),
                     .fleet = "sensors",
                     .state = DesiredState::kAbsent,
                     .keys = {1000h + 30min, 1h, kWritten, kWritten + 1h},
                     .adoption = adoption,
                     .deletionPolicy = policy,
                     .suspend = true};
      EXPECT_EQ(test::parsed<BalenaDevice>(encodeDevice(device, nullptr)).spec, device.spec);
    }
  }
}

TEST(ApplyFinalizer, NamesOursAlone) {
  const ObjectMeta meta = object<BalenaFleet>().meta;
  const auto set = applyFinalizer(ObjectKind::kFleet, meta, true);
  EXPECT_EQ(set.kind, "BalenaFleet");
  EXPECT_EQ(set.uid, "u-1");
  EXPECT_EQ(set.resourceVersion, "");
  EXPECT_EQ(set.metadata, R"("finalizers":["provisioning.balena-clearblade.io/deprovision"])");
  EXPECT_EQ(set.members, "");
  EXPECT_EQ(applyFinalizer(ObjectKind::kDevice, meta, false).metadata, "");
}

TEST(WithoutFinalizer, KeepsThoseOfOthers) {
  ObjectMeta meta = object<BalenaDevice>().meta;
  meta.finalizers = {"example.com/mine", std::string(kFinalizer), "example.com/yours"};
  EXPECT_EQ(withoutFinalizer(meta), R"({"metadata":{"resourceVersion":"17",)"
                                    R"("finalizers":["example.com/mine","example.com/yours"]}})");
  meta.finalizers = {std::string(kFinalizer)};
  EXPECT_THAT(withoutFinalizer(meta), HasSubstr(R"("finalizers":[])"));
}

TEST(JsonEncode, ADemandNamesNothingButWhatItChanges) {
  BalenaDevice seen;
  seen.meta.uid = "u1";
  EXPECT_EQ(encodeDemand(seen, DesiredState::kPresent, "now", ""),
            R"({"metadata":{"uid":"u1","annotations":{)"
            R"("provisioning.balena-clearblade.io/reconcile-requested-at":"now"}}})");
  EXPECT_EQ(encodeDemand(seen, DesiredState::kAbsent, "now", "endpoint"),
            R"({"metadata":{"uid":"u1","annotations":{)"
            R"("provisioning.balena-clearblade.io/reconcile-requested-at":"now",)"
            R"("provisioning.balena-clearblade.io/absent-by":"endpoint"}},)"
            R"("spec":{"state":"Absent"}})");
  seen.spec.state = DesiredState::kAbsent;
  seen.meta.annotations[kAbsentByAnnotation] = "endpoint";
  for (const bool keeps : {true, false}) {
    EXPECT_EQ(encodeDemand(seen, DesiredState::kAbsent, "now",
                           keeps ? std::nullopt : std::optional<std::string_view>("")),
              std::string(R"({"metadata":{"uid":"u1","annotations":{)"
                          R"("provisioning.balena-clearblade.io/reconcile-requested-at":"now")") +
                  (keeps ? "" : R"(,"provisioning.balena-clearblade.io/absent-by":null)") + "}}}");
  }
  EXPECT_EQ(encodeDemand(seen, DesiredState::kPresent, "now", ""),
            R"({"metadata":{"uid":"u1","annotations":{)"
            R"("provisioning.balena-clearblade.io/reconcile-requested-at":"now",)"
            R"("provisioning.balena-clearblade.io/absent-by":null}},)"
            R"("spec":{"state":"Present"}})");
}

TEST(WithLabels, SetsSomeAndRemovesOthersOfThisVersionAlone) {
  EXPECT_EQ(withLabels(object<BalenaDevice>().meta, {{"a", "\""}, {"b", std::nullopt}}),
            R"({"metadata":{"resourceVersion":"17","labels":{"a":"\"","b":null}}})");
}

}  // namespace
}  // namespace bco::api
