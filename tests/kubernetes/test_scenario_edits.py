"""What is no matter of the operator's costs no request to a cloud and no write."""

from cluster import GROUP
from harness import wait_until
from installation import PLURALS, writes

ASK = f"{GROUP}/reconcile-requested-at"


def ask(installation, kind, name, token):
    """Returns when it is answered: then all that came before it has been seen."""
    installation.kubectl("annotate", "--overwrite", PLURALS[kind], name, f"{ASK}={token}")
    wait_until(lambda: installation.get(kind, name)["status"].get("lastHandledReconcileAt") == token, f"answer to {token}")


def test_labels_and_notes_of_others_and_its_own_writes_call_for_nothing(installation, cluster, sandbox):
    uuids = sandbox.add_devices(3)
    installation.fleet(devices="Declared", syncInterval="1h")
    for uuid, name in zip(uuids, ("edited", "asked", "asked-later")):
        installation.device(uuid, name)
    # One worker, so that one pass has ended when the next begins.
    installation.start("--workers", "1")
    installation.wait_ready(3)
    wait_until(lambda: installation.get("fleet", "sensors")["status"]["devices"]["ready"] == 3, "the count")
    sandbox.reset_traffic()
    since = cluster.audit.now()
    for kind, name in (("bdev", "edited"), ("cbreg", "main"), ("bfleet", "sensors")):
        installation.kubectl("annotate", kind, name, "example.com/note=for people")
        if kind != "bfleet":  # whose labels its discovered devices take on
            installation.kubectl("label", kind, name, "team=roof")
    ask(installation, "device", "asked", "first")
    ask(installation, "device", "asked-later", "second")
    # Two passes, which read and write nothing: of neither did the answer call for another.
    assert sandbox.requests() == {"balena.device.get": 2, "clearblade.device.get": 2}
    written = [each for each in cluster.audit.requests(since) if each.writes and each.namespace == installation.namespace
               and each.resource != "leases"]
    assert [(each.name, each.subresource) for each in written] == [("asked", "status"), ("asked-later", "status")]


def test_who_has_nothing_to_do_lists_nothing(installation, cluster, sandbox):
    """But looks at the clouds, and keeps its Lease."""
    sandbox.add_devices(3)
    installation.fleet(syncInterval="1s").start("--retry-period", "100ms")
    installation.wait_ready(3)
    sandbox.reset_traffic()
    since = cluster.audit.now()
    wait_until(lambda: sandbox.requests().get("balena.device.list", 0) > 2, "sweeps")
    asked = [each for each in cluster.audit.requests(since) if each.namespace == installation.namespace]
    assert "leases" in {each.resource for each in asked}
    assert not [each for each in asked if each.lists]


def test_a_label_of_a_fleet_is_passed_on_without_a_write_to_any_cloud(installation, sandbox):
    uuid, = sandbox.add_devices(1)
    installation.fleet(syncInterval="1h").start()
    installation.wait_ready(1)
    sandbox.reset_traffic()
    installation.kubectl("label", "bfleet", "sensors", "team=roof")
    wait_until(lambda: installation.get("device", f"sensors-{uuid}")["metadata"]["labels"].get("team") == "roof",
               "its device's label")
    ask(installation, "fleet", "sensors", "now")
    assert writes(sandbox) == {}
