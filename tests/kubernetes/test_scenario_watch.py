"""What the operator watches is cut off from it, or is forgotten meanwhile."""

import pytest

from cluster import GROUP
from harness import assert_provisioned, wait_until
from installation import PLURALS, is_true, writes


def behind(proxy, installation, *arguments):
    """A replica that reaches the API server through the proxy, with the rights that deploy/ gives it."""
    return installation.start(*arguments, kubeconfig=installation.operator_kubeconfig(proxy.url))


def with_devices(installation, proxy, sandbox, count):
    """Declared ones that are ready."""
    uuids = sandbox.add_devices(count)
    installation.fleet(devices="Declared", deletionPolicy="Delete", syncInterval="1h")
    for uuid in uuids:
        installation.device(uuid)
    behind(proxy, installation)
    installation.wait_ready(count)
    sandbox.reset_traffic()
    return uuids


def wait_count(installation, **counts):
    wait_until(lambda: counts.items() <= installation.get("fleet", "sensors")["status"]["devices"].items(),
               f"devices counted as {counts}")


class Changes:
    """What people do of each kind to objects of which one has four devices."""

    def __init__(self, installation, sandbox, uuids):
        self.installation = installation
        self.sandbox = sandbox
        self.deleted, self.absent, self.vanished, *self.untouched = uuids
        self.added, = sandbox.add_devices(1)

    def make(self):
        self.installation.device(self.added)
        self.installation.kubectl("delete", "bdev", f"d-{self.deleted}", "--wait=false")
        self.installation.kubectl("patch", "bdev", f"d-{self.absent}", "--type=merge", "-p",
                                  '{"spec": {"state": "Absent"}}')
        # By force: no operator is asked.
        self.installation.kubectl("patch", "bdev", f"d-{self.vanished}", "--type=merge", "-p",
                                  '{"metadata": {"finalizers": null}}')
        self.installation.kubectl("delete", "bdev", f"d-{self.vanished}", "--timeout=30s")

    def wait_made(self):
        """They have their effect, each once; nothing else has."""
        wait_until(lambda: is_true(self.installation.get("device", f"d-{self.added}"), "Ready"), "readiness")
        self.installation.wait_gone("device", f"d-{self.deleted}")
        wait_until(lambda: self.installation.get("device", f"d-{self.absent}")["status"]["phase"] == "Absent", "removal")
        wait_count(self.installation, total=2 + len(self.untouched), ready=2 + len(self.untouched))
        assert_provisioned(self.sandbox, [self.added, *self.untouched])
        assert self.sandbox.registrations().keys() == {
            f"balena-{uuid}" for uuid in (self.added, self.vanished, *self.untouched)}
        assert writes(self.sandbox) == {"clearblade.device.create": 1, "balena.variable.create": 4,
                                        "clearblade.device.delete": 2, "balena.variable.delete": 2}


def watched(cluster, since):
    """What was listed and what was gone on with, of the kinds that are ours."""
    requests = [each for each in cluster.audit.requests(since) if each.resource in PLURALS.values()]
    return ({each.resource for each in requests if each.lists},
            {each.resource for each in requests if each.resumes})


@pytest.mark.parametrize("flags", [(), ("--watch-cache=false",)], ids=["by the API server too", "by etcd"])
def test_what_was_compacted_before_it_was_seen_is_listed_anew(make_cluster, make_proxy, make_installation, sandbox, flags):
    cluster = make_cluster(*flags)
    proxy = make_proxy(cluster)
    installation = make_installation(cluster, cluster.add_namespace("test"), sandbox).registry()
    changes = Changes(installation, sandbox, with_devices(installation, proxy, sandbox, 10))
    proxy.refuse()
    changes.make()
    cluster.compact()
    if not flags:
        # Else it answers from memory.
        cluster.server.kill()
        cluster.start_server()
    since = cluster.audit.now()
    proxy.pass_again()
    changes.wait_made()
    wait_until(lambda: watched(cluster, since)[0] == set(PLURALS.values()), "lists of all kinds")
    replica, = installation.replicas
    assert replica.log.count(" leading") == 1 and replica.leads()


@pytest.mark.concurrent
@pytest.mark.parametrize("how", ["cut", "refuse", "freeze"])
def test_a_watch_that_is_interrupted_goes_on_where_it_was(cluster, make_proxy, installation, sandbox, how):
    proxy = make_proxy(cluster)
    changes = Changes(installation, sandbox, with_devices(installation, proxy, sandbox, 5))
    since = cluster.audit.now()
    getattr(proxy, how)()
    changes.make()
    proxy.pass_again()
    changes.wait_made()
    lists, resumed = watched(cluster, since)
    assert lists == set()
    if how != "freeze":  # whose watches have not ended
        wait_until(lambda: watched(cluster, since)[1] == set(PLURALS.values()), "watches of all kinds")
    assert f"{GROUP}/deprovision" in installation.get("device", f"d-{changes.added}")["metadata"]["finalizers"]
