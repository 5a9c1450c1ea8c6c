"""An operator that looks after the objects of some labels alone."""

from cluster import GROUP
from harness import assert_provisioned, wait_until
from test_scenario_endpoint import Served, tokens
from test_scenario_outage import QUICK

SHARD = ("--selector", "shard=a")


def label(installation, kind, name, **labels):
    done = installation.cluster.request("PATCH", installation.path(kind, name), {"metadata": {"labels": labels}},
                                        "merge-patch+json")
    assert done.status == 200, done.message


def shard(installation, **spec):
    """A fleet and its registry with the shard's label."""
    installation.fleet(syncInterval="1s", **spec)
    label(installation, "registry", "main", shard="a")
    label(installation, "fleet", "sensors", shard="a", team="roof")
    return installation


def test_a_shard_keeps_the_devices_that_it_discovers(installation, sandbox):
    uuids = sandbox.add_devices(3)
    replica = shard(installation, deletionPolicy="Delete").start(*SHARD, *QUICK)
    installation.wait_ready(3)
    for item in installation.devices().values():
        assert item["metadata"]["labels"] == {
            "shard": "a", "team": "roof", f"{GROUP}/fleet": "sensors", f"{GROUP}/discovered": "true"}
    name = f"sensors-{uuids[0]}"

    def handles(token):
        installation.annotate("device", name, reconcile_requested_at=token)
        wait_until(lambda: installation.get("device", name)["status"].get("lastHandledReconcileAt") == token, token)

    handles("while it runs")
    assert replica.stop() == 0
    installation.start(*SHARD, *QUICK)
    handles("after a restart")
    wait_until(lambda: installation.get("fleet", "sensors")["status"]["devices"]["ready"] == 3, "three ready devices")
    assert_provisioned(sandbox, uuids)
    installation.delete("fleet", "sensors")
    installation.wait_gone("fleet", "sensors")
    assert not installation.devices() and not sandbox.registrations()


def test_a_shard_keeps_the_devices_that_its_endpoint_enrols(installation, sandbox, tmp_path):
    uuid, = sandbox.add_devices(1)
    shard(installation, devices="Declared", endpoint={"enrol": True})
    served = Served(installation, tokens(installation, tmp_path), *SHARD)
    assert served.post(uuid).status == 201
    assert installation.devices()[uuid]["metadata"]["labels"] == {
        "shard": "a", "team": "roof", f"{GROUP}/fleet": "sensors", f"{GROUP}/enrolled": "true"}
    assert_provisioned(sandbox, [uuid])


def test_labels_of_discovered_devices_follow_their_fleets(installation, sandbox):
    uuid, = sandbox.add_devices(1)
    name = f"sensors-{uuid}"

    def labels():
        return {key: value for key, value in installation.get("device", name)["metadata"]["labels"].items()
                if not key.startswith(GROUP)}

    shard(installation).start(*SHARD)
    installation.wait_ready(1)
    label(installation, "device", name, mine="stays")
    label(installation, "fleet", "sensors", team="cellar", site="x")
    wait_until(lambda: labels() == {"shard": "a", "team": "cellar", "site": "x", "mine": "stays"}, "the new labels")
    label(installation, "fleet", "sensors", team=None)
    wait_until(lambda: labels() == {"shard": "a", "site": "x", "mine": "stays"}, "the end of a label")


def test_an_object_that_is_there_but_not_of_the_shard_is_told_of(installation, sandbox):
    uuid, = sandbox.add_devices(1)
    name = f"sensors-{uuid}"
    installation.device(uuid, name=name)
    replica = shard(installation).start(*SHARD)
    told = installation.wait_condition("fleet", "sensors", status="False", reason="AlreadyExists")
    assert name in told["message"] and "labels" in told["message"], told
    label(installation, "device", name, shard="a")
    installation.wait_condition("fleet", "sensors", status="True")
    installation.wait_ready(1)
    assert replica.log.count("fleet can't be synced") == 1
