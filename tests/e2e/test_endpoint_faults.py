"""The failure table of the cloud function, repeated on the endpoint: whatever goes wrong with any call to a cloud, a plain
retry succeeds, with one registration and one working key. (The function answers 500 for ever in most of these cells.)"""

import time

import pytest

from cells import DEADLINES
from endpoints import Endpoint
from harness import VARIABLES, assert_provisioned, wait_until

FAULTS = {
    "500 before": {"type": "status", "status": 500},
    "500 after": {"type": "status", "status": 500, "when": "after"},
    "reset before": {"type": "reset"},
    "reset after": {"type": "reset", "when": "after"},
    "hang": {"type": "hang"},
    "429": {"type": "status", "status": 429, "retryAfter": "1"},
}
# What the function could not be asked again after: 503 and 429 say when to come back, 504 that it goes on.
RETRIABLE = (429, 503, 504)


def done(reply):
    return reply.status in (200, 201) or reply.code == 6


def come_back(ask, uuid, reply):
    """Asks again when the answer says, and not before."""
    assert reply.status in RETRIABLE, reply
    time.sleep(int(reply.headers["Retry-After"]))
    return ask(uuid)


def retry(ask, uuid, fault):
    """Asks, and plainly asks again, at once; after a 429, whose cloud wants no request for a while, when it says."""
    replies = [ask(uuid)]
    if not done(replies[0]):
        assert replies[0].status in RETRIABLE and int(replies[0].headers["Retry-After"]) >= 1, replies
        replies.append(ask(uuid))
    if fault == "429" and not done(replies[-1]):
        replies.append(come_back(ask, uuid, replies[-1]))
    assert done(replies[-1]), replies


def fresh(sandbox, endpoint):
    return sandbox.add_devices(1)[0]


def half_done(sandbox, endpoint):
    """Registered, and nothing stored: the create's reply was lost, and the process with it."""
    uuid = sandbox.add_devices(1)[0]
    hold = sandbox.hold("clearblade.device.create", "after")
    site = endpoint.site
    other = Endpoint(site.beside(), *ARGUMENTS)
    connection = other.connect()
    connection.request("POST", "/", f'{{"uuid": "{uuid}"}}')
    wait_until(lambda: sandbox.holds()[hold]["held"], "the create")
    other.process.kill()
    connection.close()
    site.finish(other.process)
    sandbox.end_hold(hold)
    assert f"balena-{uuid}" in sandbox.registrations()
    return uuid


def provisioned(sandbox, endpoint):
    uuid = fresh(sandbox, endpoint)
    assert endpoint.post(uuid).status == 201
    return uuid


TABLE = {
    fresh: ("balena.device.get", "clearblade.device.create", "balena.variable.create"),
    half_done: ("balena.device.get", "clearblade.device.create", "clearblade.device.get", "balena.variable.create"),
    provisioned: ("balena.device.get", "clearblade.device.get", "clearblade.device.delete", "balena.variable.delete"),
}
ARGUMENTS = (*DEADLINES, "--endpoint-rate", "0", "--endpoint-rate-per-address", "0", "--endpoint-rate-per-device", "0")
CELLS = [(scenario, kind) for scenario, kinds in TABLE.items() for kind in kinds]


@pytest.mark.parametrize(("scenario", "kind"), CELLS, ids=[f"{scenario.__name__}-{kind}" for scenario, kind in CELLS])
def test_a_plain_retry_succeeds(sandbox, site, scenario, kind):
    endpoint = Endpoint(site, *ARGUMENTS)
    try:
        for name, fault in FAULTS.items():
            uuid = scenario(sandbox, endpoint)
            rule = sandbox.fault(kind, **fault, count=1)
            retry(endpoint.delete if scenario is provisioned else endpoint.post, uuid, name)
            assert sandbox.faults()[rule]["struck"] == 1, f"{name} has not been tried"
            sandbox.clear_faults()
            if scenario is provisioned:
                assert f"balena-{uuid}" not in sandbox.registrations(), name
                assert not any(sandbox.variable(uuid, each, "relay") for each in VARIABLES), name
                continue
            assert_provisioned(sandbox, [uuid])
            registration = sandbox.registrations()[f"balena-{uuid}"]
            assert len(registration["credentials"]) == 1, name
            assert endpoint.post(uuid).code == 6
    finally:
        endpoint.stop()


@pytest.mark.parametrize("kind", ["balena.fleet.list", "clearblade.exchange", "clearblade.registry.get"])
def test_it_starts_whatever_goes_wrong_first(sandbox, site, kind):
    for name, fault in FAULTS.items():
        rule = sandbox.fault(kind, **fault, count=1)
        endpoint = Endpoint(site, *ARGUMENTS)
        try:
            uuid = fresh(sandbox, endpoint)
            reply = endpoint.post(uuid)
            # A cloud may want a pause, and the fleet is looked at again after one of ours: the answer says how long.
            if not done(reply):
                reply = come_back(endpoint.post, uuid, reply)
            assert done(reply), (name, reply)
            assert sandbox.faults()[rule]["struck"] == 1, f"{name} has not been tried"
            assert_provisioned(sandbox, [uuid])
        finally:
            sandbox.clear_faults()
            endpoint.stop()


def test_a_process_killed_at_any_point_of_a_post_leaves_what_the_next_one_finishes(sandbox, site):
    for kind, when, number in [("balena.device.get", "after", 1), ("clearblade.device.create", "before", 1),
                               ("clearblade.device.create", "after", 1),
                               *(("balena.variable.create", when, number)
                                 for when in ("before", "after") for number in (1, 2, 3, 4))]:
        endpoint = Endpoint(site, *ARGUMENTS)
        uuid = fresh(sandbox, endpoint)
        hold = sandbox.hold(kind, when, number)
        connection = endpoint.connect()
        connection.request("POST", "/", f'{{"uuid": "{uuid}"}}')
        wait_until(lambda: sandbox.holds()[hold]["held"], f"{kind} {number}")
        endpoint.process.kill()
        connection.close()
        site.finish(endpoint.process)
        sandbox.end_hold(hold, release=False)
        endpoint = Endpoint(site, *ARGUMENTS)
        try:
            assert done(endpoint.post(uuid)), (kind, when, number)
            assert_provisioned(sandbox, [uuid])
            assert len(sandbox.registrations()[f"balena-{uuid}"]["credentials"]) == 1
        finally:
            endpoint.stop()
