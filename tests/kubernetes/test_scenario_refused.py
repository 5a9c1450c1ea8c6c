"""What the API server refuses to write is said: in a condition where one can be written, else in the log."""

import pytest

from cluster import GROUP
from harness import assert_provisioned, wait_until
from installation import condition
from test_scenario_outage import change_rights, give_rights, without


def without_verb(resource, verb):
    def change(rule):
        return (rule | {"verbs": [each for each in rule["verbs"] if each != verb]}
                if rule["resources"] == [resource] else rule)
    return change


def start(installation, change, **spec):
    kubeconfig = installation.operator_kubeconfig()
    change_rights(installation, change)
    return installation.fleet(syncInterval="1s", **spec).start(kubeconfig=kubeconfig)


def test_without_the_right_to_create_devices_the_fleet_says_so(installation, sandbox):
    uuids = sandbox.add_devices(15)
    replica = start(installation, without_verb("balenadevices", "create"))
    told = installation.wait_condition("fleet", "sensors", status="False", reason="Forbidden")
    assert 'cannot create resource "balenadevices"' in told["message"], told
    assert condition(installation.get("fleet", "sensors"), "Stalled")["reason"] == "Forbidden"
    assert condition(installation.get("fleet", "sensors"), "UpstreamAvailable")["status"] == "True"
    wait_until(lambda: installation.get("fleet", "sensors")["status"]["failureCount"] > 2, "more sweeps")
    assert replica.log.count("fleet can't be synced") == 1
    assert [each["reason"] for each in installation.events("sensors")] == ["Forbidden"]
    give_rights(installation)
    installation.wait_ready(15)
    installation.wait_condition("fleet", "sensors", status="True")
    assert condition(installation.get("fleet", "sensors"), "Stalled") is None
    assert_provisioned(sandbox, uuids)


def test_without_the_right_to_set_finalizers_a_device_says_so_and_is_not_registered(installation, sandbox):
    uuid, = sandbox.add_devices(1)

    def change(rule):
        if rule["resources"] == ["balenadevices"]:
            return rule | {"verbs": [*rule["verbs"], "list", "watch"]}
        return without("balenadevices")(rule)

    installation.device(uuid, "gate")
    start(installation, change, devices="Declared")
    told = installation.wait_condition("device", "gate", status="False", reason="Forbidden")
    assert 'cannot patch resource "balenadevices"' in told["message"], told
    assert condition(installation.get("device", "gate"), "Stalled")["reason"] == "Forbidden"
    assert not sandbox.registrations()
    give_rights(installation)
    installation.wait_ready(1)
    assert_provisioned(sandbox, [uuid])


def test_a_quota_for_devices_is_told_of_and_those_that_fit_are_provisioned(installation, sandbox):
    sandbox.add_devices(3)
    path = installation.core("resourcequotas")
    quota = {"metadata": {"name": "few"}, "spec": {"hard": {f"count/balenadevices.{GROUP}": "2"}}}
    assert installation.cluster.request("POST", path, quota).status == 201
    # Without a controller for quotas nobody says what is used.
    used = {"status": {"hard": quota["spec"]["hard"], "used": {f"count/balenadevices.{GROUP}": "0"}}}
    assert installation.cluster.request("PATCH", f"{path}/few/status", used, "merge-patch+json").status == 200
    installation.fleet(syncInterval="1s").start()
    told = installation.wait_condition("fleet", "sensors", status="False", reason="Forbidden")
    assert "exceeded quota" in told["message"], told
    installation.wait_ready(2)


@pytest.mark.parametrize("kind, name", [("fleet", "sensors"), ("registry", "main")])
def test_without_the_right_to_its_status_the_log_and_an_event_say_so(installation, sandbox, kind, name):
    sandbox.add_devices(1)
    resource = {"fleet": "balenafleets", "registry": "clearbladeregistries"}[kind] + "/status"
    replica = start(installation, without(resource))
    installation.wait_ready(1)
    wait_until(lambda: rf'cannot patch resource \"{resource}\"' in replica.log, "a word about it")
    sandbox.reset_traffic()
    wait_until(lambda: sandbox.requests().get("balena.fleet.list", 0) > 2, "more sweeps")
    assert replica.log.count("an object can't be written") == 1
    assert "Forbidden" in [each["reason"] for each in installation.events(name)]
    give_rights(installation)
    installation.annotate(kind, name, reconcile_requested_at="now")
    installation.wait_condition(kind, name, status="True")


def test_without_the_right_to_delete_devices_a_deleted_fleet_says_so(installation, sandbox):
    sandbox.add_devices(2)
    start(installation, without_verb("balenadevices", "delete"), deletionPolicy="Delete")
    installation.wait_ready(2)
    installation.delete("fleet", "sensors")
    told = installation.wait_condition("fleet", "sensors", status="False", reason="Forbidden")
    assert 'cannot delete resource "balenadevices"' in told["message"], told
    give_rights(installation)
    installation.wait_gone("fleet", "sensors")
    assert not sandbox.registrations()
