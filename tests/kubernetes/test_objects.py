"""What the API server makes of the three kinds, beyond accepting and refusing them."""

import json

import pytest

from cluster import APIS, GROUP
from documents import FULL, PLURALS, REQUIRED, UUID, document, put

TIME = "2026-11-23T07:00:00Z"


class Objects:
    """Those of one namespace."""

    def __init__(self, cluster, namespace):
        self.cluster = cluster
        self.namespace = namespace

    def path(self, kind, name="", sub=""):
        return "/".join(filter(None, (f"{APIS}/namespaces/{self.namespace}/{PLURALS[kind]}", name, sub)))

    def make(self, kind, spec=None, name="x"):
        made = self.cluster.request("POST", self.path(kind) + "?fieldValidation=Strict",
                                    document(kind, REQUIRED[kind] | (spec or {}), name=name))
        assert made.status == 201, made.message
        return made.body

    def read(self, kind, name="x"):
        return self.cluster.request("GET", self.path(kind, name)).body

    def change(self, kind, spec, name="x"):
        return self.cluster.request("PATCH", self.path(kind, name), {"spec": spec},
                                    "merge-patch+json")

    def set_status(self, kind, status, name="x"):
        """As the operator does."""
        return self.cluster.request(
            "PATCH", self.path(kind, name, "status")
            + "?fieldManager=operator&force=true&fieldValidation=Strict",
            {"apiVersion": f"{GROUP}/v1alpha1", "kind": kind, "status": status}, "apply-patch+yaml")

    def table(self, *arguments):
        """What `kubectl get` prints, as lists of cells."""
        lines = self.cluster.kubectl("get", "-n", self.namespace, *arguments).splitlines()
        starts = [i for i, c in enumerate(lines[0]) if c != " " and (i == 0 or lines[0][i - 3:i] == "   ")]
        cut = list(zip(starts, [*starts[1:], None]))
        return [[line[start:end].strip() for start, end in cut] for line in lines]


@pytest.fixture
def objects(cluster, namespace):
    return Objects(cluster, namespace)


CONDITION = {"type": "Ready", "status": "True", "reason": "Synced", "message": "",
             "observedGeneration": 1, "lastTransitionTime": TIME}
# All that the operator may have to say.
STATUS = {
    "BalenaDevice": {
        "observedGeneration": 1, "phase": "Ready", "deviceName": "lively-meadow",
        "registration": f"projects/p/locations/r/registries/d/devices/balena-{UUID}",
        "key": {"fingerprint": "sha256:" + "0a" * 32, "generation": 3, "issuedAt": TIME,
                "expiresAt": "2027-02-21T07:00:00Z", "rotateAt": "2027-01-22T07:00:00Z",
                "verifiedAt": "2026-11-23T07:00:00.123Z"},
        "lastSeen": TIME, "absentSince": TIME, "failureCount": 2, "lastFailureTime": TIME,
        "lastHandledReconcileAt": "any token", "conditions": [CONDITION]},
    "BalenaFleet": {
        "observedGeneration": 1, "fleetId": 5000000000,
        "devices": {"total": 9, "ready": 1, "pending": 1, "waiting": 1, "failed": 1, "conflict": 1,
                    "suspended": 1, "stale": 1, "deprovisioning": 2},
        "lastCompleteSync": {"balena": TIME, "registry": TIME},
        "failing": [{"uuid": UUID, "reason": "NotOurs", "message": "…"}],
        "removal": {"halted": True, "candidates": 7, "set": "0a1b", "since": TIME,
                    "recent": [{"hour": TIME, "count": 2}]},
        "renewal": {"requested": 2, "done": 1}, "failureCount": 2, "lastFailureTime": TIME,
        "lastHandledReconcileAt": "any token", "conditions": [CONDITION]},
    "ClearBladeRegistry": {
        "observedGeneration": 1, "ownerId": "site-a",
        "registrations": {"total": 1000, "owned": 998, "foreign": 2}, "lastCompleteSync": TIME,
        "failureCount": 2, "lastFailureTime": TIME, "lastHandledReconcileAt": "any token",
        "conditions": [CONDITION]},
}
DEFAULTS = {
    "BalenaDevice": {"state": "Present", "suspend": False},
    "BalenaFleet": {
        "apiUrl": "https://api.balena-cloud.com", "tokenSecretRef": {"name": "balena", "key": "token"},
        "mode": "Enforce", "devices": "Declared", "variables": {"target": "Device"},
        "keys": {"lifetime": "2160h", "rotateBefore": "720h", "overlap": "168h",
                 "offlineGrace": "2160h", "verifyInterval": "24h",
                 "renewal": {"maxConcurrent": 10, "window": "1h"}},
        "adoption": "IfKeyMatches",
        "stale": {"policy": "Report", "after": "24h", "maxPerSync": 10, "maxPercent": 5,
                  "maxPerDay": 50},
        "deletionPolicy": "Retain", "endpoint": {"enrol": False}, "syncInterval": "5m",
        "callBudget": {"requestsPerSecond": 20, "burst": 40, "maxInFlight": 8}, "suspend": False},
    "ClearBladeRegistry": {
        "serviceAccountSecretRef": {"name": "clearblade", "key": "service-account.json"},
        "keySeedSecretRef": {"name": "bco-key-seed", "key": "seed"},
        "callBudget": {"createDeletePerMinute": 3000, "updatesPerMinute": 3000,
                       "readsPerMinute": 30000, "maxInFlight": 16}},
}


@pytest.mark.parametrize("kind", PLURALS)
def test_fills_in_the_defaults(objects, kind):
    objects.make(kind)
    assert objects.read(kind)["spec"] == REQUIRED[kind] | DEFAULTS[kind]


@pytest.mark.parametrize("kind, spec, filled", [
    ("BalenaFleet", {"caSecretRef": {"name": "my-ca"}}, {"caSecretRef": {"name": "my-ca", "key": "ca.crt"}}),
    ("BalenaFleet", {"variables": {}}, {"variables": {"target": "Device"}}),
    ("BalenaFleet", {"keys": {"overlap": "2h"}},
     {"keys": DEFAULTS["BalenaFleet"]["keys"] | {"overlap": "2h"}}),
    ("BalenaFleet", {"keys": {"windows": [{"start": "02:00", "duration": "1h"}]}},
     {"keys": DEFAULTS["BalenaFleet"]["keys"]
      | {"windows": [{"start": "02:00", "duration": "1h", "timeZone": "UTC"}]}}),
    ("ClearBladeRegistry", {"caSecretRef": {"name": "my-ca"}},
     {"caSecretRef": {"name": "my-ca", "key": "ca.crt"}}),
    ("ClearBladeRegistry", {"keySeedSecretRef": {"key": "x"}},
     {"keySeedSecretRef": {"name": "bco-key-seed", "key": "x"}}),
    ("BalenaDevice", {"keys": {"lifetime": "2h"}}, {"keys": {"lifetime": "2h"}})])
def test_fills_in_what_a_part_leaves_out(objects, kind, spec, filled):
    objects.make(kind, spec)
    read = objects.read(kind)["spec"]
    assert {name: read[name] for name in filled} == filled


IMMUTABLE = {
    "BalenaDevice": {"uuid": "a" * 32, "fleetRef.name": "others"},
    "BalenaFleet": {"fleet": "acme/others", "registryRef.name": "others", "variables.target": "Device",
                    "variables.service": "other"},
    "ClearBladeRegistry": {"project": "other", "region": "other", "registry": "other"}}


@pytest.mark.parametrize("kind", PLURALS)
def test_lets_everything_be_changed_but_what_it_is(objects, kind):
    objects.make(kind, FULL[kind])
    for path, value in IMMUTABLE[kind].items():
        refused = objects.change(kind, put(FULL[kind], path, value))
        assert refused.status == 422
        assert f"{path.split('.')[0]} cannot be changed: make another object" in refused.message
    if kind == "BalenaFleet":
        assert "variables cannot be changed" in objects.change(kind, {"variables": None}).message
    fixed = {path.split(".")[0] for path in IMMUTABLE[kind]}
    required = set(REQUIRED[kind])
    # All the rest goes at once.
    changed = objects.change(kind, {name: None for name in FULL[kind] if name not in fixed | required})
    assert changed.status == 200, changed.message
    assert {name: value for name, value in changed.body["spec"].items() if name not in fixed} == {
        name: value for name, value in (REQUIRED[kind] | DEFAULTS[kind] | {
            ref: FULL[kind][ref] for ref in required if ref in FULL[kind]}).items()
        if name not in fixed}


@pytest.mark.parametrize("kind", PLURALS)
def test_takes_an_object_for_unseen_until_its_status_is_written(objects, kind):
    objects.make(kind)
    assert objects.read(kind)["status"] == {"observedGeneration": -1}
    assert objects.set_status(kind, STATUS[kind]).status == 200
    read = objects.read(kind)
    assert read["status"] == STATUS[kind]
    assert read["metadata"]["generation"] == 1
    objects.change(kind, {"suspend": True} if kind != "ClearBladeRegistry" else {"ownerId": "b"})
    assert objects.read(kind)["metadata"]["generation"] == 2


@pytest.mark.parametrize("kind", PLURALS)
def test_keeps_the_status_from_those_who_write_the_spec(objects, kind):
    objects.make(kind)
    objects.cluster.request("PATCH", objects.path(kind, "x"), {"status": STATUS[kind]},
                            "merge-patch+json")
    assert objects.read(kind)["status"] == {"observedGeneration": -1}


@pytest.mark.parametrize("kind", PLURALS)
def test_takes_conditions_one_by_one(objects, kind):
    objects.make(kind)
    stalled = CONDITION | {"type": "Stalled", "status": "False"}
    assert objects.set_status(kind, {"conditions": [CONDITION, stalled]}).status == 200
    refused = objects.set_status(kind, {"conditions": [CONDITION, CONDITION]})
    assert "duplicate" in refused.message.lower()
    assert objects.set_status(kind, {"conditions": [stalled]}).status == 200
    assert objects.read(kind)["status"]["conditions"] == [stalled]
    for wrong in ({"status": "Yes"}, {"reason": ""}, {"reason": "two words"}, {"type": "a b"},
                  {"lastTransitionTime": "now"}):
        refused = objects.set_status(kind, {"conditions": [CONDITION | wrong]})
        assert refused.status in (400, 422), wrong


def test_prints_what_people_look_for(objects):
    for kind in PLURALS:
        objects.make(kind, {"ownerId": "site-a"} if kind == "ClearBladeRegistry" else None)
        objects.set_status(kind, STATUS[kind])
    heads, row = objects.table("bdev")
    assert heads == ["NAME", "FLEET", "PHASE", "KEY EXPIRES", "AGE"]
    assert row[:4] == ["x", "sensors", "Ready", "2027-02-21T07:00:00Z"]
    heads, row = objects.table("bfleet")
    assert heads == ["NAME", "FLEET", "READY", "DEVICES", "CONNECTED", "FAILED", "CONFLICT", "AGE"]
    assert row[:7] == ["x", "acme/sensors", "True", "9", "1", "1", "1"]
    heads, row = objects.table("cbreg")
    assert heads == ["NAME", "PROJECT", "REGISTRY", "READY", "OWNED", "AGE"]
    assert row[:5] == ["x", "my-project", "devices", "True", "998"]


def test_prints_more_when_asked(objects):
    for kind in PLURALS:
        objects.make(kind)
        objects.set_status(kind, STATUS[kind])
    wide = {kind: dict(zip(*objects.table(PLURALS[kind], "-o", "wide"))) for kind in PLURALS}
    assert wide["BalenaDevice"].items() >= {"DEVICE": "lively-meadow", "UUID": UUID, "KEY": "3",
                                            "REASON": "Synced", "MESSAGE": ""}.items()
    assert wide["BalenaFleet"].items() >= {"REGISTRY": "main", "MODE": "Enforce", "SUSPENDED": "false",
                                           "WAITING": "1", "STALE": "1", "REASON": "Synced"}.items()
    assert wide["ClearBladeRegistry"].items() >= {"REGION": "us-central1", "TOTAL": "1000",
                                                  "OWNER": "site-a", "REASON": "Synced"}.items()


def test_selects_by_fields(objects):
    objects.make("BalenaDevice", name="a")
    objects.make("BalenaDevice", {"uuid": "b" * 32, "fleetRef": {"name": "others"}}, name="b")
    objects.set_status("BalenaDevice", {"phase": "Ready"}, "a")
    objects.make("BalenaFleet", name="a")
    objects.make("BalenaFleet", {"fleet": "acme/others", "registryRef": {"name": "others"}}, name="b")
    objects.make("ClearBladeRegistry", name="a")
    objects.make("ClearBladeRegistry", {"project": "others", "registry": "others"}, name="b")
    objects.set_status("ClearBladeRegistry", {"ownerId": "site-a"}, "a")
    for kind, selected in {"bdev": ("spec.fleetRef.name=sensors", f"spec.uuid={UUID}", "status.phase=Ready"),
                           "bfleet": ("spec.fleet=acme/sensors", "spec.registryRef.name=main"),
                           "cbreg": ("spec.project=my-project", "spec.registry=devices",
                                     "status.ownerId=site-a")}.items():
        for selector in selected:
            rows = objects.table(kind, "--field-selector", selector)
            assert [row[0] for row in rows] == ["NAME", "a"], selector


def test_is_readable_by_everyday_tools(objects):
    """Applied again, an object that was read back is what it was."""
    objects.make("BalenaFleet", FULL["BalenaFleet"])
    objects.set_status("BalenaFleet", STATUS["BalenaFleet"])
    exported = objects.cluster.kubectl("get", "bfleet", "x", "-n", objects.namespace, "-o", "json")
    objects.cluster.kubectl("replace", "-f", "-", input=exported)
    assert objects.read("BalenaFleet")["spec"] == json.loads(exported)["spec"] == FULL["BalenaFleet"]
