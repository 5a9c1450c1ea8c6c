"""A fleet's life as its users see it: kubectl on one side, the clouds on the other."""

from harness import PATIENCE, wait_until
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


def test_a_registry_that_names_no_owner_is_owned_by_whom_the_flag_names(make_installation, cluster, namespace, sandbox):
    installation = make_installation(cluster, namespace, sandbox)
    installation.apply(installation.object("ClearBladeRegistry", "main", {
        "project": "my-project", "region": "us-central1", "registry": "devices",
        "serviceAccountSecretRef": {"name": "clearblade"}, "caSecretRef": {"name": "ca"}}))
    sandbox.add_devices(1)
    installation.fleet().start("--owner-id", "site-b")
    installation.wait_ready(1)
    assert installation.get("registry", "main")["status"]["ownerId"] == "site-b"
    assert [each["metadata"]["bco-owner"] for each in sandbox.registrations().values()] == ["site-b"]


def test_times_with_which_nothing_could_ever_be_written_are_refused(installation):
    replica = installation.start("--lease-duration", "15s", "--renew-deadline", "10s", "--retry-period", "2s")
    assert replica.process.wait(PATIENCE) == 2
    assert "--renew-deadline must be longer than --attempt-deadline and --retry-period together" in replica.log
