"""Registrations whose devices have been deleted in balena: removed within limits, or all kept until a person approves."""

import json

import pytest

from harness import SANITIZED, assert_provisioned, wait_until

APPROVE = "provisioning.balena-clearblade.io/approve-removals"
COUNT = 100
# Two sweeps of the real programs are soon over; the time in between is tested with a clock that can be set.
RULES = {"policy": "Delete", "after": "0s"}


def delete(sandbox, uuids):
    for uuid in uuids:
        sandbox.call("DELETE", f"devices/{uuid}")


def registered(sandbox):
    return {id.removeprefix("balena-") for id in sandbox.registrations()}


def plan_of(site):
    """What `plan` says of the fleet's stale registrations."""
    done = site.run("plan", "-o", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["fleets"][0]["removal"]


def approve(site, set):
    """Into the fleet's document, as a person would."""
    path = site.directory / "fleet-sensors.json"
    document = json.loads(path.read_text())
    document["metadata"]["annotations"] = {APPROVE: set}
    part = path.with_suffix(".part")
    part.write_text(json.dumps(document))
    part.rename(path)


class Run:
    """`sync` at work on a fleet of COUNT devices."""

    def __init__(self, site, sandbox):
        self.site, self.sandbox = site, sandbox
        self.uuids = sandbox.add_devices(COUNT)
        self.process = site.start("sync", "--log-level", "debug")
        self.wait_left(COUNT)

    def wait_left(self, count):
        wait_until(lambda: len(registered(self.sandbox)) == count, f"a registry of {count}")

    def log(self):
        return self.site.log_of(self.process)

    def wait_sweeps(self, count):
        """So many more complete sweeps."""
        wanted = self.log().count("fleet swept") + count
        wait_until(lambda: self.log().count("fleet swept") >= wanted, f"{count} sweeps")

    def wait_halted(self, set):
        wait_until(lambda: f"approve-removals to {set}" in self.log(), "the brake's word")

    def stop(self):
        code, log = self.site.finish(self.process)
        assert code == 0, log


@pytest.fixture
def run(site, sandbox):
    running = Run(site.fleet(stale=RULES), sandbox)
    yield running
    running.stop()


def test_a_few_go_by_themselves(run, site, sandbox):
    delete(sandbox, run.uuids[:5])
    run.wait_left(COUNT - 5)
    assert registered(sandbox) == set(run.uuids[5:])
    run.wait_sweeps(2)
    assert plan_of(site)["candidates"] == 0
    assert_provisioned(sandbox, run.uuids[5:10])


def test_too_many_stay_until_just_these_are_approved(run, site, sandbox):
    gone, others = run.uuids[:6], run.uuids[6:13]
    delete(sandbox, gone)
    planned = plan_of(site)
    assert planned["halted"] and planned["candidates"] == 6
    assert planned["uuids"] == sorted(gone)
    run.wait_halted(planned["set"])
    run.wait_sweeps(2)
    assert registered(sandbox) == set(run.uuids), "6 of 100 are more than 5 %"
    table = site.run("plan").stdout
    assert planned["set"] in table and all(uuid in table for uuid in gone)

    approve(site, planned["set"])
    run.wait_left(COUNT - 6)
    assert registered(sandbox) == set(run.uuids) - set(gone)

    # The approval stands in the file, and is of no use for another set.
    delete(sandbox, others)
    again = plan_of(site)
    assert again["halted"] and again["uuids"] == sorted(others)
    assert again["set"] != planned["set"]
    run.wait_halted(again["set"])
    run.wait_sweeps(2)
    assert registered(sandbox) == set(run.uuids) - set(gone)


def test_a_device_that_returns_in_time_is_untouched(site, sandbox):
    site.fleet(stale=RULES | {"after": "1h"})
    run = Run(site, sandbox)
    lost = run.uuids[0]
    before = sandbox.registrations()[f"balena-{lost}"]
    delete(sandbox, [lost])
    wait_until(lambda: "registration is stale" in run.log(), "its absence")
    sandbox.post("devices", fleet="acme/sensors", uuid=lost)
    wait_until(lambda: sandbox.variable(lost, "GCP_PRIVATE_KEY", "relay"), "its key")
    run.stop()
    after = sandbox.registrations()[f"balena-{lost}"]
    assert after["numId"] == before["numId"]
    assert after["metadata"]["bco-incarnation"] == before["metadata"]["bco-incarnation"]
    assert_provisioned(sandbox, [lost])


def test_a_device_that_returns_later_is_made_anew(run, sandbox):
    lost = run.uuids[0]
    before = sandbox.registrations()[f"balena-{lost}"]
    delete(sandbox, [lost])
    run.wait_left(COUNT - 1)
    sandbox.post("devices", fleet="acme/sensors", uuid=lost)
    run.wait_left(COUNT)
    wait_until(lambda: sandbox.variable(lost, "GCP_PRIVATE_KEY", "relay"), "its key")
    after = sandbox.registrations()[f"balena-{lost}"]
    assert after["metadata"]["bco-incarnation"] != before["metadata"]["bco-incarnation"]
    assert_provisioned(sandbox, [lost])


def test_nothing_goes_by_default_or_at_once(site, sandbox):
    site.fleet(stale={"after": "0s"})
    run = Run(site, sandbox)
    delete(sandbox, run.uuids[:1])
    run.wait_sweeps(4)
    site.fleet(stale={"policy": "Delete"})  # after a day
    run.wait_sweeps(4)
    run.stop()
    assert registered(sandbox) == set(run.uuids)


def test_once_removes_none_and_says_so(site, sandbox):
    site.fleet(stale={"policy": "Delete", "after": "1s"}, syncInterval="1h")
    uuids = sandbox.add_devices(5)
    assert site.sync_once().returncode == 0
    delete(sandbox, uuids[:1])
    for _ in range(2):
        done = site.sync_once()
        assert done.returncode == 0, done.stdout + done.stderr
        assert "1 stale registrations, whose devices have left the fleet; sync --once removes none" in done.stdout
    assert registered(sandbox) == set(uuids)


@pytest.mark.skipif(SANITIZED, reason="the same code; many runs of the programs")
@pytest.mark.parametrize("kind", ["balena.device.list", "balena.device.count", "balena.device.get",
                                  "clearblade.device.list"])
@pytest.mark.parametrize("fault", [{"type": "status", "status": 401}, {"type": "status", "status": 500},
                                   {"type": "reset"}, {"type": "status", "status": 200,
                                                       "body": '{"d":[],"devices":[]}'}],
                         ids=["401", "500", "reset", "empty"])
def test_no_answer_that_lies_removes_anything(site, sandbox, kind, fault):
    site.fleet(stale=RULES | {"maxPercent": 100, "maxPerSync": 1000, "maxPerDay": 1000})
    uuids = sandbox.add_devices(5)
    process = site.start("sync", "--log-level", "debug")
    wait_until(lambda: len(registered(sandbox)) == 5, "5 registrations")
    rule = sandbox.fault(kind, **fault)
    wait_until(lambda: sandbox.faults()[rule]["struck"] >= 3 or kind == "balena.device.get", "lies")
    sandbox.clear_faults()
    swept = site.log_of(process).count("fleet swept")
    wait_until(lambda: site.log_of(process).count("fleet swept") >= swept + 2, "sweeps")
    site.finish(process)
    assert registered(sandbox) == set(uuids)
