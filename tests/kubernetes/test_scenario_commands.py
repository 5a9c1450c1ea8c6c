"""`provision` and `deprovision` without files: the object in the cluster is changed, and the operator there does the work."""

import subprocess

from cluster import GROUP
from harness import BIN, PATIENCE, VARIABLES, assert_provisioned, wait_until
from test_scenario_shard import SHARD, shard

ABSENT_BY = f"{GROUP}/absent-by"


def run(installation, command, uuid, *arguments, kubeconfig=None):
    """As an administrator of the cluster, in the installation's namespace."""
    done = subprocess.run(
        [BIN / "balena-clearblade-operator", command, uuid, "--kubeconfig",
         kubeconfig or installation.cluster.admin_kubeconfig, "--namespace", installation.namespace,
         *arguments], text=True, capture_output=True, timeout=PATIENCE)
    installation.sandbox.outputs.append(done.stdout + done.stderr)
    return done


def succeed(installation, command, uuid, *arguments, kubeconfig=None):
    """What it says of the object."""
    done = run(installation, command, uuid, *arguments, kubeconfig=kubeconfig)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{uuid} is {command}ed\n"
    return done.stderr


def provisioned_calls(sandbox):
    """Requests for one device: who else than the operator would have made them?"""
    return {kind: count for kind, count in sandbox.requests().items() if kind == "clearblade.device.create"}


def test_a_device_that_nobody_declares_is_declared_and_removed_for_good(installation, sandbox):
    uuid, = sandbox.add_devices(1)
    installation.fleet(devices="Declared", endpoint={"enrol": True}, syncInterval="5m").start()
    installation.wait_condition("fleet", "sensors", status="True")
    sandbox.reset_traffic()
    assert succeed(installation, "provision", uuid) == f"BalenaDevice {installation.namespace}/sensors-{uuid}: made\n"
    assert_provisioned(sandbox, [uuid])
    assert provisioned_calls(sandbox) == {"clearblade.device.create": 1}
    item = installation.devices()[uuid]
    assert item["metadata"]["labels"] == {f"{GROUP}/fleet": "sensors"}
    assert "declared already" in succeed(installation, "provision", uuid)
    assert "state set to Absent" in succeed(installation, "deprovision", uuid)
    assert f"balena-{uuid}" not in sandbox.registrations()
    assert not any(sandbox.variable(uuid, name, "relay") for name in VARIABLES)
    item = installation.devices()[uuid]
    assert item["spec"]["state"] == "Absent" and ABSENT_BY not in item["metadata"]["annotations"], "a device may not undo it"
    assert succeed(installation, "deprovision", uuid)
    assert "state set to Present" in succeed(installation, "provision", uuid)
    assert_provisioned(sandbox, [uuid])


def test_a_discovered_device_is_told_of_and_stays_away(installation, sandbox):
    uuid, other = sandbox.add_devices(2)
    installation.fleet(syncInterval="1s").start()
    installation.wait_ready(2)
    assert "discovered already" in succeed(installation, "provision", uuid)
    succeed(installation, "deprovision", uuid)
    installation.annotate("fleet", "sensors", reconcile_requested_at="now")
    wait_until(lambda: installation.get("fleet", "sensors")["status"].get("lastHandledReconcileAt") == "now", "a sweep")
    assert set(sandbox.registrations()) == {f"balena-{other}"}
    assert installation.devices()[uuid]["metadata"]["labels"][f"{GROUP}/discovered"] == "true"


def test_what_is_removed_before_anybody_knew_it_is_kept_away(installation, sandbox):
    uuid, = sandbox.add_devices(1)
    installation.fleet(devices="Declared").start()
    installation.wait_condition("fleet", "sensors", status="True")
    assert "made" in succeed(installation, "deprovision", uuid)
    assert installation.devices()[uuid]["spec"]["state"] == "Absent"
    assert sandbox.registrations() == {}


def test_a_device_of_a_shard_gets_its_labels(installation, sandbox):
    uuid, = sandbox.add_devices(1)
    shard(installation, devices="Declared").start(*SHARD)
    installation.wait_condition("fleet", "sensors", status="True")
    succeed(installation, "provision", uuid)
    assert installation.devices()[uuid]["metadata"]["labels"] == {
        "shard": "a", "team": "roof", f"{GROUP}/fleet": "sensors"}


def test_it_says_why_not(installation, sandbox):
    uuid, twice = sandbox.add_devices(2)
    installation.fleet(devices="Declared")
    done = run(installation, "provision", uuid, "--timeout", "1s")
    assert done.returncode == 1 and "no operator has looked at it yet" in done.stderr
    installation.start()
    for name in ("one", "other"):
        installation.device(twice, name)
    installation.wait_condition("device", "one", reason="DuplicateObject")
    done = run(installation, "provision", twice)
    assert done.returncode == 1 and done.stderr.splitlines()[-1].startswith(f"{twice}: DuplicateObject: "), done.stderr
    done = run(installation, "provision", "0" * 32)
    assert done.returncode == 1 and "DeviceNotFound" in done.stderr


def test_bad_input_is_told_from_what_did_not_converge(installation, sandbox, tmp_path):
    uuid, = sandbox.add_devices(1)
    done = run(installation, "provision", uuid)
    assert done.returncode == 2 and "there is no BalenaFleet in the cluster" in done.stderr
    installation.fleet(devices="Declared").fleet("gateways", "acme/gateways", devices="Declared")
    for arguments, told in (((), "say --fleet NAME"), (("--fleet", "pumps"), "there is no BalenaFleet pumps")):
        done = run(installation, "provision", uuid, *arguments)
        assert done.returncode == 2 and told in done.stderr, done.stderr
    installation.device(uuid)
    done = run(installation, "provision", uuid, "--fleet", "gateways")
    assert done.returncode == 2 and "declares this device in" in done.stderr
    done = run(installation, "provision", uuid, kubeconfig=tmp_path / "nothing")
    assert done.returncode == 2 and "nothing" in done.stderr and "-f PATH" in done.stderr
    done = run(installation, "provision", uuid, "-f", str(tmp_path))
    assert done.returncode == 2 and "excludes" in done.stderr
    assert list(installation.devices()) == [uuid]


def test_the_operators_own_rights_suffice(installation, sandbox):
    uuid, = sandbox.add_devices(1)
    installation.fleet(devices="Declared").start()
    installation.wait_condition("fleet", "sensors", status="True")
    for command in ("provision", "deprovision"):
        succeed(installation, command, uuid, kubeconfig=installation.operator_kubeconfig())
    assert sandbox.registrations() == {}


def test_who_may_not_is_told(installation, sandbox):
    uuid, = sandbox.add_devices(1)
    installation.fleet(devices="Declared")
    token = installation.cluster.service_account_token(installation.namespace, "nobody")
    kubeconfig = installation.cluster.kubeconfig(token, f"{installation.namespace}-nobody")
    done = run(installation, "provision", uuid, kubeconfig=kubeconfig)
    assert done.returncode == 1 and "forbidden" in done.stderr.lower() and "balenadevices" in done.stderr
