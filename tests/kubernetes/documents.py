"""Documents of the three kinds: for each field, what it accepts and what it refuses."""

import copy

UUID = "7cf02a69e4d34c9da573914963cf54fd"
API_VERSION = "provisioning.balena-clearblade.io/v1alpha1"
PLURALS = {"BalenaDevice": "balenadevices", "BalenaFleet": "balenafleets",
           "ClearBladeRegistry": "clearbladeregistries"}

# Every field, so that each can be changed alone.
FULL = {
    "BalenaDevice": {
        "uuid": UUID, "fleetRef": {"name": "sensors"}, "state": "Absent",
        "keys": {"lifetime": "876000h", "rotateBefore": "1m", "renewAfter": "2026-11-23T07:00:00Z",
                 "revokeBefore": "2026-11-22T07:00:00.5+01:00"},
        "adoption": "Never", "deletionPolicy": "Delete", "suspend": True},
    "BalenaFleet": {
        "fleet": "acme/sensors", "apiUrl": "https://api.balena.example",
        "tokenSecretRef": {"name": "balena", "key": "api-token"},
        "caSecretRef": {"name": "my-ca", "key": "bundle.pem"}, "registryRef": {"name": "main"},
        "mode": "Observe", "devices": "All",
        "selector": {"tags": {"site": "roof"}, "excludeTags": {"state": "spare"},
                     "deviceTypes": ["raspberrypi4-64", "fincm3"]},
        "variables": {"target": "Service", "service": "relay"},
        "keys": {"lifetime": "876000h", "rotateBefore": "1m", "overlap": "3h", "offlineGrace": "4h",
                 "verifyInterval": "5h", "renewAfter": "2026-11-23T07:00:00Z",
                 "revokeBefore": "2026-11-22T07:00:00Z",
                 "renewal": {"maxConcurrent": 6, "window": "7h"},
                 "windows": [{"days": ["Mon", "Sun"], "start": "02:00", "duration": "4h",
                              "timeZone": "Europe/Berlin"}]},
        "adoption": "Always",
        "stale": {"policy": "Delete", "after": "8h", "maxPerSync": 9, "maxPercent": 10,
                  "maxPerDay": 11},
        "deletionPolicy": "Delete", "endpoint": {"enrol": True}, "syncInterval": "12m",
        "callBudget": {"requestsPerSecond": 0.5, "burst": 13, "maxInFlight": 14}, "suspend": True},
    "ClearBladeRegistry": {
        "project": "my-project", "region": "us-central1", "registry": "devices",
        "serviceAccountSecretRef": {"name": "clearblade", "key": "account.json"},
        "caSecretRef": {"name": "my-ca", "key": "bundle.pem"}, "ownerId": "site-a",
        "keySeedSecretRef": {"name": "my-seed", "key": "bytes"},
        "callBudget": {"createDeletePerMinute": 1, "updatesPerMinute": 2, "readsPerMinute": 3,
                       "maxInFlight": 4}}}
REQUIRED = {
    "BalenaDevice": {"uuid": UUID, "fleetRef": {"name": "sensors"}},
    "BalenaFleet": {"fleet": "acme/sensors", "tokenSecretRef": {"name": "balena"},
                    "registryRef": {"name": "main"}},
    "ClearBladeRegistry": {"project": "my-project", "region": "us-central1", "registry": "devices",
                           "serviceAccountSecretRef": {"name": "clearblade"}}}


# Fields of one sort: what each accepts, and what it refuses although the type is right.


def text(*refused):
    return (["x", "é" * 255, "${HOME} $(id)", "\"quoted\"", "{}"],
            ["", "x" * 256, "é" * 256, *refused])


def segment():
    return ["x", "a.b~c%2F?#", "é" * 255], ["", "a/b", "a b", "a\tb", "a\nb", "a\r", "x" * 256]


def name():
    return (["a", "0", "a-b.c-9", "a" * 253, ("a" * 63 + ".") * 3 + "a" * 61],
            ["", "A", "a_b", "-a", "a-", "a..b", ".a", "a.", "a-.b", "../a", "é", "a\n", "a" * 254])


def secret_key():
    return (["a", "A_b-c.D9", "-", "_", ".hidden", "a..b", "x" * 253],
            ["", ".", "..", "..a", "a/b", "a b", "é", "a\n", "x" * 254])


def choice(*values):
    return list(values), ["", values[0].lower(), values[0] + " ", "Other"]


def duration(least, accepted=(), refused=()):
    return (["100h", "1h30m", "1.5h", ".5h600m", "2.h", "3600s", "3600000ms", "1h0.5ms", "00000000000000000000000000100h",
             "60m0s0ms", *accepted],
            ["", "1", "h", "-1h", "+1h", "1d", "1w", "1y", "1us", "1µs", "1ns", " 1h", "1h ", "1 h",
             "1H", "1e3h", "1,5h", ".h", "1.5.2h", "1h-30m", "0x1h", "infh", "1h\n", "876000h1ms",
             "2562048h", "999999999999999999999999999999h",
             "000000000000000000000000000000100h", *refused]
            + ([] if least == "0" else ["0", "0s"]))


TIME = (["2026-11-23T07:00:00Z", "2026-11-23T07:00:00.123456789+23:59",
         "2024-02-29T23:59:59-00:00", "0001-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"],
        ["", "yesterday", "2026-11-23t07:00:00Z", "2026-11-23T07:00:00z", "2026-11-23", "2026-11-23T07:00Z", "2026-11-23T07:00:00",
         "2026-11-23 07:00:00Z", "2026-02-29T07:00:00Z", "2026-13-01T07:00:00Z",
         "2026-11-31T07:00:00Z", "2026-11-23T24:00:00Z", "2026-11-23T07:60:00Z",
         "2016-12-31T23:59:60Z", "2026-11-23T07:00:00.Z", "2026-11-23T07:00:00,5Z",
         "2026-11-23T07:00:00.1234567891Z", "2026-11-23T07:00:00+24:00",
         "2026-11-23T07:00:00+01:60", "2026-11-23T07:00:00+0100", "26-11-23T07:00:00Z",
         " 2026-11-23T07:00:00Z", "2026-11-23T07:00:00Z\n", "2026-11-23TT07:00:00Z"])


def integer(least, most):
    return [least, most, float(most)], [least - 1, most + 1, -1, least + 0.5, 2**40]


BOOLEAN = ([True, False], [])
DAYS = (["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], ["", "mon", "Monday"])
URL = (["https://api.balena-cloud.com", "https://a", "https://a:1", "https://a:65535/",
        "https://A_b.c-d:0443/x/y~z/", "https://a//", "http://localhost", "http://LOCALHOST:8080/x",
        "http://127.0.0.1", "http://127.255.1.9:80", "https://10.0.0.1"],
       ["", "a", "api.balena-cloud.com", "//a", "https:", "https://", "https:///x", "https://a:",
        "https://a:0", "https://a:65536", "https://a:99999999999999999999", "https://a:b",
        "https://a:1:2", "https://u@a", "https://u:p@a", "https://[::1]", "https://a?x", "https://a/?x",
        "https://a#x", "https://a/#x", "https://a b", "https://é", "https://a/%41", "https://a\n",
        "HTTPS://a", "ftp://a", "http://a", "http://10.0.0.1", "http://127.0.0.256",
        "http://127.0.0.01", "http://127.0.0", "http://127.0.0.1.example", "http://localhost.example",
        "http://localhost@a", "https://" + "a" * 248])
SLUG = (["acme/sensors", "a/b", "A_b/c d".replace(" ", "-"), "é/x"],
        ["", "acme", "/", "acme/", "/sensors", "a/b/c", "a/b c", "a/b'", 'a/"b', "a/\tb", "a/b\n",
         "a/" + "b" * 254])
TEXTS_OF_TAGS = ["", "true", "é" * 10000], ["x" * 10001]
ZONE = (["UTC", "Europe/Berlin", "Etc/GMT+1", "America/Argentina/Buenos_Aires", "x" * 255],
        ["", "/", "/UTC", "UTC/", "a//b", "../etc/passwd", "a b", "é", "UTC\n", "x" * 256])
CLOCK = (["00:00", "23:59", "09:30"], ["", "24:00", "12:60", "9:30", "09:3", "0930", "09:30:00", "09:30\n"])
NUMBER = ([1, 0.001, 1e-300, 1e300, 20.5, 100000], [0, -1, -0.5, 0.0])

# What each field accepts and refuses. [] is an element of a list, {} the value of a map.
FIELDS = {
    "BalenaDevice": {
        "uuid": (["a" * 32, "0123456789abcdef" * 2, "f" * 62],
                 ["", "a" * 31, "a" * 33, "a" * 61, "a" * 63, "A" * 32, "g" * 32, "a" * 32 + "\n"]),
        "fleetRef.name": name(),
        "state": choice("Present", "Absent"),
        "keys.lifetime": duration("1h", ["1h", "876000h", "1h0m0.0s"], ["59m59s999ms", "30m"]),
        "keys.rotateBefore": duration("1m", ["1m", "875999h"], ["59.9s"]),
        "keys.renewAfter": TIME,
        "keys.revokeBefore": TIME,
        "adoption": choice("IfKeyMatches", "Always", "Never"),
        "deletionPolicy": choice("Retain", "Delete"),
        "suspend": BOOLEAN},
    "BalenaFleet": {
        "fleet": SLUG,
        "apiUrl": URL,
        "tokenSecretRef.name": name(),
        "tokenSecretRef.key": secret_key(),
        "caSecretRef.name": name(),
        "caSecretRef.key": secret_key(),
        "registryRef.name": name(),
        "mode": choice("Enforce", "Observe"),
        "devices": (["All"], ["", "all", "Some"]),
        "selector.tags.{}": TEXTS_OF_TAGS,
        "selector.excludeTags.{}": TEXTS_OF_TAGS,
        "selector.deviceTypes.[]": (["", "raspberrypi4-64", "é" * 255], ["x" * 256]),
        "variables.target": (["Service"], ["", "service", "Both"]),
        "variables.service": text(),
        "keys.lifetime": duration("1h", ["1h0.001s", "876000h"], ["59m59s999ms", "30m"]),
        "keys.rotateBefore": duration("1m", ["1m", "875999h"], ["59.9s"]),
        "keys.overlap": duration("1h", ["1h", "876000h"], ["59m59s999ms"]),
        "keys.offlineGrace": duration("0", ["0", "0s", "0h0m", "876000h"]),
        "keys.verifyInterval": duration("1m", ["1m", "60s", "876000h"], ["59s"]),
        "keys.renewAfter": TIME,
        "keys.revokeBefore": TIME,
        "keys.renewal.maxConcurrent": integer(1, 100000),
        "keys.renewal.window": duration("0", ["0", "876000h"]),
        "keys.windows.[].days.[]": DAYS,
        "keys.windows.[].start": CLOCK,
        "keys.windows.[].duration": duration("1m", ["1m", "876000h"], ["59s"]),
        "keys.windows.[].timeZone": ZONE,
        "adoption": choice("IfKeyMatches", "Always", "Never"),
        "stale.policy": choice("Report", "Delete"),
        "stale.after": duration("0", ["0", "876000h"]),
        "stale.maxPerSync": integer(0, 1000000),
        "stale.maxPercent": integer(0, 100),
        "stale.maxPerDay": integer(0, 1000000),
        "deletionPolicy": choice("Retain", "Delete"),
        "endpoint.enrol": BOOLEAN,
        "syncInterval": duration("1s", ["1s", "1000ms", "876000h"], ["999ms", "0.9s"]),
        "callBudget.requestsPerSecond": NUMBER,
        "callBudget.burst": integer(1, 1000000),
        "callBudget.maxInFlight": integer(1, 1000),
        "suspend": BOOLEAN},
    "ClearBladeRegistry": {
        "project": segment(),
        "region": segment(),
        "registry": segment(),
        "serviceAccountSecretRef.name": name(),
        "serviceAccountSecretRef.key": secret_key(),
        "caSecretRef.name": name(),
        "caSecretRef.key": secret_key(),
        "ownerId": text("a\nb", "a\tb"),
        "keySeedSecretRef.name": name(),
        "keySeedSecretRef.key": secret_key(),
        "callBudget.createDeletePerMinute": integer(1, 10000000),
        "callBudget.updatesPerMinute": integer(1, 10000000),
        "callBudget.readsPerMinute": integer(1, 10000000),
        "callBudget.maxInFlight": integer(1, 1000)}}

# Fields that go together: what is laid over the required ones.
TOGETHER = {
    "BalenaDevice": (
        [{"keys": {}}, {"keys": {"lifetime": "1h"}}, {"keys": {"rotateBefore": "876000h"}},
         {"keys": {"lifetime": "2h", "rotateBefore": "119m"}}],
        [{"keys": {"lifetime": "2h", "rotateBefore": "2h"}},
         {"keys": {"lifetime": "2h", "rotateBefore": "120.5m"}}]),
    "BalenaFleet": (
        [{"devices": "All", "selector": {}}, {"devices": "Declared", "selector": None},
         {"variables": {}}, {"variables": {"target": "Device"}}, {"variables": {"service": None}},
         {"keys": {}}, {"keys": {"lifetime": "721h"}}, {"keys": {"rotateBefore": "2159h"}},
         {"keys": {"windows": []}}, {"keys": {"windows": [{"start": "02:00", "duration": "1h"}] * 20}},
         {"keys": {"windows": [{"start": "02:00", "duration": "1h", "days": ["Mon"] * 7}]}},
         {"devices": "All", "selector": {"tags": {str(i): "x" for i in range(100)}}},
         {"devices": "All", "selector": {"excludeTags": {str(i): "x" for i in range(100)}}},
         {"devices": "All", "selector": {"tags": {"": "x", "a.b/c": "y"}}},
         {"devices": "All", "selector": {"deviceTypes": ["x"] * 100}},
         {"stale": {}, "endpoint": {}, "callBudget": {}}],
        [{"selector": {}}, {"devices": "Declared", "selector": {"tags": {"a": "b"}}},
         {"variables": {"target": "Service"}}, {"variables": {"target": "Service", "service": None}},
         {"variables": {"service": "relay"}}, {"variables": {"target": "Device", "service": "relay"}},
         {"variables": {"target": "Device", "service": ""}},
         {"keys": {"lifetime": "720h"}}, {"keys": {"rotateBefore": "2160h"}},
         {"keys": {"lifetime": "2h", "rotateBefore": "2h"}},
         {"keys": {"windows": [{"start": "02:00", "duration": "1h"}] * 21}},
         {"keys": {"windows": [{"start": "02:00", "duration": "1h", "days": ["Mon"] * 8}]}},
         {"keys": {"windows": [None]}}, {"devices": "All", "selector": {"deviceTypes": [None]}},
         {"devices": "All", "selector": {"tags": {str(i): "x" for i in range(101)}}},
         {"devices": "All", "selector": {"excludeTags": {str(i): "x" for i in range(101)}}},
         {"devices": "All", "selector": {"deviceTypes": ["x"] * 101}}]),
    "ClearBladeRegistry": (
        [{"keySeedSecretRef": {}}, {"keySeedSecretRef": {"key": "x"}}, {"callBudget": {}}],
        [{"keySeedSecretRef": {"name": ""}}, {"caSecretRef": {}}, {"caSecretRef": {"key": "x"}},
         {"serviceAccountSecretRef": {}}]),
}


def document(kind, spec, **metadata):
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": "x", **metadata},
            "spec": spec}


def put(spec, path, value):
    """A copy with this value at "a.b.[].{}", or without the field if `value` is ABSENT."""
    changed = copy.deepcopy(spec)
    *parents, last = path.split(".")
    place = changed
    for step in parents:
        place = place[into(place, step)]
    if value is ABSENT:
        del place[into(place, last)]
    else:
        place[into(place, last)] = value
    return changed


def into(place, step):
    return 0 if step == "[]" else next(iter(place)) if step == "{}" else step


ABSENT = object()
