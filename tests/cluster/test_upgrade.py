"""The chart's life after its installation, told in order: each test goes on where the one before it ended."""

import pytest

from chart import CHART
from harness import PATIENCE, wait_until
from images import NEXT
from story import NAME, installed, renewal, sweep, values

NAMESPACE, DEVICES = "fleets", 60
FROZEN = CHART.parents[1] / "tests" / "chart" / "fixtures" / "balena-clearblade-operator-0.0.1.tgz"


@pytest.fixture(scope="module")
def release(machine, tmp_path_factory):
    """Installed from the chart as it once was, and all devices connected."""
    return installed(machine, NAMESPACE, FROZEN, DEVICES, tmp_path_factory.mktemp("endpoint"))


@pytest.fixture
def renewing(release):
    with renewal(release):
        yield


@pytest.fixture
def undisturbed(release):
    """Around a test in which no device may notice anything: no publish is refused, no key changes."""
    keys = release.sandbox.keys()
    before = release.sandbox.publishes()
    yield
    wait_until(lambda: release.sandbox.publishes()["accepted"] > before["accepted"] + 2 * DEVICES, "publishes afterwards")
    assert release.sandbox.publishes()["refused"] == {}
    now = release.sandbox.keys()
    assert {name: now[name] for name in keys} == keys


def test_another_replica_goes_on_when_the_leader_goes(release, renewing):
    leader = wait_until(release.leader, "a leader")
    release.kubectl("delete", "pod", leader, "--wait=false")
    added = release.sandbox.add_devices(3)
    sweep(release, "again")
    wait_until(lambda: (release.leader() or leader) != leader, "another leader", 2 * PATIENCE)

    def are_ready():
        found = release.devices()
        return all(found.get(uuid, {}).get("status", {}).get("phase") == "Ready" for uuid in added)

    wait_until(are_ready, "the devices that came meanwhile", 6 * PATIENCE)


def versions(release):
    """Of the programs in the operator's Pods."""
    return {release.kubectl("exec", pod, "--", "/usr/bin/balena-clearblade-operator", "version").split()[-1] for pod in release.pods()}


def kept(release):
    """What no upgrade may touch: objects, seed, and the sandbox, which is the clouds here."""
    return ({each["metadata"]["uid"] for each in release.devices().values()},
            release.get("secret", "bco-key-seed")["data"],
            release.get("secret", f"{NAME}-sandbox-server")["data"],
            list(release.pods("sandbox")))


def test_an_upgrade_keeps_everything(release, images, renewing):
    """From the chart as it once was to that of the next release, with its image and other values."""
    before, pods = kept(release), release.pods().keys()
    assert NEXT not in versions(release)
    release.upgrade(images["b"].chart, image={"tag": "b"}, workers=8, log={"level": "debug"})
    assert kept(release) == before
    wait_until(lambda: not release.pods().keys() & pods, "the old replicas' end")
    for pod in release.pods().values():
        assert pod["spec"]["containers"][0]["image"].endswith(":b")
        assert "--workers=8" in pod["spec"]["containers"][0]["args"]
    assert versions(release) == {NEXT}
    wait_until(release.leader, "a leader")


def test_a_rollback_keeps_everything(release, undisturbed):
    """To what was installed first."""
    before, pods = kept(release), release.pods().keys()
    release.machine.helm("rollback", NAME, "1", "-n", NAMESPACE, "--wait", "--timeout", "90s")
    assert kept(release) == before
    wait_until(lambda: not release.pods().keys() & pods, "the newer replicas' end")
    assert len(versions(release)) == 1 and NEXT not in versions(release)
    wait_until(release.leader, "a leader")


def test_uninstalling_leaves_what_devices_live_on_and_installing_takes_it_up_again(release, undisturbed):
    # The sandbox stays, as clouds do: Helm keeps what it is told to keep, though not wanted any more.
    kinds = "deployment,service,secret,configmap,networkpolicy"
    for item in release.get(kinds)["items"]:
        if item["metadata"]["name"].startswith(f"{NAME}-sandbox"):
            release.kubectl("annotate", item["kind"].lower(), item["metadata"]["name"], "helm.sh/resource-policy=keep")
    release.upgrade(CHART, sandbox={"enabled": False})

    def left():
        return {each["metadata"]["name"]: each["metadata"]["uid"] for each in
                [*release.devices().values(), *release.get("balenafleets")["items"], *release.get("clearbladeregistries")["items"],
                 release.get("secret", "bco-key-seed"), *release.machine.get("crds", "-l", f"app.kubernetes.io/instance={NAME}")["items"]]}

    before, keys = left(), release.sandbox.keys()
    release.uninstall()
    assert release.pods() == {}
    assert left() == before and len(before) > DEVICES + 5
    assert release.sandbox.keys() == keys

    release.sandbox.reset_traffic()
    release.install(CHART, **values(DEVICES, sandbox={"enabled": False}))
    assert left() == before
    wait_until(release.leader, "a leader")
    seen = release.get("bfleet", "sensors")["status"]["lastCompleteSync"]["balena"]
    sweep(release, "reinstalled")
    wait_until(lambda: release.get("bfleet", "sensors")["status"]["lastHandledReconcileAt"] == "reinstalled"
               and release.get("bfleet", "sensors")["status"]["lastCompleteSync"]["balena"] != seen, "a sweep")
    release.kubectl("wait", "--for=condition=Ready", "bfleet/sensors", "--timeout=60s")
    wrote = {kind: count for kind, count in release.sandbox.requests().items()
             if kind.endswith((".create", ".update", ".patch", ".delete"))}
    assert wrote == {}
