"""What a status says to those who wait for it: kubectl, and what goes by kstatus."""

import json

import pytest

from harness import wait_until
from installation import condition, is_true, writes

STANDING = ("Ready", "Reconciling", "Stalled")


def standing(installation, kind, name):
    """The one condition of the three that is true, once its status is of the spec that is there."""
    item = installation.get(kind, name)
    if item["status"]["observedGeneration"] != item["metadata"]["generation"]:
        return None
    true, = [type for type in STANDING if is_true(item, type)]
    return true


def wait(installation, what, type="Ready"):
    installation.kubectl("wait", f"--for=condition={type}", what, "--timeout=20s")


def wait_standing(installation, kind, name, expected):
    wait_until(lambda: standing(installation, kind, name) == expected, f"{expected} of {kind} {name}")


def test_an_absent_device_is_as_it_is_to_be(installation, sandbox):
    uuid, = sandbox.add_devices(1)
    installation.fleet(devices="Declared").device(uuid, "gate").start()
    wait(installation, "bdev/gate")
    installation.device(uuid, "gate", state="Absent")
    installation.kubectl("wait", "--for=jsonpath={.status.phase}=Absent", "bdev/gate", "--timeout=20s")
    wait(installation, "bdev/gate")
    assert standing(installation, "device", "gate") == "Ready"
    assert condition(installation.get("device", "gate"), "Ready")["reason"] == "Deprovisioned"
    assert not is_true(installation.get("device", "gate"), "Provisioned")


def test_a_suspended_device_is_what_it_was(installation, sandbox):
    ready, new = sandbox.add_devices(2)
    installation.fleet(devices="Declared").device(ready, "ready").device(new, "new", suspend=True).start()
    wait(installation, "bdev/ready")
    wait(installation, "bdev/new", "Stalled")
    installation.device(ready, "ready", suspend=True)
    installation.kubectl("wait", "--for=jsonpath={.status.phase}=Suspended", "bdev/ready", "--timeout=20s")
    wait(installation, "bdev/ready")
    assert standing(installation, "device", "ready") == "Ready"
    assert standing(installation, "device", "new") == "Stalled"
    installation.device(new, "new", suspend=False)
    wait(installation, "bdev/new")
    assert standing(installation, "device", "new") == "Ready"


def test_what_is_observed_and_not_done_waits_for_a_person_and_its_fleet_does_not(installation, sandbox):
    uuid, = sandbox.add_devices(1)
    installation.fleet(devices="Declared", mode="Observe").device(uuid, "gate").start()
    wait(installation, "bdev/gate", "Stalled")
    assert condition(installation.get("device", "gate"), "Stalled")["message"].startswith("would ")
    wait(installation, "bfleet/sensors")
    assert standing(installation, "device", "gate") == "Stalled"
    assert standing(installation, "fleet", "sensors") == "Ready"
    assert writes(sandbox) == {}


def test_a_device_that_has_left_its_fleet_waits_for_a_person(installation, sandbox):
    uuid, _ = sandbox.add_devices(2)
    installation.fleet(devices="Declared", syncInterval="1s").device(uuid, "gate").start()
    wait(installation, "bdev/gate")
    sandbox.call("DELETE", f"devices/{uuid}")
    installation.kubectl("wait", "--for=jsonpath={.status.phase}=Stale", "bdev/gate", "--timeout=20s")
    assert standing(installation, "device", "gate") == "Stalled"


def test_a_fleet_says_that_it_goes_on_while_a_cloud_is_away(installation, sandbox):
    sandbox.add_devices(1)
    installation.fleet(syncInterval="1s").start()
    wait(installation, "bfleet/sensors")
    sandbox.fault("clearblade.device.list", "status", status=503)
    wait(installation, "bfleet/sensors", "Reconciling")
    wait_standing(installation, "registry", "main", "Reconciling")
    assert standing(installation, "fleet", "sensors") == "Reconciling"
    sandbox.clear_faults()
    wait(installation, "bfleet/sensors")
    wait(installation, "cbreg/main")


def test_a_registry_without_a_fleet_is_looked_at_for_itself(installation, sandbox):
    replica = installation.start()
    wait(installation, "cbreg/main")
    status = installation.get("registry", "main")["status"]
    assert status["observedGeneration"] == 1 and status["ownerId"] == "site-a"
    assert condition(installation.get("registry", "main"), "Ready")["reason"] == "Available"
    requests = {kind: count for kind, count in sandbox.requests().items() if kind.startswith("clearblade.device")}
    assert requests == {} and writes(sandbox) == {}
    assert "registry can't be used" not in replica.log


@pytest.mark.parametrize("uses", [False, True], ids=["unused", "used by a fleet"])
def test_a_registry_whose_secret_goes_says_so_and_heals_by_itself(installation, sandbox, uses):
    if uses:
        installation.fleet(syncInterval="1s")
    replica = installation.start()
    wait(installation, "cbreg/main")
    assert installation.cluster.request("DELETE", installation.core("secrets", "clearblade")).status == 200
    wait(installation, "cbreg/main", "Stalled")
    told = condition(installation.get("registry", "main"), "Ready")
    assert (told["status"], told["reason"]) == ("False", "NotFound") and "clearblade" in told["message"], told
    installation.secret("clearblade")
    wait(installation, "cbreg/main")
    assert standing(installation, "registry", "main") == "Ready"
    assert replica.log.count("registry can't be used") == 1
    warned = [each["count"] for each in installation.events("main") if each["type"] == "Warning"]
    assert warned == [1], "once"


def test_a_registry_with_a_service_account_that_is_refused_needs_a_person(installation, sandbox):
    account = json.loads((sandbox.secrets / "clearblade" / "service-account.json").read_text())
    account["token"] = "not-one-that-clearblade-knows"
    sandbox.forbidden.add(account["token"])
    installation.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "clearblade"},
                        "stringData": {"service-account.json": json.dumps(account)}})
    installation.start()
    wait(installation, "cbreg/main", "Stalled")
    assert standing(installation, "registry", "main") == "Stalled"
    assert condition(installation.get("registry", "main"), "Ready")["reason"] in ("Unauthenticated", "Forbidden")
