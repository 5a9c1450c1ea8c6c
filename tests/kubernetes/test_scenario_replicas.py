"""Several replicas: one works, and another goes on when it ends, however it ends."""

import datetime
import signal

import pytest

from harness import assert_provisioned, wait_until
from installation import writes

# A silent leader is replaced within seconds. No request may take longer than it may still write.
QUICK = ("--lease-duration", "3s", "--renew-deadline", "2s", "--retry-period", "500ms",
         "--attempt-deadline", "500ms")


def leader(replicas):
    return wait_until(lambda: next((each for each in replicas if each.leads()), None), "a leader")


def others(replicas, one):
    return [each for each in replicas if each is not one]


def time_of(text):
    return datetime.datetime.fromisoformat(text)


def add_and_wait(installation, sandbox, known, count):
    """Devices that whoever leads finds and provisions."""
    known += sandbox.add_devices(count)
    installation.wait_ready(len(known))
    assert_provisioned(sandbox, known)
    assert len(sandbox.registrations()) == len(known)
    assert all(item["status"]["key"]["generation"] == 0 for item in installation.devices().values())


@pytest.mark.concurrent
def test_another_replica_goes_on_at_once_when_the_leader_is_told_to_end(installation, sandbox):
    """Nobody looks at the Lease by itself, or might take it unreleased, before this test has given up."""
    uuids = sandbox.add_devices(10)
    slow = ("--lease-duration", "3h", "--renew-deadline", "2h", "--retry-period", "1h", "--attempt-deadline", "500ms")
    replicas = [installation.fleet(syncInterval="1s").start(*slow) for _ in range(3)]
    first = leader(replicas)
    add_and_wait(installation, sandbox, uuids, 5)
    for each in others(replicas, first):
        wait_until(lambda: "standing by" in each.log, "who stands by")
    assert [each for each in replicas if each.leads()] == [first]
    hurried = sandbox.add_devices(10)
    assert first.stop() == 0
    second = leader(others(replicas, first))
    add_and_wait(installation, sandbox, uuids + hurried, 5)
    assert [each for each in replicas if each.leads()] == [second]


def test_another_replica_goes_on_when_the_leader_is_killed_and_its_lease_has_ended(installation, sandbox):
    uuids = sandbox.add_devices(10)
    replicas = [installation.fleet(syncInterval="1s").start(*QUICK) for _ in range(3)]
    first = leader(replicas)
    add_and_wait(installation, sandbox, uuids, 5)
    hurried = sandbox.add_devices(10)
    assert first.stop(signal.SIGKILL) == -signal.SIGKILL
    last = installation.lease()
    second = leader(others(replicas, first))
    add_and_wait(installation, sandbox, uuids + hurried, 5)
    assert [each for each in replicas if each.leads()] == [second]
    now = installation.lease()
    assert now["leaseTransitions"] == last["leaseTransitions"] + 1
    assert time_of(now["acquireTime"]) - time_of(last["renewTime"]) >= datetime.timedelta(seconds=3)


def test_a_leader_that_was_frozen_past_its_lease_writes_no_more(installation, sandbox):
    uuids = sandbox.add_devices(5)
    replicas = [installation.fleet(syncInterval="1s").start(*QUICK) for _ in range(3)]
    first = leader(replicas)
    add_and_wait(installation, sandbox, uuids, 5)
    first.freeze()
    second = leader(others(replicas, first))
    add_and_wait(installation, sandbox, uuids, 5)
    versions = {uuid: item["metadata"]["resourceVersion"] for uuid, item in installation.devices().items()}
    sandbox.reset_traffic()
    first.process.send_signal(signal.SIGCONT)
    assert first.process.wait(20) == 1
    assert "the lease is lost" in first.log
    assert writes(sandbox) == {}
    assert versions == {uuid: item["metadata"]["resourceVersion"]
                        for uuid, item in installation.devices().items()}
    assert second.leads()


def test_a_leader_frozen_in_the_middle_of_a_write_harms_nobody(installation, sandbox):
    """Its create is under way when it freezes, and takes effect when another leads already."""
    replicas = [installation.fleet(syncInterval="1s").start(*QUICK) for _ in range(3)]
    first = leader(replicas)
    hold = sandbox.hold("clearblade.device.create")
    uuids = sandbox.add_devices(1)
    wait_until(lambda: sandbox.holds()[hold]["held"], "the create")
    first.freeze()
    second = leader(others(replicas, first))
    installation.wait_ready(1)
    sandbox.end_hold(hold)
    first.process.send_signal(signal.SIGCONT)
    assert first.process.wait(20) == 1
    add_and_wait(installation, sandbox, uuids, 3)
    assert second.leads()
