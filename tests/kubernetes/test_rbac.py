"""What deploy/ lets the operator do, and that it is nothing more."""

import base64
import itertools

import pytest
import yaml

from cluster import APIS, GROUP
from documents import PLURALS, REQUIRED, document
from harness import ROOT

NAMESPACE, NAME = "balena-clearblade", "balena-clearblade-operator"
ELSEWHERE = "elsewhere"
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
KINDS = [f"{GROUP}/{plural}" for plural in PLURALS.values()]
# Whatever is not named here is refused. An object's name, if it matters, follows the resource.
WHERE_IT_SERVES = {
    **dict.fromkeys(KINDS, "list watch patch"),
    f"{GROUP}/balenadevices": "list watch patch create delete",
    **{f"{kind}/status": "patch" for kind in KINDS},
    "/secrets": "get list watch",
    "/events": "create patch",
}
WHERE_IT_RUNS = WHERE_IT_SERVES | {
    "/secrets": "get list watch create",
    "coordination.k8s.io/leases": "create",
    f"coordination.k8s.io/leases:{NAME}": "get list watch create update",
}
TRIED = [*WHERE_IT_RUNS, "/secrets:bco-key-seed", "/configmaps", "/pods", "/pods/exec", "/serviceaccounts/token",
         "/namespaces", "/namespaces:kube-system", "/namespaces:other", "apps/deployments",
         "rbac.authorization.k8s.io/roles", "rbac.authorization.k8s.io/clusterroles",
         "apiextensions.k8s.io/customresourcedefinitions", f"{GROUP}/balenafleets/finalizers",
         "events.k8s.io/events", "coordination.k8s.io/leases:other"]


def rights(cluster, token, namespace):
    """All of TRIED that one may do in a namespace, as {resource: verbs}."""
    found = {}
    for what, verb in itertools.product(TRIED, VERBS):
        place, _, name = what.partition(":")
        group, resource, *sub = place.split("/")
        answer = cluster.request(
            "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            {"spec": {"resourceAttributes": {
                "group": group, "resource": resource, "subresource": "".join(sub), "verb": verb,
                "name": name, "namespace": "" if resource == "namespaces" else namespace}}},
            token=token)
        assert answer.status == 201, answer.message
        if answer.body["status"]["allowed"]:
            found[what] = f"{found.get(what, '')} {verb}".strip()
    return {what: set(verbs.split()) for what, verbs in found.items()}


def sets(expected):
    named = dict(expected)
    # What may be done to any may be done to one.
    for what in TRIED:
        place, colon, _ = what.partition(":")
        if colon and what not in named and place in named:
            named[what] = named[place]
    return {what: set(verbs.split()) for what, verbs in named.items()}


def apply(cluster, text):
    cluster.kubectl("apply", "-f", "-", input=text)


@pytest.fixture(scope="module")
def cluster_wide(cluster):
    """The operator's token, with rights in the whole cluster."""
    apply(cluster, (ROOT / "deploy" / "rbac.yaml").read_text())
    return cluster.service_account_token(NAMESPACE, NAME)


@pytest.fixture(scope="module")
def namespaced(cluster):
    """The same, with rights in namespace "yours" alone."""
    cluster.add_namespace("yours")
    text = (ROOT / "deploy" / "rbac-namespaced.yaml").read_text()
    apply(cluster, text.replace(f"namespace: {NAMESPACE}\n", "namespace: yours\n"))
    return cluster.service_account_token("yours", NAME)


def test_the_operator_of_a_cluster_may_do_this_and_no_more(cluster, cluster_wide):
    kube_system = {"/namespaces:kube-system": "get"}
    assert rights(cluster, cluster_wide, NAMESPACE) == sets(WHERE_IT_RUNS | kube_system)
    assert rights(cluster, cluster_wide, ELSEWHERE) == sets(WHERE_IT_SERVES | kube_system)


def test_the_operator_of_a_namespace_may_do_this_and_no_more(cluster, namespaced):
    assert rights(cluster, namespaced, "yours") == sets(WHERE_IT_RUNS)
    assert rights(cluster, namespaced, ELSEWHERE) == {}


def test_the_operator_of_a_cluster_becomes_nobody_of_another_namespace(cluster, cluster_wide):
    """Neither by asking for a token nor by a Secret that would be filled with one. In its own namespace the latter is the price of making
    the key seed, which docs/threat-model.md tells."""
    def may_become(namespace):
        account = {"metadata": {"name": "powerful"}}
        assert cluster.request("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", account).status == 201
        asked = cluster.request("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/powerful/token", {"spec": {}}, token=cluster_wide)
        assert asked.status == 403
        made = cluster.request("POST", f"/api/v1/namespaces/{namespace}/secrets", {
            "metadata": {"name": "token", "annotations": {"kubernetes.io/service-account.name": "powerful"}},
            "type": "kubernetes.io/service-account-token"}, token=cluster_wide)
        return made.status == 201

    assert not may_become("kube-system")
    assert not may_become("default")
    assert may_become(NAMESPACE)
    assert "type `kubernetes.io/service-account-token`" in " ".join((ROOT / "docs" / "threat-model.md").read_text().split())


def test_where_it_may_not_make_the_key_seed_it_says_so_and_waits_for_it(cluster, cluster_wide, make_installation, sandbox):
    sandbox.add_devices(1)
    installation = make_installation(cluster, cluster.add_namespace("without-seed"), sandbox).registry().fleet()
    cluster.kubectl("create", "role", "lease", "-n", "without-seed", "--verb=get,list,watch,create,update", "--resource=leases")
    cluster.kubectl("create", "rolebinding", "lease", "-n", "without-seed", "--role=lease", f"--serviceaccount={NAMESPACE}:{NAME}")
    installation.start(kubeconfig=cluster.kubeconfig(cluster_wide, "cluster-wide", NAMESPACE))
    said = installation.wait_condition("fleet", "sensors", status="False", reason="NotFound")["message"]
    assert "keySeedSecretRef: Secret without-seed/bco-key-seed is not there, and the operator may not make Secrets" in said
    assert "openssl rand -base64 32" in said
    installation.kubectl("create", "secret", "generic", "bco-key-seed", f"--from-literal=seed={base64.b64encode(bytes(range(32))).decode()}")
    installation.wait_ready(1)


@pytest.mark.parametrize("kind", PLURALS)
def test_that_is_enough_for_finalizers_and_status(cluster, namespaced, kind):
    path = f"{APIS}/namespaces/yours/{PLURALS[kind]}"
    made = cluster.request("POST", path, document(kind, REQUIRED[kind]))
    assert made.status == 201, made.message
    ours = {"apiVersion": f"{GROUP}/v1alpha1", "kind": kind,
            "metadata": {"finalizers": [f"{GROUP}/deprovision"], "uid": made.body["metadata"]["uid"]}}
    held = cluster.request("PATCH", f"{path}/x?fieldManager=operator&force=true", ours,
                           "apply-patch+yaml", namespaced)
    assert held.status == 200, held.message
    said = cluster.request("PATCH", f"{path}/x/status?fieldManager=operator-status&force=true",
                           ours | {"metadata": {}, "status": {"observedGeneration": 1}},
                           "apply-patch+yaml", namespaced)
    assert said.body["status"] == {"observedGeneration": 1}
    assert said.body["metadata"]["finalizers"] == [f"{GROUP}/deprovision"]


def test_that_is_enough_to_watch_the_one_lease(cluster, namespaced):
    leases = "/apis/coordination.k8s.io/v1/namespaces/yours/leases"
    lease = {"metadata": {"name": NAME}, "spec": {"holderIdentity": "a"}}
    assert cluster.request("POST", leases, lease, token=namespaced).status == 201
    one = f"?fieldSelector=metadata.name%3D{NAME}"
    assert cluster.request("GET", leases + one, token=namespaced).status == 200
    assert cluster.request("GET", f"{leases}{one}&watch=1&timeoutSeconds=1", token=namespaced).status == 200
    assert cluster.request("GET", leases, token=namespaced).status == 403


def test_both_say_the_same_of_what_is_served():
    def rules(file):
        documents = yaml.safe_load_all((ROOT / "deploy" / file).read_text())
        return [rule for each in documents if "Role" in each["kind"] for rule in each.get("rules", [])
                if rule["resources"] != ["namespaces"]]

    assert rules("rbac.yaml") == rules("rbac-namespaced.yaml")
