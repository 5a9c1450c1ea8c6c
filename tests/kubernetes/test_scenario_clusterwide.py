"""One operator for the whole cluster, with the rights of deploy/rbac.yaml."""

import base64
import secrets

from harness import ROOT, assert_provisioned, wait_until
from installation import OPERATOR

HOME = "balena-clearblade"


def test_an_operator_of_the_whole_cluster_serves_each_namespace(make_cluster, make_installation, sandbox):
    cluster = make_cluster()
    cluster.kubectl("apply", "--server-side", "-f", ROOT / "deploy" / "rbac.yaml")
    kubeconfig = cluster.kubeconfig(cluster.service_account_token(HOME, OPERATOR), "operator", HOME)
    sensors = make_installation(cluster, cluster.add_namespace("one"), sandbox)
    # Owned by whom the cluster is: that it may be asked for is a right of its own.
    sensors.apply(sensors.object("ClearBladeRegistry", "main", {
        "project": "my-project", "region": "us-central1", "registry": "devices",
        "serviceAccountSecretRef": {"name": "clearblade"}, "caSecretRef": {"name": "ca"}}))
    gateways = make_installation(cluster, cluster.add_namespace("other"), sandbox)
    sandbox.add_registry("others")
    gateways.registry(registry="others")
    # It may create Secrets in its own namespace alone.
    for installation in (sensors, gateways):
        seed = base64.b64encode(secrets.token_bytes(32)).decode()
        installation.kubectl("create", "secret", "generic", "bco-key-seed", f"--from-literal=seed={seed}")
    discovered, declared = sandbox.add_devices(3), sandbox.add_devices(2, "acme/gateways")
    sensors.fleet(deletionPolicy="Delete", syncInterval="1s")
    gateways.fleet("gateways", "acme/gateways", "main", devices="Declared", deletionPolicy="Delete", syncInterval="1s")
    for uuid in declared:
        gateways.device(uuid, fleet="gateways")
    replica = sensors.start("--lease-namespace", HOME, kubeconfig=kubeconfig, everywhere=True)
    sensors.wait_ready(3)
    gateways.wait_ready(2)
    assert_provisioned(sandbox, discovered)
    assert_provisioned(sandbox, declared, "main", "others")
    system = cluster.request("GET", "/api/v1/namespaces/kube-system").body["metadata"]["uid"]
    assert sensors.get("registry", "main")["status"]["ownerId"] == system
    for installation, kind, name in ((sensors, "fleet", "sensors"), (gateways, "device", f"d-{declared[0]}"),
                                     (gateways, "registry", "main")):
        installation.annotate(kind, name, reconcile_requested_at="now")
        wait_until(lambda: installation.get(kind, name)["status"].get("lastHandledReconcileAt") == "now", "the answer")
    wait_until(lambda: sensors.events(f"sensors-{discovered[0]}") and gateways.events(f"d-{declared[0]}"), "events")

    gateways.kubectl("delete", "bdev", f"d-{declared[0]}", "--timeout=30s")
    sensors.kubectl("delete", "bfleet", "sensors", "--timeout=30s")
    assert sensors.devices() == {} and not sandbox.registrations()
    assert sandbox.registrations("others").keys() == {f"balena-{declared[1]}"}
    assert replica.leads()
    assert "cannot" not in replica.log and "no right" not in replica.log
