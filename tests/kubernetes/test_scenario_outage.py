"""The API server fails while there is work, and rights that are missing."""

import pytest

from cluster import GROUP
from harness import assert_provisioned, wait_until
from installation import is_true

# A create that failed may still take effect: the lease is left to end by itself.
QUICK = ("--lease-duration", "3s", "--renew-deadline", "2s", "--retry-period", "500ms",
         "--attempt-deadline", "500ms")
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces"


@pytest.mark.concurrent
def test_an_api_server_that_is_killed_loses_and_repeats_nothing(make_cluster, make_installation, sandbox):
    cluster = make_cluster()
    installation = make_installation(cluster, cluster.add_namespace("test"), sandbox).registry()
    uuids = sandbox.add_devices(50)
    hold = sandbox.hold("clearblade.device.create", "after", number=25)
    replica = installation.fleet(syncInterval="1s").start()
    wait_until(lambda: sandbox.holds()[hold]["held"], "the work's middle")
    cluster.server.kill()
    sandbox.end_hold(hold)
    cluster.start_server()
    installation.wait_ready(50)
    assert_provisioned(sandbox, uuids)
    assert len(sandbox.registrations()) == 50
    for item in installation.devices().values():
        assert item["status"]["key"]["generation"] == 0
        assert item["metadata"]["finalizers"] == [f"{GROUP}/deprovision"]
    assert sandbox.requests()["clearblade.device.create"] == 50
    assert replica.leads()


def change_rights(installation, change):
    """Of the operator's role."""
    path = f"{RBAC}/{installation.namespace}/roles/balena-clearblade-operator"
    role = installation.cluster.request("GET", path).body
    role["rules"] = [rule for rule in map(change, role["rules"]) if rule["resources"]]
    assert installation.cluster.request("PUT", path, role).status == 200


def without(resource):
    return lambda rule: rule | {"resources": [each for each in rule["resources"] if each != resource]}


def give_rights(installation):
    installation.operator_kubeconfig()


def test_without_the_right_to_read_secrets_the_fleet_says_so(installation, sandbox):
    sandbox.add_devices(1)
    kubeconfig = installation.operator_kubeconfig()
    change_rights(installation, without("secrets"))
    replica = installation.fleet(syncInterval="1s").start(kubeconfig=kubeconfig)
    told = installation.wait_condition("fleet", "sensors", status="False", reason="Forbidden")
    assert "reading secrets" in told["message"] and "no right" in told["message"], told
    give_rights(installation)
    installation.wait_ready(1)
    assert replica.leads()


def test_without_the_right_to_a_status_the_devices_are_provisioned_and_the_log_says_what_is_missing(
        installation, sandbox):
    uuid, = sandbox.add_devices(1)
    kubeconfig = installation.operator_kubeconfig()
    change_rights(installation, without("balenadevices/status"))
    replica = installation.fleet(syncInterval="1s").start(kubeconfig=kubeconfig)
    wait_until(lambda: r'cannot patch resource \"balenadevices/status\"' in replica.log, "a word about it")
    assert replica.log.count("can't be written") == 1
    assert_provisioned(sandbox, [uuid])
    assert not is_true(installation.get("device", f"sensors-{uuid}"), "Ready")
    give_rights(installation)
    installation.annotate("device", f"sensors-{uuid}", reconcile_requested_at="now")
    installation.wait_ready(1)


def test_without_the_right_to_fleets_nothing_begins_and_the_log_says_what_is_missing(installation, sandbox):
    sandbox.add_devices(1)
    kubeconfig = installation.operator_kubeconfig()
    change_rights(installation, without("balenafleets"))
    replica = installation.fleet(syncInterval="1s").start(kubeconfig=kubeconfig)
    wait_until(lambda: r'cannot watch resource \"balenafleets\"' in replica.log, "a word about it")
    assert not sandbox.registrations()
    give_rights(installation)
    installation.wait_ready(1)


def test_a_device_that_failed_is_tried_again_by_the_next_process(installation, sandbox):
    sandbox.add_devices(1)
    fault = sandbox.fault("clearblade.device.create", "status", status=500)
    replica = installation.fleet(syncInterval="1s").start(
        *QUICK, "--retry-initial", "1h", "--retry-longest", "1h")
    wait_until(lambda: installation.devices() and next(iter(
        installation.devices().values()))["status"].get("failureCount"), "a failure")
    assert replica.stop() == 0
    sandbox.call("DELETE", f"faults/{fault}")
    installation.start(*QUICK)
    installation.wait_ready(1)


@pytest.mark.concurrent
def test_many_devices_are_ready_and_their_events_and_objects_hold_no_secret(installation, sandbox):
    sandbox.add_devices(200)
    installation.fleet().start("--log-level", "debug")
    installation.wait_ready(200)
    installation.kubectl("wait", "--for=condition=Ready", "bfleet", "--all", "--timeout=30s")
    events = wait_until(lambda: installation.kubectl("events", "--no-headers"), "events")
    assert "BalenaDevice/sensors-" in events and "NotRegistered" in events
    texts = [installation.replicas[0].log, events] + [
        installation.kubectl("get", plural, "-o", "yaml", "--show-managed-fields")
        for plural in ("cbreg", "bfleet", "bdev", "events")]
    assert not [secret for secret in sandbox.known_secrets() if any(secret in text for text in texts)]
