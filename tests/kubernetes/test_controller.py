"""A fleet's life as its users see it: kubectl on one side, the clouds on the other."""

import signal
import time

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


def test_the_leader_and_who_stands_by_are_alive_and_ready(installation, sandbox):
    sandbox.add_devices(1)
    installation.fleet(syncInterval="1s")
    replicas = [installation.start("--health-addr", "127.0.0.1:0") for _ in range(2)]
    installation.wait_ready(1)
    for replica in replicas:
        wait_until(lambda: replica.health("/readyz") == (200, "ok\n"), "readiness")
        assert replica.health("/livez") == (200, "ok\n")
        assert replica.health("/elsewhere")[0] == 404
    assert [replica.leads() for replica in replicas].count(True) == 1


def test_sigterm_ends_it_in_time_though_the_api_server_never_answers(make_cluster, make_installation, sandbox):
    cluster = make_cluster()
    installation = make_installation(cluster, cluster.add_namespace("test"), sandbox).registry()
    sandbox.add_devices(3)
    replica = installation.fleet(syncInterval="1s").start()
    installation.wait_ready(3)
    hold = sandbox.hold("clearblade.device.create")
    sandbox.add_devices(20)
    wait_until(lambda: sandbox.holds()[hold]["held"], "a pass under way")
    cluster.server.freeze()
    sandbox.end_hold(hold)
    began = time.monotonic()
    replica.process.send_signal(signal.SIGTERM)
    try:
        assert replica.process.wait(PATIENCE) == 0
        assert time.monotonic() - began < 25  # a kubelet kills after 30
    finally:
        cluster.server.thaw()


def test_a_condition_says_that_another_object_allows_less(installation, sandbox):
    sandbox.add_devices(1)
    budget = {"requestsPerSecond": 1000, "burst": 1000}
    installation.fleet(syncInterval="1s", callBudget=budget | {"maxInFlight": 8})
    installation.fleet("gateways", fleet="acme/gateways", syncInterval="1s",
                       variables={"target": "Device"}, callBudget=budget | {"maxInFlight": 2})
    installation.start()
    reduced = wait_until(lambda: condition(installation.get("fleet", "sensors"), "BudgetReduced"), "the condition")
    assert (reduced["status"], reduced["reason"]) == ("True", "SmallerBudgetElsewhere")
    assert reduced["message"].endswith("maxInFlight 2, not 8")
    assert not condition(installation.get("fleet", "gateways"), "BudgetReduced")
    installation.delete("fleet", "gateways")
    wait_until(lambda: not condition(installation.get("fleet", "sensors"), "BudgetReduced"), "its end")
