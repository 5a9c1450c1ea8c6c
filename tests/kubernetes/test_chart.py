"""The Helm chart against a real API server: what it accepts, keeps, and what of it is left. Pods are run by tests/cluster."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "chart"))

from chart import CHART, VALUES, helm, objects
from cluster import CRDS, GROUP, crds
from installation import Installation
from harness import ROOT, wait_until

FROZEN = next((ROOT / "tests" / "chart" / "fixtures").glob("*.tgz"))
NAME = "bco"


@pytest.fixture
def fresh(make_cluster):
    """An API server that does not know our kinds, with a namespace that enforces the restricted level of Pod security."""
    cluster = make_cluster()
    for crd in crds():
        cluster.request("DELETE", f"{CRDS}/{crd['metadata']['name']}")
    made = cluster.request("POST", "/api/v1/namespaces", {"metadata": {
        "name": "iot", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}})
    assert made.status == 201
    wait_until(lambda: not cluster.request("GET", CRDS).body["items"], "the kinds' end")
    return cluster


def run(cluster, verb, *arguments, fails=False):
    done = helm(verb, NAME, *arguments, "--namespace", "iot", "--kubeconfig", cluster.admin_kubeconfig)
    assert (done.returncode != 0) == fails, done.stderr
    return done.stdout + done.stderr


def uids(cluster):
    """Of all that must outlive a release, by name."""
    def items(plural):
        # Not served for a moment after a change of the kind.
        path = f"/apis/{GROUP}/v1alpha1/namespaces/iot/{plural}"
        return wait_until(lambda: cluster.request("GET", path).body.get("items"), plural)

    found = [item for plural in ("balenafleets", "clearbladeregistries", "balenadevices") for item in items(plural)]
    found += cluster.request("GET", CRDS).body["items"]
    found += [item for item in cluster.request("GET", "/api/v1/namespaces/iot/secrets").body["items"]
              if item["metadata"]["name"] == "bco-key-seed"]
    return {item["metadata"]["name"]: item["metadata"]["uid"] for item in found}


def test_an_upgrade_a_removal_and_a_second_installation_keep_what_devices_live_on(fresh, tmp_path, make_sandbox):
    run(fresh, "install", FROZEN)
    for crd in crds():
        wait_until(lambda: fresh._is_established(crd), crd["metadata"]["name"])
    # The operator works outside of this cluster, which has no node, with the rights that the chart gives it.
    sandbox = make_sandbox("--no-devices")
    installation = Installation(tmp_path, fresh, "iot", sandbox).registry().fleet()
    sandbox.add_devices(5)
    account = f"{NAME}-balena-clearblade-operator"
    kubeconfig = fresh.kubeconfig(fresh.service_account_token("iot", account), "chart", "iot")
    replica = installation.start("--lease-name", account, kubeconfig=kubeconfig)
    try:
        installation.wait_ready(5)
        before, keys = uids(fresh), sandbox.registrations()
        assert len(before) == 5 + 2 + 3 + 1
        run(fresh, "upgrade", CHART)
        assert uids(fresh) == before
        run(fresh, "uninstall")
        assert uids(fresh) == before
        run(fresh, "install", CHART)
        assert uids(fresh) == before
        assert sandbox.registrations() == keys
        sandbox.add_devices(1)
        installation.wait_ready(6)
        assert replica.process.poll() is None
    finally:
        installation.stop()


def test_a_release_of_another_name_does_not_take_the_kinds_by_accident(fresh):
    run(fresh, "install", CHART)
    done = helm("install", "other", CHART, "--namespace", "iot", "--kubeconfig", fresh.admin_kubeconfig)
    assert done.returncode != 0 and "invalid ownership metadata" in done.stderr
    done = helm("install", "other", CHART, "--namespace", "iot", "--kubeconfig", fresh.admin_kubeconfig, "--set", "crds.install=false")
    assert done.returncode == 0, done.stderr


def test_an_upgrade_does_not_change_the_sandboxs_secrets(fresh):
    """Or it would start anew, with another world."""
    def secret():
        path = f"/api/v1/namespaces/iot/secrets/{NAME}-balena-clearblade-operator-sandbox-server"
        return fresh.request("GET", path).body["data"]

    run(fresh, "install", CHART, "--set", "sandbox.enabled=true")
    before = secret()
    run(fresh, "upgrade", CHART, "--set", "sandbox.enabled=true", "--set", "workers=8")
    assert secret() == before


def test_the_api_server_takes_its_pods_where_it_enforces_the_restricted_level(fresh):
    """Every Pod of every set of values; and not one that is careless."""
    def post(spec):
        return fresh.request("POST", "/api/v1/namespaces/iot/pods?dryRun=All&fieldValidation=Strict", {
            "metadata": {"name": "tried"}, "spec": spec | {"serviceAccountName": "default"}})

    tried = 0
    for file in VALUES:
        for each in objects(file).values():
            if each["kind"] in ("Deployment", "Pod"):
                spec = each["spec"] if each["kind"] == "Pod" else each["spec"]["template"]["spec"]
                answer = post({key: value for key, value in spec.items() if key != "priorityClassName"})
                assert answer.status == 201, (file.name, answer.message)
                tried += 1
    assert tried > 20
    assert "violates PodSecurity" in post({"containers": [{"name": "careless", "image": "x"}]}).message
