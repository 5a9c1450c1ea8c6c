"""Devices whose Cloud Relay asks the endpoint, as balena's does: a thousand starting at once."""

import pytest

from endpoints import Endpoint
from harness import PATIENCE, Site, assert_provisioned, wait_until


def run(make_sandbox, tmp_path, count, *arguments, **fleet):
    sandbox = make_sandbox("--devices", str(count))
    site = Site(tmp_path / "site", sandbox).registry().fleet(**fleet)
    endpoint = Endpoint(site, *arguments)
    sandbox.call("PATCH", "settings", {"devices": {"provisionUrl": f"http://127.0.0.1:{endpoint.port}/provision"}})
    return sandbox, endpoint


def all_running(sandbox, count):
    return sandbox.get("summary")["relays"].get("running") == count


def test_a_relay_asks_gets_its_key_and_publishes(make_sandbox, tmp_path):
    sandbox, endpoint = run(make_sandbox, tmp_path, 1)
    try:
        wait_until(lambda: all_running(sandbox, 1), "the relay's start with its key")
        device = sandbox.get("devices?fleet=acme/sensors")["devices"][0]
        assert device["provision"]["provisioned"] == 1 and not device["provision"]["refused"]
        assert device["partialStarts"] == 0
        assert_provisioned(sandbox, [device["uuid"]])
        sandbox.call("PATCH", "settings", {"devices": {"publishInterval": "1s"}})
        wait_until(lambda: sandbox.get("summary")["publishes"]["accepted"], "a publish")
        assert not sandbox.get("summary")["publishes"]["refused"]
        # What is taken away comes back: its relay asks again.
        assert endpoint.delete(device["uuid"]).status == 200
        wait_until(lambda: sandbox.get(f"devices/{device['uuid']}")["runtime"]["provision"]["provisioned"] == 2,
                   "its second registration")
    finally:
        endpoint.stop()


def test_a_relay_that_is_told_code_6_has_its_supervisor_look(make_sandbox, tmp_path):
    sandbox, endpoint = run(make_sandbox, tmp_path, 0)
    try:
        # Nothing tells the device of its variables, and its own poll is far away.
        uuid = sandbox.add_devices(1)[0]
        sandbox.call("PATCH", f"devices/{uuid}", {"online": False})
        assert endpoint.post(uuid).status == 201
        sandbox.call("PATCH", f"devices/{uuid}", {"online": True})
        wait_until(lambda: all_running(sandbox, 1), "its start with the key")
    finally:
        endpoint.stop()


@pytest.mark.slow
def test_a_thousand_relays_start_at_once(make_sandbox, tmp_path):
    count = 1000
    sandbox, endpoint = run(make_sandbox, tmp_path, count, "--endpoint-rate-per-address", "0", "--endpoint-rate", "0")
    try:
        wait_until(lambda: all_running(sandbox, count), "all relays' start with their keys", 3 * PATIENCE)
        summary, requests = sandbox.get("summary"), sandbox.requests()
        assert summary["partialStarts"] == 0
        assert set(summary["provision"]["refused"]) <= {"429", "503"}, summary
        assert len(sandbox.registrations()) == count
        assert requests["clearblade.device.create"] == count and requests["balena.variable.create"] == 4 * count
        assert not summary["publishes"]["refused"]
    finally:
        endpoint.stop()


@pytest.mark.slow
def test_a_fleet_behind_one_address_gets_through_its_limit(make_sandbox, tmp_path):
    count = 100
    sandbox, endpoint = run(make_sandbox, tmp_path, count, "--endpoint-rate-per-address", "4")
    try:
        wait_until(lambda: all_running(sandbox, count), "all relays' start with their keys", 3 * PATIENCE)
        assert sandbox.get("summary")["provision"]["refused"].get("429", 0) > 0
        assert len(sandbox.registrations()) == count
    finally:
        endpoint.stop()
