"""Clouds that take connections and never answer keep nobody waiting but who asks them."""

import concurrent.futures
import json
import socket

import pytest

from endpoints import Endpoint
from harness import Site, assert_provisioned, wait_until
from scrapes import metrics_url, scrape_until

# Nothing of a silent cloud ends within a test: whoever waits behind one fails it.
LONG = ("--attempt-deadline", "5m", "--call-deadline", "10m", "--shutdown-grace", "1s")
AT_ONCE = 8  # look-ups of one account
CALLERS = 20  # as many as may ask for one device at once
SILENT = 8  # more than fleets of one account are swept at once


@pytest.fixture
def holes():
    """Addresses at which nobody ever answers."""
    sockets = [socket.create_server(("127.0.0.1", 0), backlog=64) for _ in range(SILENT)]
    yield [f"http://127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()


def become_ready(site, sandbox, uuids):
    process = site.start("sync", *LONG)
    try:
        wait_until(lambda: len(sandbox.registrations()) == len(uuids), "the healthy fleet")
        wait_until(lambda: all(sandbox.variable(uuid, "GCP_PRIVATE_KEY", "relay")
                               for uuid in uuids), "the healthy fleet's keys")
        assert process.poll() is None
    finally:
        code, _ = site.finish(process)
    assert code == 0
    assert_provisioned(sandbox, uuids)


def test_silent_balena_clouds_hold_up_no_other_fleet(sandbox, tmp_path, holes):
    site = Site(tmp_path / "site", sandbox).registry()
    for i, url in enumerate(holes):
        site.fleet(f"a{i}", f"acme/a{i}", None, apiUrl=url)
    site.fleet("z-good")
    become_ready(site, sandbox, sandbox.add_devices(10))


def test_silent_registries_hold_up_no_fleet_of_another(sandbox, tmp_path, holes):
    site = Site(tmp_path / "site", sandbox).registry()
    for i, url in enumerate(holes):
        account = dict(sandbox.ready["service_account"], url=url)
        sandbox.give_secret(f"silent{i}", "service-account.json", json.dumps(account))
        site.registry(f"silent{i}", registry=f"silent{i}", serviceAccountSecretRef={"name": f"silent{i}"})
        # More of them than are swept at once, with the healthy fleet's own token.
        for n in range(5):
            site.fleet(f"a{i}-{n}", f"acme/a{i}-{n}", None, registryRef={"name": f"silent{i}"})
    site.fleet("z-good")
    become_ready(site, sandbox, sandbox.add_devices(10))


@pytest.mark.concurrent
def test_silent_balena_clouds_hold_up_no_caller_of_another(sandbox, tmp_path, holes):
    site = Site(tmp_path / "site", sandbox).registry()
    for i, url in enumerate(holes[:2]):
        site.fleet(f"a{i}", f"acme/a{i}", None, apiUrl=url)
    site.fleet("z-good")
    uuids = sandbox.add_devices(4)
    endpoint = Endpoint(site, *LONG, "--endpoint-deadline", "5s")
    try:
        assert endpoint.post(uuids[0]).status == 201
        # More than an account has threads: a silent one may have any device but those of others.
        unknown = endpoint.post_all([f"{n:032x}" for n in range(20)], at_once=20)
        assert {reply.status for reply in unknown} == {504}
        for uuid in uuids[1:]:
            assert endpoint.post(uuid).status == 201
    finally:
        assert endpoint.stop() == 0
    assert_provisioned(sandbox, uuids)


@pytest.mark.concurrent
def test_a_silent_balena_cloud_holds_up_none_of_many_callers_for_one_device(sandbox, tmp_path, holes):
    site = Site(tmp_path / "site", sandbox).registry().fleet().fleet("a", "acme/a", None, apiUrl=holes[0])
    uuid = sandbox.add_devices(1)[0]
    endpoint = Endpoint(site, *LONG, "--endpoint-deadline", "5m", "--metrics-addr", "127.0.0.1:0")
    url = wait_until(lambda: metrics_url(endpoint.log), "the metrics")
    try:
        holds = [sandbox.hold("balena.device.get", number=number) for number in range(1, AT_ONCE + 1)]
        with concurrent.futures.ThreadPoolExecutor(CALLERS) as pool:
            replies = [pool.submit(endpoint.post, uuid) for _ in range(CALLERS)]
            wait_until(lambda: all(each["held"] for each in sandbox.holds().values()), "the look-ups")
            scrape_until(url, lambda found: found.value("balena_clearblade_endpoint_waiting_requests") == CALLERS, "all")
            for hold in holds:
                sandbox.end_hold(hold)
            replies = [reply.result() for reply in replies]
        assert all(reply.status == 201 or reply.code == 6 for reply in replies), replies
        assert_provisioned(sandbox, [uuid])
    finally:
        endpoint.stop()
