"""The provisioning endpoint with two replicas: whoever takes the request, the leader does the work."""

import concurrent.futures
import re
import time

import pytest

from endpoints import TOKEN, Caller
from harness import PATIENCE, VARIABLES, assert_provisioned, wait_until
from installation import GROUP


class Served(Caller):
    """A replica's endpoint."""

    def __init__(self, installation, token_file, *arguments):
        self.replica = installation.start("--endpoint-addr", "127.0.0.1:0", "--endpoint-token-file", token_file, *arguments)
        found = wait_until(lambda: re.search(r"the endpoint listens .*address=\S*:(\d+)", self.replica.log), "its listening")
        super().__init__(int(found[1]), installation.sandbox.outputs)
        wait_until(lambda: self.post("0" * 32).status != 503, "its readiness")


def tokens(installation, folder):
    """The file with the one that is accepted."""
    (folder / "tokens").write_text(TOKEN)
    installation.sandbox.forbidden.add(TOKEN)
    return folder / "tokens"


@pytest.fixture
def served(installation, tmp_path):
    """A leader, and one that stands by."""
    token_file = tokens(installation, tmp_path)
    installation.fleet(devices="Declared", endpoint={"enrol": True}, syncInterval="5m")
    both = [Served(installation, token_file) for _ in range(2)]
    wait_until(lambda: any(each.replica.leads() for each in both), "a leader")
    wait_until(lambda: installation.get("fleet", "sensors")["status"].get("fleetId"), "the first sweep")
    return sorted(both, key=lambda each: not each.replica.leads())


def declare(installation, uuid):
    """A device that is Ready, so that both replicas should have heard of it: before, they would enrol it."""
    installation.device(uuid).wait_condition("device", f"d-{uuid}", status="True")


def test_a_follower_takes_the_request_and_the_leader_does_the_work(installation, sandbox, served):
    _, follower = served
    uuid, enrolled = sandbox.add_devices(2)
    declare(installation, uuid)
    for each in (uuid, enrolled):
        first = follower.post(each)
        assert first.status == 201 or first.code == 6, first
        assert follower.post(each).code == 6
    assert_provisioned(sandbox, [uuid, enrolled])
    made = installation.devices()[enrolled]
    assert made["metadata"]["labels"][f"{GROUP}/enrolled"] == "true"
    assert made["status"]["phase"] == "Ready"
    assert "device provisioned" not in follower.replica.log


@pytest.mark.concurrent
def test_both_replicas_answer_at_once_and_provision_once(sandbox, served):
    for uuid in sandbox.add_devices(3):
        sandbox.reset_traffic()
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            replies = list(pool.map(lambda number: served[number % 2].post(uuid), range(10)))
        assert all(reply.status == 201 or reply.code == 6 for reply in replies), replies
        assert sandbox.requests()["clearblade.device.create"] == 1
        assert_provisioned(sandbox, [uuid])


def test_what_is_deleted_by_one_is_provisioned_by_the_other(installation, sandbox, served):
    leader, follower = served
    uuid = sandbox.add_devices(1)[0]
    declare(installation, uuid)
    assert leader.post(uuid).code == 6
    gone = follower.delete(uuid)
    assert (gone.status, gone.text) == (200, "device deleted")
    assert f"balena-{uuid}" not in sandbox.registrations()
    assert not any(sandbox.variable(uuid, name, "relay") for name in VARIABLES)
    item = installation.devices()[uuid]
    assert item["spec"]["state"] == "Absent" and item["metadata"]["annotations"][f"{GROUP}/absent-by"] == "endpoint"
    assert leader.post(uuid).status == 201
    item = installation.devices()[uuid]
    assert item["spec"]["state"] == "Present" and f"{GROUP}/absent-by" not in item["metadata"]["annotations"]
    assert_provisioned(sandbox, [uuid])


def test_what_a_person_declares_absent_stays_so(installation, sandbox, served):
    uuid = sandbox.add_devices(1)[0]
    installation.device(uuid, state="Absent").wait_condition("device", f"d-{uuid}", reason="Deprovisioned")
    for each in served:
        wait_until(lambda: each.post(uuid).code == 9, "its refusal", PATIENCE)
    assert sandbox.registrations() == {}


def test_a_stopped_replica_ends_within_one_grace(installation, sandbox, tmp_path):
    grace = 4
    token_file = tmp_path / "tokens"
    token_file.write_text(TOKEN)
    installation.fleet(devices="Declared", endpoint={"enrol": True}, syncInterval="5m")
    served = Served(installation, token_file, "--shutdown-grace", f"{grace}s", "--attempt-deadline", "6s")
    uuid = sandbox.add_devices(1)[0]
    hold = sandbox.hold("clearblade.device.create")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(served.post, uuid)
        wait_until(lambda: sandbox.holds()[hold]["held"], "the create")
        began = time.monotonic()
        served.replica.process.terminate()
        assert waiting.result(PATIENCE).status == 503
    assert served.replica.process.wait(PATIENCE) == 0
    assert time.monotonic() - began < 2 * grace
    sandbox.end_hold(hold)


@pytest.mark.concurrent
def test_a_request_outlives_the_leader_that_works_on_it(sandbox, served):
    leader, follower = served
    uuid = sandbox.add_devices(1)[0]
    hold = sandbox.hold("clearblade.device.create")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(follower.post, uuid)
        wait_until(lambda: sandbox.holds()[hold]["held"], "the create")
        leader.replica.process.terminate()
        sandbox.end_hold(hold)
        reply = waiting.result(PATIENCE)
    assert reply.status == 201 or reply.code == 6, reply
    assert leader.replica.process.wait(PATIENCE) == 0
    assert_provisioned(sandbox, [uuid])
    wait_until(follower.replica.leads, "its lead")
    assert follower.post(uuid).code == 6
