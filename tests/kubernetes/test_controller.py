"""A fleet's life as its users see it: kubectl on one side, the clouds on the other."""

from harness import wait_until
from installation import condition, is_true


def test_a_fleet_is_provisioned_device_by_device(installation, sandbox):
    sandbox.add_devices(20)
    installation.fleet().start()
    installation.wait_ready(20)
    assert len(sandbox.registrations()) == 20
    installation.kubectl("wait", "--for=condition=Ready", "bfleet/sensors", "--timeout=30s")
    installation.kubectl("wait", "--for=condition=Ready", "bdev", "--all", "--timeout=30s")
    fleet = installation.get("fleet", "sensors")
    wait_until(lambda: installation.get("fleet", "sensors")["status"]["devices"]["ready"] == 20, "the count")
    assert fleet["metadata"]["finalizers"] == ["provisioning.balena-clearblade.io/deprovision"]
