"""Who tries UUIDs uses up a share of what balena allows, and keeps no device of ours waiting."""

import concurrent.futures
import contextlib
import secrets
import threading
import time

import pytest

from endpoints import TOKEN, Endpoint
from harness import assert_provisioned, wait_until

ENROLS = {"devices": "Declared", "endpoint": {"enrol": True}}
DEVICES = 20


@pytest.fixture
def start(site):
    """Starts endpoints, as behind a proxy, which has one address; ends them with the test."""
    with contextlib.ExitStack() as running:

        def start(*arguments, **options):
            endpoint = Endpoint(site, "--endpoint-rate", "0", "--endpoint-rate-per-address", "0", *arguments, **options)
            running.callback(endpoint.stop)
            return endpoint

        yield start


@pytest.mark.concurrent
def test_who_tries_uuids_uses_up_a_share_of_the_budget_alone(site, sandbox, start):
    declared, undeclared = sandbox.add_devices(2)
    site.device(declared)
    endpoint = start()
    began = time.monotonic()
    replies = endpoint.post_all([secrets.token_hex(16) for _ in range(400)])
    assert {reply.status for reply in replies} == {400, 429}
    assert all(int(reply.headers["Retry-After"]) >= 1 for reply in replies if reply.status == 429)
    # Fifty, five a second, and what was under way, which is at most the callers; it counts, too.
    assert sandbox.requests()["balena.device.get"] <= 50 + 5 * (time.monotonic() - began) + 10
    assert endpoint.post(declared).status == 201
    assert endpoint.post(undeclared, Authorization=f"Bearer {TOKEN}").status == 201, "no stranger"


@contextlib.contextmanager
def besieged(endpoint, at_once=4):
    """All the time so many callers ask for UUIDs that they have made up, and have used up what strangers may."""
    over = threading.Event()
    turned_away = threading.Event()

    def try_uuids():
        connection = endpoint.connect()
        while not over.is_set():
            reply = endpoint.ask("POST", {"uuid": secrets.token_hex(16)}, connection=connection)
            assert reply.status in (400, 429), reply
            if reply.status == 429:
                turned_away.set()
        connection.close()

    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        siege = [pool.submit(try_uuids) for _ in range(at_once)]
        try:
            wait_until(turned_away.is_set, "the limit")
            yield
        finally:
            over.set()
        for each in siege:
            each.result()


@pytest.mark.concurrent
@pytest.mark.parametrize("fleet", [{}, ENROLS], ids=["All", "enrol"])
@pytest.mark.parametrize("command", ["serve", "sync"])
def test_devices_of_the_fleet_are_served_while_somebody_tries_uuids(site, sandbox, start, command, fleet):
    site.fleet(syncInterval="1h", **fleet)
    site.device(sandbox.add_devices(1)[0])
    endpoint = start(command=command)
    if command == "sync":
        wait_until(sandbox.registrations, "the first sweep's end")
    # No sweep has seen these: the list that shows them is the endpoint's own.
    uuids = sandbox.add_devices(DEVICES)
    with besieged(endpoint):
        wait_until(lambda: "the endpoint has listed a fleet" in endpoint.log, "the list")
        lists = sandbox.requests()["balena.device.list"]
        assert [endpoint.post(uuid).status for uuid in uuids] == [201] * DEVICES
        assert sandbox.requests()["balena.device.list"] == lists, "one list will do for a minute"
        assert endpoint.post(secrets.token_hex(16)).status in (400, 429)
    assert_provisioned(sandbox, uuids)


def test_a_sweep_has_listed_what_may_be_enrolled(site, sandbox, start):
    site.fleet(syncInterval="1h", **ENROLS)
    declared, *uuids = sandbox.add_devices(DEVICES)
    site.device(declared)
    endpoint = start(command="sync")
    wait_until(sandbox.registrations, "the first sweep's end")
    with besieged(endpoint):
        assert {endpoint.post(uuid).status for uuid in uuids} == {201}
    assert_provisioned(sandbox, uuids)


def test_nobody_keeps_an_owner_from_removing_a_device(sandbox, start):
    endpoint = start("--endpoint-rate-per-device", "0.01")
    uuid = sandbox.add_devices(1)[0]
    assert [endpoint.post(uuid).status for _ in range(3)] == [201, 429, 429]
    assert endpoint.delete(uuid).status == 200
    assert f"balena-{uuid}" not in sandbox.registrations()
