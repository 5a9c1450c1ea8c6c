// Every mistake is told with its place, its field and what would mend it; all of them at once.
#include <gmock/gmock.h>

#include "tests/controller/api/documents.h"

namespace bco::api {
namespace {

using test::parseText;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

struct Mistake {
  const char* name;
  const char* line;     // added as the last line of a document that is right without it
  const char* problem;  // what is said, after "f.yaml:"
};
std::string nameOfMistake(const testing::TestParamInfo<Mistake>& each) { return each.param.name; }

// The last line of the document is the ninth.
class RegistryMistake : public testing::TestWithParam<Mistake> {};
TEST_P(RegistryMistake, IsToldWithItsPlace) {
  const std::string text = R"(apiVersion: provisioning.balena-clearblade.io/v1alpha1
kind: ClearBladeRegistry
metadata: {name: main}
spec:
  project: my-project
  region: us-central1
  registry: devices
  serviceAccountSecretRef: {name: clearblade}
)";
  EXPECT_THAT(parseText(text).problems, ElementsAre());
  EXPECT_THAT(parseText(text + GetParam().line).problems,
              ElementsAre(std::string("f.yaml:") + GetParam().problem));
}
INSTANTIATE_TEST_SUITE_P(
    Cases, RegistryMistake,
    testing::Values(
        Mistake{"UnknownField", "  owner: site-a",
                "9:3: spec.owner: unknown field; known here: caSecretRef, callBudget, "
                "keySeedSecretRef, ownerId, project, region, registry, serviceAccountSecretRef"},
        Mistake{"UnknownTopField", "stauts: {}",
                "9:1: stauts: unknown field; known here: apiVersion, kind, metadata, spec, status"},
        Mistake{"EmptyOwner", "  ownerId: ''", "9:12: spec.ownerId: must not be empty"},
        Mistake{"OwnerIsANumber", "  ownerId: 12",
                "9:12: spec.ownerId: expected a string, not an integer: put it in quotes"},
        Mistake{"NestedUnknownField", "  caSecretRef: {name: ca, secret: x}",
                "9:27: spec.caSecretRef.secret: unknown field; known here: key, name"},
        Mistake{"CaWithoutName", "  caSecretRef: {key: ca.crt}",
                "9:16: spec.caSecretRef.name: is required"},
        Mistake{"CaIsAString", "  caSecretRef: ca",
                "9:16: spec.caSecretRef: expected a mapping, not a string"},
        Mistake{"EmptySecretKey", "  keySeedSecretRef: {key: ''}",
                "9:27: spec.keySeedSecretRef.key: must not be empty"},
        Mistake{"EmptySeedName", "  keySeedSecretRef: {name: ''}",
                "9:28: spec.keySeedSecretRef.name: expected a name of lower-case letters, digits, "
                "'-' and '.', at most 253 characters"},
        Mistake{"SecretKeyThatIsNoFile", "  keySeedSecretRef: {key: ..data}",
                "9:27: spec.keySeedSecretRef.key: expected letters, digits, '-', '_' and '.', not "
                "beginning with '..'"},
        Mistake{"BadSecretName", "  keySeedSecretRef: {name: ../seed}",
                "9:28: spec.keySeedSecretRef.name: expected a name of lower-case letters, digits, "
                "'-' and '.', at most 253 characters"},
        Mistake{"BudgetIsZero", "  callBudget: {maxInFlight: 0}",
                "9:29: spec.callBudget.maxInFlight: expected a whole number from 1 to 1000"},
        Mistake{"BudgetIsAString", "  callBudget: {maxInFlight: '8'}",
                "9:29: spec.callBudget.maxInFlight: expected a whole number from 1 to 1000"},
        Mistake{"BudgetIsAFraction", "  callBudget: {readsPerMinute: 1.5}",
                "9:32: spec.callBudget.readsPerMinute: expected a whole number from 1 to "
                "10000000"}),
    nameOfMistake);

// The last line of the document is the eighth.
class FleetMistake : public testing::TestWithParam<Mistake> {};
TEST_P(FleetMistake, IsToldWithItsPlace) {
  const std::string text = R"(apiVersion: provisioning.balena-clearblade.io/v1alpha1
kind: BalenaFleet
metadata: {name: sensors}
spec:
  fleet: acme/sensors
  tokenSecretRef: {name: balena}
  registryRef: {name: main}
)";
  EXPECT_THAT(parseText(text).problems, ElementsAre());
  EXPECT_THAT(parseText(text + GetParam().line).problems,
              ElementsAre(std::string("f.yaml:") + GetParam().problem));
}
INSTANTIATE_TEST_SUITE_P(
    Cases, FleetMistake,
    testing::Values(
        Mistake{"BadEnum", "  mode: enforce", "8:9: spec.mode: expected one of Enforce, Observe"},
        Mistake{"BadDevices", "  devices: Some",
                "8:12: spec.devices: expected one of Declared, All"},
        Mistake{"BadAdoption", "  adoption: Sometimes",
                "8:13: spec.adoption: expected one of IfKeyMatches, Always, Never"},
        Mistake{"BadDeletionPolicy", "  deletionPolicy: Keep",
                "8:19: spec.deletionPolicy: expected one of Retain, Delete"},
        Mistake{"BadStalePolicy", "  stale: {policy: Keep}",
                "8:19: spec.stale.policy: expected one of Report, Delete"},
        Mistake{"PercentAboveHundred", "  stale: {maxPercent: 101}",
                "8:23: spec.stale.maxPercent: expected a whole number from 0 to 100"},
        Mistake{"BoolIsAString", "  suspend: 'true'", "8:12: spec.suspend: expected true or false"},
        Mistake{"NestedBool", "  endpoint: {enrol: 1}",
                "8:21: spec.endpoint.enrol: expected true or false"},
        Mistake{"DurationInDays", "  syncInterval: 1d",
                "8:17: spec.syncInterval: expected a duration such as \"720h\", \"90m\" or \"30s\" "
                "(there is no unit for days)"},
        Mistake{"DurationIsANumber", "  syncInterval: 300",
                "8:17: spec.syncInterval: expected a string, not an integer: put it in quotes"},
        Mistake{"DurationTooShort", "  syncInterval: 10ms",
                "8:17: spec.syncInterval: must be at least 1s"},
        Mistake{"LifetimeTooShort", "  keys: {lifetime: 30m, rotateBefore: 10m}",
                "8:20: spec.keys.lifetime: must be at least 1h"},
        Mistake{"RotateBeforeEqualsLifetime", "  keys: {lifetime: 24h, rotateBefore: 24h}",
                "8:39: spec.keys.rotateBefore: must be shorter than lifetime (24h)"},
        Mistake{"RotateBeforeExceedsLifetimeByDefault", "  keys: {lifetime: 24h}",
                "8:9: spec.keys.rotateBefore: must be shorter than lifetime (24h)"},
        Mistake{"DurationTooLong", "  syncInterval: 876001h",
                "8:17: spec.syncInterval: must be at most 876000h"},
        Mistake{"DurationOfManyDigits", "  syncInterval: '0000000000000000000000000000000001h'",
                "8:17: spec.syncInterval: must be at most 32 characters"},
        Mistake{"SelectorOfDeclaredDevices", "  selector: {}",
                "8:13: spec.selector: only goes with devices: All"},
        Mistake{"BadCaName", "  mode: Observe\n  caSecretRef: {name: A}",
                "9:23: spec.caSecretRef.name: expected a name of lower-case letters, digits, '-' "
                "and '.', at most 253 characters"},
        Mistake{"SmallLetterInATime", "  keys: {renewAfter: '2026-11-23t07:00:00Z'}",
                "8:22: spec.keys.renewAfter: expected a time such as \"2026-11-23T07:00:00Z\" (RFC "
                "3339)"},
        Mistake{"LeapSecond", "  keys: {renewAfter: '2016-12-31T23:59:60Z'}",
                "8:22: spec.keys.renewAfter: expected a time such as \"2026-11-23T07:00:00Z\" (RFC "
                "3339)"},
        Mistake{"BadTime", "  keys: {renewAfter: yesterday}",
                "8:22: spec.keys.renewAfter: expected a time such as \"2026-11-23T07:00:00Z\" (RFC "
                "3339)"},
        Mistake{"BadDay", "  keys: {windows: [{days: [Monday], start: '02:00', duration: 1h}]}",
                "8:27: spec.keys.windows[].days: expected Mon, Tue, Wed, Thu, Fri, Sat or Sun"},
        Mistake{"BadTimeOfDay", "  keys: {windows: [{start: '24:00', duration: 1h}]}",
                "8:28: spec.keys.windows[].start: expected a time of day such as \"02:00\""},
        Mistake{"WindowWithoutDuration", "  keys: {windows: [{start: '02:00'}]}",
                "8:20: spec.keys.windows[].duration: is required"},
        Mistake{"WindowWithDurationNull", "  keys: {windows: [{start: '02:00', duration: null}]}",
                "8:47: spec.keys.windows[].duration: is required"},
        Mistake{"BadTimeZone",
                "  keys: {windows: [{start: '02:00', duration: 1h, timeZone: ../UTC}]}",
                "8:61: spec.keys.windows[].timeZone: expected a time zone such as Europe/Berlin"},
        Mistake{"TooManyDays",
                "  keys: {windows: [{start: '02:00', duration: 1h, days: [Mon, Mon, Mon, Mon, Mon, "
                "Mon, Mon, Mon]}]}",
                "8:57: spec.keys.windows[].days: must have at most 7 entries"},
        Mistake{"WindowsAreAMapping", "  keys: {windows: {start: '02:00'}}",
                "8:19: spec.keys.windows: expected a list"},
        Mistake{"TypesAreNumbers", "  devices: All\n  selector: {deviceTypes: [1]}",
                "9:28: spec.selector.deviceTypes: expected a list of strings"},
        Mistake{"TagIsANumber", "  devices: All\n  selector: {tags: {site: 7}}",
                "9:27: spec.selector.tags.site: expected a string, not an integer: put it in "
                "quotes"},
        Mistake{"ServiceMissing", "  variables: {target: Service}",
                "8:14: spec.variables.service: is required with target: Service"},
        Mistake{"ServiceEmpty", "  variables: {target: Service, service: ''}",
                "8:41: spec.variables.service: is required with target: Service"},
        Mistake{"ServiceOnDevice", "  variables: {service: relay}",
                "8:24: spec.variables.service: only goes with target: Service"},
        Mistake{"UrlWithoutScheme", "  apiUrl: api.balena-cloud.com",
                "8:11: spec.apiUrl: api.balena-cloud.com: URLs must start with https://"},
        Mistake{
            "UrlWithoutTls", "  apiUrl: http://api.balena-cloud.com",
            "8:11: spec.apiUrl: http://api.balena-cloud.com: http:// is accepted for this machine "
            "only; use https://"},
        Mistake{"UrlWithVersion", "  apiUrl: https://api.balena-cloud.com/v7/",
                "8:11: spec.apiUrl: expected a URL without the API's version, which is added: "
                "leave out /v7"},
        Mistake{"UrlWithQuery", "  apiUrl: https://api.example/?x",
                "8:11: spec.apiUrl: expected a URL such as https://api.balena-cloud.com"},
        Mistake{"UrlWithOddHost", "  apiUrl: https://a$b",
                "8:11: spec.apiUrl: expected a URL such as https://api.balena-cloud.com"},
        Mistake{"RateIsZero", "  callBudget: {requestsPerSecond: 0}",
                "8:35: spec.callBudget.requestsPerSecond: expected a number above zero"},
        Mistake{"RateIsNegative", "  callBudget: {requestsPerSecond: -1.5}",
                "8:35: spec.callBudget.requestsPerSecond: expected a number above zero"}),
    nameOfMistake);

class DeviceMistake : public testing::TestWithParam<Mistake> {};
TEST_P(DeviceMistake, IsToldWithItsPlace) {
  const std::string text = R"(apiVersion: provisioning.balena-clearblade.io/v1alpha1
kind: BalenaDevice
metadata: {name: gate-7}
spec:
  fleetRef: {name: sensors}
)";
  EXPECT_THAT(parseText(text + GetParam().line).problems,
              ElementsAre(std::string("f.yaml:") + GetParam().problem));
}
INSTANTIATE_TEST_SUITE_P(
    Cases, DeviceMistake,
    testing::Values(
        Mistake{"NoUuid", "", "5:3: spec.uuid: is required"},
        Mistake{"ShortUuid", "  uuid: 7cf02a6",
                "6:9: spec.uuid: expected the full UUID, 32 or 62 lower-case hex digits"},
        Mistake{"UpperCaseUuid", "  uuid: 7CF02A69E4D34C9DA573914963CF54FD",
                "6:9: spec.uuid: expected the full UUID, 32 or 62 lower-case hex digits"},
        Mistake{"UuidIsANumber", "  uuid: 7",
                "6:9: spec.uuid: expected a string, not an integer: put it in quotes"},
        Mistake{"BadState", "  state: Gone\n  uuid: 7cf02a69e4d34c9da573914963cf54fd",
                "6:10: spec.state: expected one of Present, Absent"},
        Mistake{"RotateBeforeExceedsLifetime",
                "  uuid: 7cf02a69e4d34c9da573914963cf54fd\n"
                "  keys: {lifetime: 2h, rotateBefore: 2h}",
                "7:38: spec.keys.rotateBefore: must be shorter than lifetime"},
        Mistake{"PolicyOnlyAFleetHas",
                "  uuid: 7cf02a69e4d34c9da573914963cf54fd\n  keys: {overlap: 2h}",
                "7:10: spec.keys.overlap: unknown field; known here: lifetime, renewAfter, "
                "revokeBefore, rotateBefore"}),
    nameOfMistake);

TEST(Mistakes, OfLengthCountCharactersNotBytes) {
  const auto problemsOf = [](const std::string& owner) {
    return parseText(
               "apiVersion: provisioning.balena-clearblade.io/v1alpha1\n"
               "kind: ClearBladeRegistry\n"
               "metadata: {name: main}\n"
               "spec: {project: p, region: r, registry: d, "
               "serviceAccountSecretRef: {name: a},\n  ownerId: " +
               owner + "}\n")
        .problems;
  };
  std::string owner;
  for (int i = 0; i < 255; ++i) owner += "é";
  EXPECT_THAT(problemsOf(owner), ElementsAre());
  EXPECT_THAT(problemsOf(owner + "x"),
              ElementsAre("f.yaml:5:12: spec.ownerId: must be at most 255 characters"));
}

class MetaMistake : public testing::TestWithParam<Mistake> {};
TEST_P(MetaMistake, IsToldWithItsPlace) {
  const std::string text = R"(apiVersion: provisioning.balena-clearblade.io/v1alpha1
kind: BalenaDevice
spec: {fleetRef: {name: sensors}, uuid: 7cf02a69e4d34c9da573914963cf54fd}
)";
  EXPECT_THAT(parseText(text + GetParam().line).problems,
              ElementsAre(std::string("f.yaml:") + GetParam().problem));
}
INSTANTIATE_TEST_SUITE_P(
    Cases, MetaMistake,
    testing::Values(
        Mistake{"NoName", "metadata: {namespace: iot}", "4:11: metadata.name: is required"},
        Mistake{"BadName", "metadata: {name: Gate_7}",
                "4:18: metadata.name: expected a name of lower-case letters, digits, '-' and '.', "
                "at most 253 characters"},
        Mistake{"BadNamespace", "metadata: {name: g, namespace: -iot}",
                "4:32: metadata.namespace: expected a name of lower-case letters, digits and '-', "
                "at most 63 characters"},
        Mistake{"BadLabel", "metadata: {name: g, labels: {a b: x}}",
                "4:29: metadata.labels: not a label's key: a b"},
        Mistake{"BadLabelValue", "metadata: {name: g, labels: {a: x y}}",
                "4:29: metadata.labels: the value of a must be letters, digits, '-', '_' and '.', "
                "at most 63"},
        Mistake{"BadAnnotation", "metadata: {name: g, annotations: {a b: x}}",
                "4:34: metadata.annotations: not an annotation's key: a b"},
        Mistake{"BadFinalizer", "metadata: {name: g, finalizers: [a b]}",
                "4:33: metadata.finalizers: not a finalizer: a b"},
        Mistake{"LabelIsABool", "metadata: {name: g, labels: {hot: true}}",
                "4:35: metadata.labels.hot: expected a string, not a boolean: put it in quotes"},
        Mistake{
            "UnknownField", "metadata: {name: g, lables: {}}",
            "4:21: metadata.lables: unknown field; known here: annotations, "
            "creationTimestamp, deletionGracePeriodSeconds, deletionTimestamp, finalizers, "
            "generateName, generation, labels, managedFields, name, namespace, ownerReferences, "
            "resourceVersion, selfLink, uid"}),
    nameOfMistake);

TEST(Mistakes, AreToldAllAtOnceInTheOrderOfReading) {
  const auto problems = parseText(R"(apiVersion: provisioning.balena-clearblade.io/v1alpha1
kind: ClearBladeRegistry
metadata: {name: main}
spec:
  project: a/b
  regoin: us-central1
  registry: ""
)")
                            .problems;
  EXPECT_THAT(
      problems,
      ElementsAre("f.yaml:5:12: spec.project: must not contain '/' or white space",
                  "f.yaml:5:3: spec.region: is required", "f.yaml:7:13: spec.registry: is required",
                  "f.yaml:5:3: spec.serviceAccountSecretRef.name: is required",
                  HasSubstr("f.yaml:6:3: spec.regoin: unknown field; known here: ")));
}

TEST(Mistakes, OfKindAndVersionNameWhatIsKnown) {
  const auto ofVersion = [](const std::string& text) { return parseText(text).problems; };
  EXPECT_THAT(ofVersion("apiVersion: v1\nkind: ConfigMap\n"),
              ElementsAre("f.yaml:2:7: kind: unknown kind ConfigMap of v1; known: "
                          "ClearBladeRegistry, BalenaFleet and BalenaDevice of "
                          "provisioning.balena-clearblade.io/v1alpha1, Secret of v1"));
  EXPECT_THAT(ofVersion("apiVersion: provisioning.balena-clearblade.io/v1\nkind: BalenaFleet\n"),
              ElementsAre(HasSubstr("unknown kind BalenaFleet of provisioning")));
  EXPECT_THAT(ofVersion("kind: BalenaFleet\n"), ElementsAre("f.yaml:1:1: apiVersion: is required"));
  EXPECT_THAT(ofVersion("hello\n"), ElementsAre("f.yaml:1:1: expected a mapping, not a string"));
}

TEST(Mistakes, OfMissingPartsAreTold) {
  EXPECT_THAT(
      parseText("apiVersion: provisioning.balena-clearblade.io/v1alpha1\nkind: BalenaDevice\n")
          .problems,
      testing::IsSupersetOf(
          {"f.yaml:1:1: metadata: is required", "f.yaml:1:1: spec: is required"}));
}

TEST(Mistakes, InSecretsNeverShowAValue) {
  const auto problems = parseText(R"(apiVersion: v1
kind: Secret
metadata: {name: balena}
data:
  a: S3CRET-not-base64!
  b: 5353535353
  c: [S3CRET]
stringData:
  d: {x: S3CRET}
  e: true
S3CRET: 1
)")
                            .problems;
  EXPECT_THAT(problems,
              ElementsAre("f.yaml:5:6: data.a: expected base64; plain text goes in stringData",
                          "f.yaml:6:6: data.b: expected a string: put it in quotes",
                          "f.yaml:7:6: data.c: expected a string: put it in quotes",
                          "f.yaml:9:6: stringData.d: expected a string: put it in quotes",
                          "f.yaml:10:6: stringData.e: expected a string: put it in quotes",
                          "f.yaml:1:1: the Secret holds no value", HasSubstr("unknown field")));
  for (std::size_t i = 0; i + 1 < problems.size(); ++i) {
    EXPECT_THAT(problems[i], Not(HasSubstr("S3CRET")));
    EXPECT_THAT(problems[i], Not(HasSubstr("5353")));
  }
  EXPECT_THAT(
      parseText("apiVersion: v1\nkind: Secret\nmetadata: {name: b}\ndata: S3CRET\n").problems,
      ElementsAre("f.yaml:4:7: data: expected a mapping", "f.yaml:1:1: the Secret holds no value"));
}

}  // namespace
}  // namespace bco::api
