"""The API server that the other tests build on."""

import json
import urllib.error

import pytest

import cluster as clusters
from cluster import APIS
from harness import wait_until

UUID = "7cf02a69e4d34c9da573914963cf54fd"


def device(name):
    return {"apiVersion": "provisioning.balena-clearblade.io/v1alpha1", "kind": "BalenaDevice",
            "metadata": {"name": name}, "spec": {"uuid": UUID, "fleetRef": {"name": "sensors"}}}


def test_serves_the_three_kinds(cluster):
    names = {each["name"]: each for each in cluster.request("GET", APIS).body["resources"]}
    assert set(names) == {f"{plural}{sub}" for sub in ("", "/status")
                          for plural in ("balenadevices", "balenafleets", "clearbladeregistries")}
    assert all(each["namespaced"] for each in names.values())


def test_kubectl_applies_what_it_is_given(cluster, namespace):
    cluster.kubectl("apply", "-n", namespace, "-f", "-", input=json.dumps(device("gate-7")))
    assert cluster.kubectl("get", "balena", "-n", namespace, "-o", "name") == (
        "balenadevice.provisioning.balena-clearblade.io/gate-7\n")


def test_tells_users_apart(cluster, namespace):
    token = cluster.service_account_token(namespace, "somebody")
    review = cluster.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {},
                             token=token)
    assert review.body["status"]["userInfo"]["username"] == (
        f"system:serviceaccount:{namespace}:somebody")
    assert cluster.request("GET", f"{APIS}/balenadevices", token=token).status == 403
    assert cluster.request("GET", f"{APIS}/balenadevices", token="unknown").status == 401
    assert cluster.kubectl("auth", "whoami", kubeconfig=cluster.kubeconfig(token, "somebody"))


def test_is_frozen_killed_and_started_again_with_what_it_held(make_cluster, monkeypatch):
    cluster = make_cluster()
    path = f"{APIS}/namespaces/default/balenadevices"
    made = cluster.request("POST", path, device("gate-7"))
    assert made.status == 201

    cluster.server.freeze()
    with monkeypatch.context() as patch:
        patch.setattr(clusters, "PATIENCE", 0.2)
        with pytest.raises((TimeoutError, urllib.error.URLError)):
            cluster.request("GET", path)
    cluster.server.thaw()
    assert cluster.request("GET", f"{path}/gate-7").body["metadata"] == made.body["metadata"]

    token = cluster.service_account_token("default", "somebody")
    cluster.server.kill()
    with pytest.raises(urllib.error.URLError):
        cluster.request("GET", path)
    cluster.start_server()
    assert cluster.request("GET", f"{path}/gate-7").body["metadata"] == made.body["metadata"]
    assert cluster.request("GET", path, token=token).status == 403, "the token is still good"


def test_says_why_it_does_not_start(make_cluster):
    cluster = make_cluster()
    cluster.server.kill()
    cluster.server.command = [*cluster.server.command, "--no-such-flag"]
    with pytest.raises(AssertionError, match="unknown flag: --no-such-flag"):
        cluster.start_server()
