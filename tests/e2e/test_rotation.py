"""Keys that live for minutes, on the sandbox over HTTP, under devices that publish all the time.

Nothing here measures time: each test waits for what it counts.
"""

import pytest

from harness import SANITIZED, Site, assert_provisioned, wait_until

# A key is replaced after half a minute, and its device has a whole one to take the next: even a
# machine that stands still for a while does not cut it off.
SHORT = {"lifetime": "90s", "rotateBefore": "60s", "verifyInterval": "1h"}
PATIENCE = 600 if SANITIZED else 300


def summary(sandbox):
    return sandbox.get("summary")


def generations(sandbox, uuids):
    registrations = sandbox.registrations()
    return [max(int(key.split("=")[1].split("@")[0])
                for key in registrations[f"balena-{uuid}"]["metadata"]["bco-keys"].split(";"))
            for uuid in uuids]


def start_fleet(tmp_path, sandbox, count, publish,
                options=("--attempt-deadline", "2s", "--call-deadline", "10s"), **spec):
    """A fleet whose devices run and publish with their first keys, and the process at work."""
    sandbox.call("PATCH", "settings", {"devices": {"publishInterval": publish}})
    uuids = sandbox.add_devices(count)
    wait_until(lambda: summary(sandbox)["starts"] >= count, "the devices' start")
    site = Site(tmp_path / "site", sandbox).registry().fleet(keys=SHORT, **spec)
    process = site.start("sync", *options)
    wait_until(lambda: summary(sandbox)["relays"] == {"running": count}, "provisioning")
    return site, uuids, process


@pytest.mark.concurrent
def test_rotation_under_faults_refuses_no_publish(tmp_path, make_sandbox):
    sandbox = make_sandbox("--device-traffic", "http")
    # Ten devices, ten times a second each: 100 publishes/s. And a second process that believes to
    # lead, with the same seed.
    site, uuids, process = start_fleet(tmp_path, sandbox, 10, "100ms")
    other = Site(tmp_path / "other", sandbox).registry().fleet(keys=SHORT)
    second = other.start("sync", "--attempt-deadline", "2s", "--call-deadline", "10s")
    try:
        before = summary(sandbox)["publishes"]["accepted"]
        for when in ("before", "after"):
            sandbox.fault("clearblade.device.", "status", status=503, when=when, probability=0.1)
            sandbox.fault("clearblade.device.patch", "reset", when=when, probability=0.1)
            sandbox.fault("balena.variable.", "reset", when=when, probability=0.1)
        wait_until(lambda: min(generations(sandbox, uuids)) >= 2, "two rotations of each",
                   patience=PATIENCE)
        struck = sum(fault["struck"] for fault in sandbox.faults().values())
        sandbox.clear_faults()
        assert struck > 0
        # With the newest keys, too.
        settled = summary(sandbox)["publishes"]["accepted"]
        assert settled > before
        wait_until(lambda: summary(sandbox)["publishes"]["accepted"] > settled + 100, "publishes")
    finally:
        ends = [site.finish(process), other.finish(second)]
    for code, text in ends:
        assert code == 0, text
        assert "Rotated" in text, "both were at it"
    assert sandbox.get("refusals")["refusals"] == []
    assert summary(sandbox)["publishes"]["refused"] == {}
    assert len(sandbox.registrations()) == 10
    assert_provisioned(sandbox, uuids)


def test_a_rotation_takes_four_round_trips(tmp_path, make_sandbox):
    sandbox = make_sandbox()
    # One sweep, at the start, and one device: what is held is its rotation. Nobody gives up on it.
    site, uuids, process = start_fleet(tmp_path, sandbox, 1, "1s", options=(), syncInterval="1h")
    trips = (("balena.device.get", "clearblade.device.get"), ("clearblade.device.patch",),
             ("balena.variable.update",), ("balena.variable.get",))
    try:
        sandbox.reset_traffic()
        holds = [[sandbox.hold(kind) for kind in trip] for trip in trips]
        for number, trip in enumerate(trips):
            # All of it is on its way before any of it is answered.
            wait_until(lambda: all(sandbox.holds()[hold]["held"] for hold in holds[number]),
                       f"{trip} at the same time")
            for hold in holds[number]:
                sandbox.end_hold(hold)
        wait_until(lambda: "Rotated" in site.log_of(process), "the rotation")
        requests = sandbox.requests()
    finally:
        code, text = site.finish(process)
    assert code == 0, text
    assert {kind: count for kind, count in requests.items() if count and kind.startswith(
        ("balena.device", "balena.variable", "clearblade"))} == {
            kind: 1 for trip in trips for kind in trip}
    assert_provisioned(sandbox, uuids)


@pytest.mark.concurrent
def test_a_rotation_takes_five_requests_and_one_restart(tmp_path, make_sandbox):
    sandbox = make_sandbox()
    # One sweep, at the start: what follows are rotations alone.
    site, uuids, process = start_fleet(tmp_path, sandbox, 5, "1s", syncInterval="1h")

    def restarts():
        return summary(sandbox)["restarts"]

    try:
        already = restarts()
        sandbox.reset_traffic()
        wait_until(lambda: min(generations(sandbox, uuids)) >= 2, "two rotations of each",
                   patience=PATIENCE)
    finally:
        code, text = site.finish(process)
    assert code == 0, text
    requests = sandbox.requests()
    rotations = sum(generations(sandbox, uuids))
    kinds = {kind: count for kind, count in requests.items()
             if kind.startswith(("balena.device", "balena.variable", "clearblade"))}
    assert kinds == {kind: rotations for kind in (
        "balena.device.get", "clearblade.device.get", "clearblade.device.patch",
        "balena.variable.update", "balena.variable.get")}
    wait_until(lambda: restarts() - already >= rotations, "a restart for each")
    assert restarts() - already == rotations
    assert sandbox.get("refusals")["refusals"] == []
    assert_provisioned(sandbox, uuids)
