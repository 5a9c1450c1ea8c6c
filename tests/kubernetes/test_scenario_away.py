"""The API server is stopped for a while. The lease's times are a fraction of those that the operator has by itself (60, 40
and 15 seconds), so the outages are: one that is shorter than the lease, like half a minute, and one that is longer."""

import pytest

from harness import assert_provisioned, wait_until

SHORT_DEADLINES = ("--renew-deadline", "2s", "--retry-period", "500ms", "--attempt-deadline", "500ms")


class Outage:
    """A cluster of its own with a fleet whose devices are ready; then its API server is killed."""

    def __init__(self, make_cluster, make_installation, sandbox, lease):
        self.cluster = make_cluster()
        self.sandbox = sandbox
        self.installation = make_installation(self.cluster, self.cluster.add_namespace("test"), sandbox).registry()
        self.uuids = sandbox.add_devices(20)
        self.arguments = ("--lease-duration", lease, *SHORT_DEADLINES)
        self.replica = self.installation.fleet(syncInterval="1s").start(*self.arguments)
        self.installation.wait_ready(20)
        self.lease = self.installation.lease()
        self.cluster.server.kill()
        self.uuids += sandbox.add_devices(10)

    def end(self, arguments=None):
        """Nothing is lost and nothing is done twice, the devices that came meanwhile included."""
        self.cluster.start_server()
        if arguments:
            self.installation.start(*arguments)
        self.installation.wait_ready(30)
        assert_provisioned(self.sandbox, self.uuids)
        assert len(self.sandbox.registrations()) == 30
        assert all(item["status"]["key"]["generation"] == 0 for item in self.installation.devices().values())
        requests = self.sandbox.requests()
        assert requests["clearblade.device.create"] == 30
        assert requests["balena.variable.create"] == 120


@pytest.fixture
def make_outage(make_cluster, make_installation, sandbox):
    return lambda lease: Outage(make_cluster, make_installation, sandbox, lease)


def test_an_outage_that_is_shorter_than_the_lease_costs_no_restart(make_outage):
    outage = make_outage("60s")
    # Each half a second after the last, or later: its right to write has ended long before.
    wait_until(lambda: outage.replica.log.count("the lease can't be renewed") >= 8, "the end of its right to write")
    outage.end()
    lease = outage.installation.lease()
    assert lease["holderIdentity"] == outage.lease["holderIdentity"]
    assert lease["leaseTransitions"] == outage.lease["leaseTransitions"]
    assert outage.replica.leads() and "the lease is lost" not in outage.replica.log


def test_an_outage_that_is_longer_than_the_lease_ends_the_leader_and_the_next_process_goes_on(make_outage):
    outage = make_outage("3s")
    assert outage.replica.process.wait(60) == 1
    assert "the lease is lost" in outage.replica.log
    outage.end(outage.arguments)
