"""The operator is removed with all that is its own, as docs/install/helm.md tells; a step too early can be mended."""

import os
import subprocess

import pytest

from cluster import CRDS, GROUP
from harness import PATIENCE, ROOT, wait_until
from pages import commands

REMOVAL, WAY_OUT = commands(ROOT / "docs" / "install" / "helm.md", "Removing everything")


@pytest.fixture
def kubernetes_of_its_own(make_cluster):
    """The kinds go."""
    return make_cluster()


@pytest.fixture
def removable(kubernetes_of_its_own, make_installation, sandbox):
    """A fleet with a discovered and a declared device, in another namespace than the one that commands go to by default."""
    cluster = kubernetes_of_its_own
    found, declared = sandbox.add_devices(2)
    installation = make_installation(cluster, cluster.add_namespace("iot"), sandbox).registry().fleet().device(declared)
    installation.start()
    installation.wait_ready(2)
    return installation


def shell(cluster, text, check=True):
    """Without Helm: no chart is installed here."""
    text = "\n".join(line for line in text.splitlines() if not line.startswith("helm "))
    done = subprocess.run(["bash", "-euc", text], text=True, capture_output=True, timeout=PATIENCE, env=os.environ | {
        "KUBECONFIG": str(cluster.admin_kubeconfig), "PATH": f"{cluster.folder}:{os.environ['PATH']}"})
    assert done.returncode == 0 or not check, done.stdout + done.stderr
    return done


def label_as_the_chart_does(cluster):
    shell(cluster, "kubectl label crd --all app.kubernetes.io/name=balena-clearblade-operator")


def kinds(cluster):
    return [each["metadata"]["name"] for each in cluster.request("GET", CRDS).body["items"] if each["spec"]["group"] == GROUP]


def test_everything_goes_as_the_page_says(kubernetes_of_its_own, removable, sandbox):
    cluster, registered = kubernetes_of_its_own, sandbox.registrations()
    label_as_the_chart_does(cluster)
    shell(cluster, REMOVAL)
    wait_until(lambda: not kinds(cluster), "the kinds' end")
    # Retain, the default policy.
    assert len(registered) == 2 and sandbox.registrations() == registered


def test_who_has_removed_the_operator_first_gets_out(kubernetes_of_its_own, removable, sandbox):
    cluster, registered = kubernetes_of_its_own, sandbox.registrations()
    label_as_the_chart_does(cluster)
    removable.stop()
    stuck = shell(cluster, "kubectl delete bfleet,bdev,cbreg --all --all-namespaces --timeout=1s", check=False)
    assert "timed out" in stuck.stderr
    shell(cluster, "kubectl delete crd -l app.kubernetes.io/name=balena-clearblade-operator --wait=false")
    assert len(kinds(cluster)) == 3
    shell(cluster, WAY_OUT)
    wait_until(lambda: not kinds(cluster), "the kinds' end")
    assert sandbox.registrations() == registered
