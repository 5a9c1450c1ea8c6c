"""Which object governs a device, and which fleet."""

from harness import assert_provisioned, wait_until
from installation import condition, writes


def test_a_declared_device_takes_a_discovered_ones_place(installation, sandbox):
    uuid, = sandbox.add_devices(1)
    installation.fleet(deletionPolicy="Delete").start()
    installation.wait_ready(1)
    sandbox.reset_traffic()
    installation.device(uuid, "mine")
    installation.wait_gone("device", f"sensors-{uuid}")
    installation.wait_condition("device", "mine", status="True")
    assert writes(sandbox) == {}
    assert_provisioned(sandbox, [uuid])


def test_a_discovered_one_is_back_when_nobody_declares_the_device(installation, sandbox):
    uuid, = sandbox.add_devices(1)
    installation.device(uuid, "mine").fleet(syncInterval="1s").start()
    installation.wait_ready(1)
    assert installation.gone("device", f"sensors-{uuid}")
    sandbox.reset_traffic()
    installation.delete("device", "mine")
    installation.wait_condition("device", f"sensors-{uuid}", status="True")
    assert installation.gone("device", "mine")
    assert writes(sandbox) == {}


def test_two_declared_ones_of_one_device_both_show_a_conflict(installation, sandbox):
    uuid, = sandbox.add_devices(1)
    installation.fleet(devices="Declared").device(uuid, "one").device(uuid, "other").start()
    for name in ("one", "other"):
        installation.wait_condition("device", name, status="False", reason="DuplicateObject")
    assert not sandbox.registrations()
    installation.delete("device", "other")
    installation.wait_condition("device", "one", status="True")
    assert_provisioned(sandbox, [uuid])


def test_a_device_that_moves_is_taken_over_by_its_new_fleet(installation, sandbox):
    uuid, stays = sandbox.add_devices(2)
    gateway, = sandbox.add_devices(1, "acme/gateways")
    installation.fleet(deletionPolicy="Delete", syncInterval="1s")
    installation.fleet("gateways", "acme/gateways", "main", syncInterval="1s").start()
    installation.wait_ready(3)
    before = sandbox.registrations()
    sandbox.call("PATCH", f"devices/{uuid}", {"fleet": "acme/gateways"})
    installation.wait_condition("device", f"gateways-{uuid}", status="True")
    installation.wait_gone("device", f"sensors-{uuid}")
    assert sorted(item["metadata"]["name"] for item in installation.devices().values()) == sorted(
        [f"gateways-{uuid}", f"gateways-{gateway}", f"sensors-{stays}"])
    assert_provisioned(sandbox, [uuid, gateway], "main")
    after = sandbox.registrations()
    assert after.keys() == before.keys()
    assert after[f"balena-{uuid}"]["numId"] == before[f"balena-{uuid}"]["numId"]
    assert after[f"balena-{uuid}"]["metadata"]["bco-fleet"] == before[f"balena-{gateway}"]["metadata"]["bco-fleet"]
