"""What deleting objects does in the clouds, and what it leaves."""

import pytest

from cluster import GROUP
from harness import assert_provisioned, wait_until
from installation import OPERATOR, condition, is_true, writes


def with_devices(installation, sandbox, count=1, **fleet):
    """Declared ones that are ready."""
    uuids = sandbox.add_devices(count)
    installation.fleet(devices="Declared", **fleet)
    for uuid in uuids:
        installation.device(uuid)
    installation.start()
    installation.wait_ready(count)
    assert_provisioned(sandbox, uuids)
    sandbox.reset_traffic()
    return uuids


def assert_nothing_left(sandbox, uuids):
    assert not sandbox.registrations()
    for uuid in uuids:
        assert not sandbox.variable(uuid, "GCP_PRIVATE_KEY", "relay")
        assert not sandbox.variable(uuid, "GCP_CLIENT_PATH", "relay")


def test_a_retained_device_goes_without_a_write_to_any_cloud(installation, sandbox):
    uuids = with_devices(installation, sandbox)
    installation.kubectl("delete", "bdev", f"d-{uuids[0]}", "--timeout=30s")
    assert writes(sandbox) == {}
    assert_provisioned(sandbox, uuids)


def test_a_device_with_policy_delete_is_removed_from_both_clouds(installation, sandbox):
    deleted, kept = with_devices(installation, sandbox, 2, deletionPolicy="Delete")
    installation.device(kept, deletionPolicy="Retain")
    for uuid in (deleted, kept):
        installation.delete("device", f"d-{uuid}")
        installation.wait_gone("device", f"d-{uuid}")
    assert list(sandbox.registrations()) == [f"balena-{kept}"]
    assert_provisioned(sandbox, [kept])
    assert not sandbox.variable(deleted, "GCP_PRIVATE_KEY", "relay")


def test_a_released_device_goes_without_a_write_whatever_its_policy(installation, sandbox):
    uuids = with_devices(installation, sandbox, deletionPolicy="Delete")
    name = f"d-{uuids[0]}"
    installation.annotate("device", name, release="true")
    installation.delete("device", name)
    installation.wait_gone("device", name)
    assert writes(sandbox) == {}
    assert_provisioned(sandbox, uuids)


def test_an_absent_device_keeps_its_object_alone_and_can_come_back(installation, sandbox):
    uuids = with_devices(installation, sandbox)
    name = f"d-{uuids[0]}"
    installation.device(uuids[0], state="Absent")
    wait_until(lambda: installation.get("device", name)["status"]["phase"] == "Absent", "removal")
    assert_nothing_left(sandbox, uuids)
    assert condition(installation.get("device", name), "Provisioned")["status"] == "False"
    installation.device(uuids[0], state="Present")
    wait_until(lambda: installation.get("device", name)["status"]["phase"] == "Ready", "its return")
    assert_provisioned(sandbox, uuids)


def test_a_fleet_takes_its_discovered_devices_along(installation, sandbox):
    uuids = sandbox.add_devices(10)
    installation.fleet(deletionPolicy="Delete").start()
    installation.wait_ready(10)
    installation.kubectl("delete", "bfleet", "sensors", "--timeout=30s")
    assert installation.devices() == {}
    assert_nothing_left(sandbox, uuids)
    installation.kubectl("delete", "cbreg", "main", "--timeout=30s")


def test_a_retained_fleet_goes_and_its_devices_work_on(installation, sandbox):
    uuids = sandbox.add_devices(5)
    installation.fleet().start()
    installation.wait_ready(5)
    sandbox.reset_traffic()
    installation.delete("fleet", "sensors")
    installation.wait_gone("fleet", "sensors")
    assert installation.devices() == {}
    assert writes(sandbox) == {}
    assert_provisioned(sandbox, uuids)


def test_fleet_and_registry_wait_for_what_refers_to_them_and_say_so(installation, sandbox):
    uuids = with_devices(installation, sandbox, 2, deletionPolicy="Delete")
    installation.delete("registry", "main")
    assert installation.wait_condition("registry", "main", reason="Deleting")["message"] == (
        "waiting for 1 fleets that refer to it to go")
    installation.delete("fleet", "sensors")
    assert installation.wait_condition("fleet", "sensors", reason="Deleting")["message"] == (
        "waiting for 2 devices to go; delete the 2 BalenaDevice objects that declare some")
    assert writes(sandbox) == {}
    for uuid in uuids:
        installation.delete("device", f"d-{uuid}")
    installation.wait_gone("registry", "main")
    assert installation.gone("fleet", "sensors") and installation.devices() == {}
    assert_nothing_left(sandbox, uuids)


def end_namespace(installation):
    """No namespace controller runs here: this is its work, in the order that is worst."""
    for path in (installation.core("secrets"), *map(installation.path, ("device", "fleet", "registry"))):
        assert installation.cluster.request("DELETE", path).status == 200


def wait_empty(installation):
    for kind, name in (("registry", "main"), ("fleet", "sensors")):
        installation.wait_gone(kind, name)
    assert installation.devices() == {}


def retained(installation, uuid):
    return [event for event in installation.events(f"d-{uuid}") if event["reason"] == "Retained"]


def begin_end(installation):
    """What `kubectl delete namespace` does: from now on nothing can be made in it."""
    path = f"/api/v1/namespaces/{installation.namespace}"
    assert installation.cluster.request("DELETE", path).body["status"]["phase"] == "Terminating"
    end_namespace(installation)


def told_of_namespace(installation):
    """Messages of the namespace's events Retained."""
    items = installation.cluster.request("GET", "/api/v1/namespaces/default/events").body["items"]
    return [item["message"] for item in items
            if item["involvedObject"] == {"kind": "Namespace", "apiVersion": "v1", "name": installation.namespace}
            and item["reason"] == "Retained"]


def test_what_a_deleted_namespace_leaves_in_the_clouds_is_said_where_it_outlives_it(installation, sandbox, cluster):
    uuids = with_devices(installation, sandbox, 3, deletionPolicy="Delete")
    installation.replicas[0].stop()
    # As deploy/rbac.yaml has it for the whole cluster.
    name = f"events-{installation.namespace}"
    cluster.kubectl("create", "role", name, "--verb=create,patch", "--resource=events")
    cluster.kubectl("create", "rolebinding", name, f"--role={name}",
                    f"--serviceaccount={installation.namespace}:{OPERATOR}")
    begin_end(installation)
    replica = installation.start()
    wait_empty(installation)
    assert_provisioned(sandbox, uuids)
    for uuid in uuids:
        told, = wait_until(lambda: [each for each in told_of_namespace(installation) if uuid in each], "an event")
        assert told.startswith(f"BalenaDevice d-{uuid}: registration and variables are kept: "), told
    assert "an event can't be told" not in replica.log


def test_with_the_rights_to_one_namespace_the_log_says_what_is_left_when_that_ends(installation, sandbox):
    uuids = with_devices(installation, sandbox, 2, deletionPolicy="Delete")
    begin_end(installation)
    wait_empty(installation)
    replica, = installation.replicas
    left = {uuid for uuid in uuids if f"balena-{uuid}" in sandbox.registrations()}
    wait_until(lambda: replica.log.count("registration kept") == len(left), "a word about each")
    assert told_of_namespace(installation) == []


@pytest.mark.parametrize("said", ["false", "yes"])
def test_only_the_word_true_releases(installation, sandbox, said):
    uuid, = with_devices(installation, sandbox, deletionPolicy="Delete")
    installation.annotate("device", f"d-{uuid}", release=said)
    installation.delete("device", f"d-{uuid}")
    installation.wait_gone("device", f"d-{uuid}")
    assert_nothing_left(sandbox, [uuid])


def test_a_namespace_that_ends_is_emptied_and_what_is_left_in_the_clouds_is_said(installation, sandbox):
    uuids = with_devices(installation, sandbox, 3, deletionPolicy="Delete")
    end_namespace(installation)
    wait_empty(installation)
    assert installation.replicas[0].stop() == 0  # its events are out
    left = {uuid for uuid in uuids if f"balena-{uuid}" in sandbox.registrations()}
    assert_provisioned(sandbox, left)
    assert {uuid for uuid in uuids if retained(installation, uuid)} == left


def test_what_ends_while_nobody_works_is_retained_and_said_so_once(installation, sandbox):
    uuids = with_devices(installation, sandbox, 3, deletionPolicy="Delete")
    installation.replicas[0].stop()
    end_namespace(installation)
    replica = installation.start()
    wait_empty(installation)
    assert_provisioned(sandbox, uuids)
    for uuid in uuids:
        event, = wait_until(lambda: retained(installation, uuid), "an event")
        assert "there is no Secret" in event["message"] and event["count"] == 1
    assert replica.log.count("registration kept") == 3


def test_a_device_that_is_deleted_while_it_is_looked_at_is_never_registered(installation, sandbox):
    installation.fleet(devices="Declared", deletionPolicy="Delete", syncInterval="1s").start()
    installation.wait_condition("fleet", "sensors", status="True")
    hold = sandbox.hold("balena.device.get")
    uuid, = sandbox.add_devices(1)
    installation.device(uuid)
    wait_until(lambda: sandbox.holds()[hold]["held"], "the look at it")
    installation.delete("device", f"d-{uuid}")
    installation.wait_gone("device", f"d-{uuid}")
    later, = sandbox.add_devices(1)
    sandbox.end_hold(hold)
    installation.device(later)
    installation.wait_ready(1)
    assert [*sandbox.registrations()] == [f"balena-{later}"]
    assert not sandbox.variable(uuid, "GCP_PRIVATE_KEY", "relay")
