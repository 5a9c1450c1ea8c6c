"""The operator is installed without Helm, as docs/install/plain.md tells. There is no node: the program runs beside the cluster, as its Pods would."""

import re

import pytest

from harness import ROOT
from installation import OPERATOR
from pages import commands
from test_removal import shell

PAGE = ROOT / "docs" / "install" / "plain.md"
EVERYWHERE, IN_ONE_NAMESPACE = commands(PAGE, "Plain manifests")


@pytest.fixture
def fresh(make_cluster):
    """An API server of its own."""
    return make_cluster()


def type_in(cluster, text):
    """What the page tells, but that nobody makes Pods to wait for."""
    assert OPERATOR in shell(cluster, re.sub(r"rollout status", "get", text)).stdout


def deployed(cluster, namespace):
    """The Pods' template; all that belongs to it is there too."""
    cluster.kubectl("get", "-n", namespace, *(f"{kind}/{OPERATOR}" for kind in ("serviceaccount", "role", "rolebinding", "pdb")),
                    f"service/{OPERATOR}-metrics")
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{OPERATOR}"
    return cluster.request("GET", path).body["spec"]["template"]


def accept_pod(cluster, namespace, template):
    """At the restricted level of Pod security."""
    labels = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    assert cluster.request("PATCH", f"/api/v1/namespaces/{namespace}", labels, "merge-patch+json").status == 200
    pod = {"metadata": {"name": "one"}, "spec": template["spec"]}
    made = cluster.request("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", pod)
    assert made.status == 201, made.message


def run_as_deployed(installation, template):
    """With the arguments and the rights that its Pods have, but on ports that are free."""
    container, = template["spec"]["containers"]
    assert container["image"].startswith(f"registry.example.com/{OPERATOR}:")
    command, *arguments = container["args"]
    assert command == "controller"
    cluster, namespace = installation.cluster, installation.namespace
    token = cluster.service_account_token(namespace, template["spec"]["serviceAccountName"])
    installation.start(*(each for each in arguments if "-addr=" not in each), everywhere=True,
                       kubeconfig=cluster.kubeconfig(token, "pod", namespace))
    installation.wait_ready(1)


@pytest.mark.parametrize("text, namespace", [(EVERYWHERE, "balena-clearblade"), (IN_ONE_NAMESPACE.replace("YOURS", "iot"), "iot")],
                         ids=["of a cluster", "of a namespace"])
def test_the_operator_works_that_is_installed_as_the_page_says(fresh, make_installation, sandbox, text, namespace):
    if namespace == "iot":
        fresh.add_namespace(namespace)
    type_in(fresh, text)
    template = deployed(fresh, namespace)
    accept_pod(fresh, namespace, template)
    assert ("--namespace=iot" in template["spec"]["containers"][0]["args"]) == (namespace == "iot")
    sandbox.add_devices(1)
    run_as_deployed(make_installation(fresh, namespace, sandbox).registry().fleet(), template)
