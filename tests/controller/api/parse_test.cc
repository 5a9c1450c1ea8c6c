// The three kinds and Secrets with every field of the reference, and with none that may be absent.
#include "api/parse.h"

#include <gmock/gmock.h>

#include "tests/controller/api/documents.h"

namespace bco::api {
namespace {

using namespace std::chrono_literals;
using test::parsed;
using testing::ElementsAre;
using testing::Pair;
using testing::UnorderedElementsAre;

TEST(ParseRegistry, ReadsEveryField) {
  const auto registry = parsed<ClearBladeRegistry>(R"(
apiVersion: provisioning.balena-clearblade.io/v1alpha1
kind: ClearBladeRegistry
metadata: {name: main, namespace: iot}
spec:
  project: my-project
  region: us-central1
  registry: devices
  serviceAccountSecretRef: {name: clearblade, key: account.json}
  caSecretRef: {name: my-ca, key: bundle.pem}
  ownerId: site-a
  keySeedSecretRef: {name: my-seed, key: bytes}
  callBudget: {createDeletePerMinute: 1, updatesPerMinute: 2, readsPerMinute: 3.0, maxInFlight: 4}
)");
  EXPECT_EQ(toString(registry.meta.key), "iot/main");
  EXPECT_EQ(registry.spec.project, "my-project");
  EXPECT_EQ(registry.spec.region, "us-central1");
  EXPECT_EQ(registry.spec.registry, "devices");
  EXPECT_EQ(registry.path(), "projects/my-project/locations/us-central1/registries/devices");
  EXPECT_EQ(registry.spec.serviceAccount, (SecretKeyRef{"clearblade", "account.json"}));
  EXPECT_EQ(registry.spec.ca, (SecretKeyRef{"my-ca", "bundle.pem"}));
  EXPECT_EQ(registry.spec.ownerId, "site-a");
  EXPECT_EQ(registry.spec.keySeed, (SecretKeyRef{"my-seed", "bytes"}));
  EXPECT_EQ(registry.spec.budget, (RegistryBudget{1, 2, 3, 4}));
}

TEST(ParseRegistry, HasTheReferencesDefaults) {
  const auto registry = parsed<ClearBladeRegistry>(R"(
apiVersion: provisioning.balena-clearblade.io/v1alpha1
kind: ClearBladeRegistry
metadata: {name: main}
spec:
  project: my-project
  region: us-central1
  registry: devices
  serviceAccountSecretRef: {name: clearblade}
  caSecretRef: {name: my-ca}
)");
  EXPECT_EQ(toString(registry.meta.key), "default/main");
  EXPECT_EQ(registry.spec.serviceAccount, (SecretKeyRef{"clearblade", "service-account.json"}));
  EXPECT_EQ(registry.spec.ca, (SecretKeyRef{"my-ca", "ca.crt"}));
  EXPECT_EQ(registry.spec.ownerId, std::nullopt);
  EXPECT_EQ(registry.spec.keySeed, (SecretKeyRef{"bco-key-seed", "seed"}));
  EXPECT_EQ(registry.spec.budget, (RegistryBudget{3000, 3000, 30000, 16}));
}

TEST(ParseFleet, LetsKeysLiveForMinutesWhereTheCloudIsOnThisMachine) {
  const std::string head = R"(
apiVersion: provisioning.balena-clearblade.io/v1alpha1
kind: BalenaFleet
metadata: {name: sensors}
spec:
  fleet: acme/sensors
  tokenSecretRef: {name: balena}
  registryRef: {name: main}
  apiUrl: )";
  const auto fleet = parsed<BalenaFleet>(
      head + "http://127.0.0.1:8080\n  keys: {lifetime: 90s, rotateBefore: 30s, overlap: 1m}\n");
  EXPECT_EQ(fleet.spec.keys.lifetime, 90s);
  EXPECT_EQ(fleet.spec.keys.rotateBefore, 30s);
}

TEST(ParseFleet, ReadsEveryField) {
  const auto fleet = parsed<BalenaFleet>(R"(
apiVersion: provisioning.balena-clearblade.io/v1alpha1
kind: BalenaFleet
metadata:
  name: sensors
  annotations:
    provisioning.balena-clearblade.io/reconcile-requested-at: "any token"
spec:
  fleet: acme/sensors
  apiUrl: https://api.balena.example/
  tokenSecretRef: {name: balena, key: api-token}
  caSecretRef: {name: my-ca, key: bundle.pem}
  registryRef: {name: main}
  mode: Observe
  devices: All
  selector: {tags: {site: roof}, excludeTags: {state: spare}, deviceTypes: [raspberrypi4-64, fincm3]}
  variables: {target: Service, service: relay}
  keys:
    lifetime: 2h
    rotateBefore: 1h
    overlap: 3h
    offlineGrace: 4h
    verifyInterval: 5h
    renewAfter: "2026-11-23T07:00:00Z"
    revokeBefore: "2026-11-22T07:00:00Z"
    renewal: {maxConcurrent: 6, window: 7h}
    windows:
      - {days: [Mon, Sun], start: "02:00", duration: 4h, timeZone: Europe/Berlin}
      - {start: "23:59", duration: 1m}
  adoption: Always
  stale: {policy: Delete, after: 8h, maxPerSync: 9, maxPercent: 10, maxPerDay: 11}
  deletionPolicy: Delete
  endpoint: {enrol: true}
  syncInterval: 12m
  callBudget: {requestsPerSecond: 0.5, burst: 13, maxInFlight: 14}
  suspend: true
)");
  const FleetSpec& spec = fleet.spec;
  EXPECT_EQ(toString(fleet.meta.key), "default/sensors");
  EXPECT_THAT(fleet.meta.annotations,
              ElementsAre(Pair(std::string(kReconcileAnnotation), "any token")));
  EXPECT_EQ(toString(fleet.registryKey()), "default/main");
  EXPECT_EQ(spec.fleet, "acme/sensors");
  EXPECT_EQ(spec.apiUrl, "https://api.balena.example");
  EXPECT_EQ(spec.token, (SecretKeyRef{"balena", "api-token"}));
  EXPECT_EQ(spec.ca, (SecretKeyRef{"my-ca", "bundle.pem"}));
  EXPECT_EQ(spec.registry, "main");
  EXPECT_EQ(spec.mode, Mode::kObserve);
  EXPECT_EQ(spec.devices, DeviceSource::kAll);
  EXPECT_THAT(spec.selector.tags, ElementsAre(Pair("site", "roof")));
  EXPECT_THAT(spec.selector.excludeTags, ElementsAre(Pair("state", "spare")));
  EXPECT_THAT(spec.selector.deviceTypes, ElementsAre("raspberrypi4-64", "fincm3"));
  EXPECT_EQ(spec.service, "relay");
  EXPECT_EQ(spec.keys.lifetime, 2h);
  EXPECT_EQ(spec.keys.rotateBefore, 1h);
  EXPECT_EQ(spec.keys.overlap, 3h);
  EXPECT_EQ(spec.keys.offlineGrace, 4h);
  EXPECT_EQ(spec.keys.verifyInterval, 5h);
  EXPECT_EQ(spec.keys.renewAfter, parseRfc3339("2026-11-23T07:00:00Z"));
  EXPECT_EQ(spec.keys.revokeBefore, parseRfc3339("2026-11-22T07:00:00Z"));
  EXPECT_EQ(spec.keys.renewal, (RenewalPace{6, 7h}));
  EXPECT_THAT(spec.keys.windows,
              ElementsAre(MaintenanceWindow{{"Mon", "Sun"}, "02:00", 4h, "Europe/Berlin"},
                          MaintenanceWindow{{}, "23:59", 1min, "UTC"}));
  EXPECT_EQ(spec.adoption, Adoption::kAlways);
  EXPECT_EQ(spec.stale, (StaleRules{StalePolicy::kDelete, 8h, 9, 10, 11}));
  EXPECT_EQ(spec.deletionPolicy, DeletionPolicy::kDelete);
  EXPECT_TRUE(spec.enrol);
  EXPECT_EQ(spec.syncInterval, 12min);
  EXPECT_EQ(spec.budget, (FleetBudget{0.5, 13, 14}));
  EXPECT_TRUE(spec.suspend);
}

TEST(ParseFleet, HasTheReferencesDefaults) {
  const auto fleet = parsed<BalenaFleet>(R"(
apiVersion: provisioning.balena-clearblade.io/v1alpha1
kind: BalenaFleet
metadata: {name: sensors}
spec: {fleet: acme/sensors, tokenSecretRef: {name: balena}, registryRef: {name: main}}
)");
  FleetSpec expected;
  expected.fleet = "acme/sensors";
  expected.apiUrl = "https://api.balena-cloud.com";
  expected.token = {"balena", "token"};
  expected.registry = "main";
  expected.mode = Mode::kEnforce;
  expected.devices = DeviceSource::kDeclared;
  expected.keys.lifetime = 2160h;
  expected.keys.rotateBefore = 720h;
  expected.keys.overlap = 168h;
  expected.keys.offlineGrace = 2160h;
  expected.keys.verifyInterval = 24h;
  expected.keys.renewal = {10, 1h};
  expected.adoption = Adoption::kIfKeyMatches;
  expected.stale = {StalePolicy::kReport, 24h, 10, 5, 50};
  expected.deletionPolicy = DeletionPolicy::kRetain;
  expected.syncInterval = 5min;
  expected.budget = {20, 40, 8};
  EXPECT_EQ(fleet.spec, expected);
  EXPECT_EQ(fleet.spec.ca, std::nullopt);
  EXPECT_EQ(fleet.spec.service, std::nullopt);
  EXPECT_FALSE(fleet.spec.enrol);
  EXPECT_FALSE(fleet.spec.suspend);
}

TEST(ParseFleet, TakesNullForAnAbsentField) {
  const auto fleet = parsed<BalenaFleet>(R"(
apiVersion: provisioning.balena-clearblade.io/v1alpha1
kind: BalenaFleet
metadata: {name: sensors, annotations: null}
spec:
  fleet: acme/sensors
  tokenSecretRef: {name: balena, key: null}
  caSecretRef: null
  registryRef: {name: main}
  keys: {lifetime: null, renewAfter: null, windows: null}
  variables: null
)");
  EXPECT_EQ(fleet.spec.token.key, "token");
  EXPECT_EQ(fleet.spec.ca, std::nullopt);
  EXPECT_EQ(fleet.spec.keys, KeyPolicy{});
}

TEST(ParseDevice, ReadsEveryField) {
  const auto device = parsed<BalenaDevice>(R"(
apiVersion: provisioning.balena-clearblade.io/v1alpha1
kind: BalenaDevice
metadata:
  name: gate-7
  labels:
    provisioning.balena-clearblade.io/fleet: sensors
    provisioning.balena-clearblade.io/discovered: "true"
  annotations:
    provisioning.balena-clearblade.io/release: "true"
  finalizers: [provisioning.balena-clearblade.io/deprovision]
spec:
  uuid: 7cf02a69e4d34c9da573914963cf54fd
  fleetRef: {name: sensors}
  state: Absent
  keys: {lifetime: 720h, rotateBefore: 240h, renewAfter: "2026-11-23T07:00:00Z", revokeBefore: "2026-11-22T07:00:00.5+01:00"}
  adoption: Never
  deletionPolicy: Delete
  suspend: true
)");
  EXPECT_EQ(toString(device.meta.key), "default/gate-7");
  EXPECT_EQ(toString(device.fleetKey()), "default/sensors");
  EXPECT_TRUE(device.meta.isDiscovered());
  EXPECT_TRUE(device.meta.hasFinalizer());
  EXPECT_TRUE(device.meta.annotations.contains(kReleaseAnnotation));
  EXPECT_EQ(device.spec.uuid, "7cf02a69e4d34c9da573914963cf54fd");
  EXPECT_EQ(device.spec.state, DesiredState::kAbsent);
  EXPECT_EQ(device.spec.keys.lifetime, 720h);
  EXPECT_EQ(device.spec.keys.rotateBefore, 240h);
  EXPECT_EQ(device.spec.keys.renewAfter, parseRfc3339("2026-11-23T07:00:00Z"));
  EXPECT_EQ(device.spec.keys.revokeBefore, parseRfc3339("2026-11-22T06:00:00.5Z"));
  EXPECT_EQ(device.spec.adoption, Adoption::kNever);
  EXPECT_EQ(device.spec.deletionPolicy, DeletionPolicy::kDelete);
  EXPECT_TRUE(device.spec.suspend);
}

TEST(ParseDevice, InheritsWhatItDoesNotSay) {
  const auto device = parsed<BalenaDevice>(R"(
apiVersion: provisioning.balena-clearblade.io/v1alpha1
kind: BalenaDevice
metadata: {name: gate-7}
spec: {uuid: 7cf02a69e4d34c9da573914963cf54fd, fleetRef: {name: sensors}}
)");
  DeviceSpec expected;
  expected.uuid = "7cf02a69e4d34c9da573914963cf54fd";
  expected.fleet = "sensors";
  EXPECT_EQ(device.spec, expected);
  EXPECT_EQ(device.spec.state, DesiredState::kPresent);
  EXPECT_EQ(device.status.observedGeneration, -1);
  EXPECT_FALSE(device.meta.isDiscovered());

  FleetSpec fleet;
  fleet.keys.lifetime = 100h;
  fleet.keys.overlap = 9h;
  EXPECT_EQ(effectiveKeys(fleet, device.spec), fleet.keys);
  DeviceSpec other = device.spec;
  other.keys = {50h, 20h, parseRfc3339("2026-11-23T07:00:00Z"), std::nullopt};
  const KeyPolicy keys = effectiveKeys(fleet, other);
  EXPECT_EQ(keys.lifetime, 50h);
  EXPECT_EQ(keys.rotateBefore, 20h);
  EXPECT_EQ(keys.overlap, 9h);
  EXPECT_EQ(keys.renewAfter, other.keys.renewAfter);
  EXPECT_EQ(keys.revokeBefore, std::nullopt);
}

TEST(ParseDevice, TakesLongUuids) {
  const std::string uuid(62, 'a');
  EXPECT_EQ(parsed<BalenaDevice>("apiVersion: provisioning.balena-clearblade.io/v1alpha1\n"
                                 "kind: BalenaDevice\n"
                                 "metadata: {name: d}\n"
                                 "spec: {uuid: " +
                                 uuid + ", fleetRef: {name: sensors}}\n")
                .spec.uuid,
            uuid);
}

TEST(ParseSecret, ReadsDataAndStringData) {
  const auto secret = parsed<Secret>(R"(
apiVersion: v1
kind: Secret
type: Opaque
immutable: true
metadata: {name: balena, namespace: iot}
data:
  token: czNjcmV0
  both: b2xk
stringData:
  both: new
)");
  EXPECT_EQ(toString(secret.key), "iot/balena");
  ASSERT_EQ(secret.values.size(), 2U);
  EXPECT_TRUE(secret.values.at("token").equals("s3cret"));
  EXPECT_TRUE(secret.values.at("both").equals("new"));
}

// What `kubectl get -o yaml` prints can be read as it is.
TEST(ParseObject, TakesWhatTheApiServerAdds) {
  const auto device = parsed<BalenaDevice>(R"(
apiVersion: provisioning.balena-clearblade.io/v1alpha1
kind: BalenaDevice
metadata:
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: |
      {"apiVersion":"provisioning.balena-clearblade.io/v1alpha1"}
  creationTimestamp: "2026-11-23T07:00:00Z"
  deletionGracePeriodSeconds: 0
  deletionTimestamp: "2026-11-23T08:00:00Z"
  finalizers:
  - provisioning.balena-clearblade.io/deprovision
  generation: 2
  managedFields:
  - apiVersion: provisioning.balena-clearblade.io/v1alpha1
    fieldsType: FieldsV1
    fieldsV1: {f:spec: {}}
    manager: kubectl
    operation: Apply
  name: gate-7
  namespace: iot
  ownerReferences:
  - {apiVersion: v1, kind: ConfigMap, name: x, uid: z}
  resourceVersion: "812"
  selfLink: /apis/x
  uid: 0f6fa2c7-7a1a-4b46-9f0c-9d4f5a3f9c55
spec:
  fleetRef: {name: sensors}
  uuid: 7cf02a69e4d34c9da573914963cf54fd
status:
  observedGeneration: 2
  phase: Ready
  conditions:
  - {type: Ready, status: "True"}
)");
  EXPECT_EQ(toString(device.meta.key), "iot/gate-7");
  EXPECT_EQ(device.status.observedGeneration, -1);
  EXPECT_EQ(device.meta.deletedAt, std::nullopt);
  EXPECT_EQ(device.meta.uid, "");
}

TEST(ParseObject, ReadsJson) {
  const auto device = parsed<BalenaDevice>(
      R"({"apiVersion": "provisioning.balena-clearblade.io/v1alpha1", "kind": "BalenaDevice",
          "metadata": {"name": "gate-7", "labels": {"a": "1", "b": "2"}},
          "spec": {"uuid": "7cf02a69e4d34c9da573914963cf54fd", "fleetRef": {"name": "sensors"}}})");
  EXPECT_THAT(device.meta.labels, UnorderedElementsAre(Pair("a", "1"), Pair("b", "2")));
}

}  // namespace
}  // namespace bco::api
