"""What is served at /metrics: what docs/metrics.md says and nothing else, and true."""

import re
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

from endpoints import Endpoint
from harness import PATIENCE, wait_until
from scrapes import (documented, metrics_url, prometheus_programs, scrape, scrape_until)


@pytest.fixture
def serving(site):
    """Starts `sync` with metrics; its process and their URL."""
    running = []

    def start(*arguments):
        process = site.start("sync", "--metrics-addr", "127.0.0.1:0", *arguments)
        running.append(process)
        return process, wait_until(lambda: metrics_url(site.log_of(process)), "serving")

    yield start
    for process in running:
        code, text = site.finish(process)
        assert code == 0, text


def ready(count):
    return lambda found: found.value("balena_clearblade_devices", state="Ready") == count


def test_what_is_served_is_what_is_documented(sandbox, serving):
    sandbox.add_devices(3)
    _, url = serving("--metrics-per-device")
    found = scrape_until(url, ready(3), "readiness")
    table = documented()
    assert len(table) > 40
    here = {name for name, row in table.items() if "`controller` only" not in row.served_by}
    assert set(found.types) == here
    assert {name: found.types[name] for name in here} == {name: table[name].type for name in here}
    assert set(found.help) == set(found.types)
    for name, labels, _ in found.samples:
        row = table[found.family_of(name)]
        assert set(labels) - {"le"} == row.labels, name


def test_what_the_endpoint_answers_is_counted(sandbox, site):
    uuid, *_ = sandbox.add_devices(1)
    endpoint = Endpoint(site, "--metrics-addr", "127.0.0.1:0", "--metrics-per-device")
    url = wait_until(lambda: metrics_url(endpoint.log), "serving")
    assert [endpoint.post(uuid).status for _ in range(2)] == [201, 409]
    assert endpoint.delete(uuid, token=None).status == 401
    found = scrape_until(url, lambda found: set(documented(endpoint=True)) - set(found.types) == {
        name for name, row in documented().items() if "`controller` only" in row.served_by}, "all families")
    answered = "balena_clearblade_endpoint_requests_total"
    for code, outcome in (("201", "created"), ("409", "already_provisioned"), ("401", "unauthenticated")):
        assert found.value(answered, code=code, outcome=outcome) == 1
    assert found.value(answered) == 3
    for name, labels, _ in found.samples:
        assert set(labels) - {"le"} == documented(endpoint=True)[found.family_of(name)].labels, name
    assert found.value("balena_clearblade_endpoint_waiting_requests") == 0
    assert found.value("balena_clearblade_endpoint_malformed_requests_total") == 0
    with socket.create_connection(("127.0.0.1", endpoint.port)) as raw:
        raw.sendall(b"nothing of HTTP\r\n\r\n")
        raw.recv(4096)
    assert scrape(url).value("balena_clearblade_endpoint_malformed_requests_total") == 1
    assert endpoint.stop() == 0, endpoint.log


def test_series_of_devices_are_served_only_if_asked_for(sandbox, serving):
    uuids = sandbox.add_devices(2)
    _, url = serving()
    found = scrape_until(url, ready(2), "readiness")
    assert set(documented()) - set(found.types) == {
        name for name, row in documented().items()
        if "--metrics-per-device" in row.served_by or "`controller` only" in row.served_by}
    assert not [uuid for uuid in uuids if uuid in found.text]


def test_promtool_has_nothing_to_say_against_it(sandbox, serving):
    sandbox.add_devices(2)
    _, url = serving("--metrics-per-device")
    found = scrape_until(url, ready(2), "readiness")
    checked = subprocess.run([prometheus_programs() / "promtool", "check", "metrics"], input=found.text,
                             text=True, capture_output=True, timeout=PATIENCE)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_the_figures_are_those_of_the_clouds(sandbox, site, serving):
    site.fleet(syncInterval="1h")
    sandbox.add_devices(4)
    _, url = serving()
    found = scrape_until(url, ready(4), "readiness")
    fleet = {"fleet": "default/sensors"}
    operations = "balena_clearblade_device_operations_total"
    assert found.value(operations, **fleet, operation="provision", outcome="succeeded") == 4
    assert found.value(operations) == 4
    assert found.value("balena_clearblade_registrations", owner="ours") is not None
    requests = sandbox.requests()
    for upstream, kind, count in (("balena", "device.get", 4), ("clearblade", "device.create", 4),
                                  ("balena", "variable.create", 16)):
        labels = {"upstream": upstream, "kind": kind}
        assert requests[f"{upstream}.{kind}"] == count
        assert found.value("balena_clearblade_upstream_requests_total", **labels) == count
        assert found.value("balena_clearblade_upstream_request_duration_seconds_count", **labels) == count
    assert found.value("balena_clearblade_fleet_ready", **fleet, reason="Synced") == 1
    assert found.value("balena_clearblade_credentials_expiring", **fleet, within="30d") == 0
    assert found.value("controller_runtime_reconcile_total", controller="balenadevice") >= 4
    assert found.value("workqueue_adds_total", name="balenadevice") >= 4
    for side in ("balena", "registry"):
        assert 0 <= found.value("balena_clearblade_snapshot_age_seconds", **fleet, side=side) <= PATIENCE


def test_an_outage_is_seen(sandbox, serving):
    sandbox.add_devices(1)
    _, url = serving("--call-deadline", "2s")
    scrape_until(url, ready(1), "readiness")
    sandbox.fault("balena.fleet.list", "status", status=503)
    found = scrape_until(
        url, lambda found: found.value("balena_clearblade_breaker_open", upstream="balena"), "the breaker")
    assert found.value("balena_clearblade_fleet_ready", reason="Unavailable") == 0
    assert found.value("balena_clearblade_fleet_ready", reason="Synced") is None
    assert found.value("balena_clearblade_upstream_requests_total", upstream="balena", code="503") >= 5
    sandbox.clear_faults()
    scrape_until(url, lambda found: found.value("balena_clearblade_fleet_ready", reason="Synced"), "the end of it")


def test_what_has_gone_leaves_no_series(sandbox, site, serving):
    site.fleet("gateways", "acme/gateways", "main")
    sandbox.add_devices(2)
    sandbox.add_devices(2, "acme/gateways")
    _, url = serving()
    scrape_until(url, ready(4), "readiness")
    (site.directory / "fleet-gateways.json").unlink()
    found = scrape_until(url, lambda found: "gateways" not in found.text, "the end of its series")
    assert ready(2)(found)


def test_the_end_of_balenas_token_is_shown(sandbox, serving):
    expiry = "balena_clearblade_balena_token_expiry_timestamp_seconds"
    request = urllib.request.Request(
        f"{sandbox.http_url}/v7/api_key?$filter=name%20eq%20'operator'", method="PATCH",
        data=b'{"expiry_date": "2099-01-01T00:00:00.000Z"}',
        headers={"Authorization": f"Bearer {sandbox.ready['token']}", "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        assert answer.status == 200
    _, url = serving()
    found = scrape_until(url, lambda found: found.value(expiry), "the expiry")
    assert found.value(expiry, fleet="default/sensors") == 4070908800


def test_only_metrics_are_served(sandbox, serving):
    _, url = serving()
    for path, method, status in (("/", "GET", 404), ("/metrics/x", "GET", 404), ("/metrics", "POST", 405)):
        request = urllib.request.Request(url.removesuffix("/metrics") + path, method=method)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=PATIENCE)
        assert refused.value.code == status
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize(("address", "said", "hosts"), [
    ("[::1]:0", "::1", ["[::1]"]),
    (":0", "any", ["[::1]", "127.0.0.1"]),
])
def test_both_families_are_listened_to(sandbox, site, address, said, hosts):
    process = site.start("sync", "--metrics-addr", address)
    try:
        port = wait_until(lambda: re.search(rf"serving metrics address={said} port=(\d+)", site.log_of(process)), "serving")[1]
        for host in hosts:
            assert "balena_clearblade_build_info" in scrape(f"http://{host}:{port}/metrics").text
    finally:
        site.finish(process)


def test_a_device_that_has_gone_has_no_key_to_end(sandbox, site, serving):
    _, gone = sandbox.add_devices(2)
    site.device(gone, keys={"lifetime": "240h", "rotateBefore": "48h"})
    _, url = serving("--metrics-per-device")
    first = "balena_clearblade_credentials_first_expiry_timestamp_seconds"
    found = scrape_until(url, ready(2), "readiness")
    assert found.value(first) < time.time() + 11 * 86400
    assert found.value("balena_clearblade_credentials_expiring_before_rotation") == 0, "by the device's own times"
    sandbox.call("DELETE", f"devices/{gone}")
    found = scrape_until(url, lambda found: found.value("balena_clearblade_devices", state="Stale"), "staleness")
    assert found.value(first) > time.time() + 80 * 86400
    assert found.value("balena_clearblade_credentials_expiring", within="30d") == 0
    assert found.value("balena_clearblade_device_credential_expiry_timestamp_seconds", uuid=gone) is None


@pytest.mark.parametrize(("address", "complaint"), [
    ("8082", "--metrics-addr 8082: expected HOST:PORT"),
    ("127.0.0.1:99999", "expected HOST:PORT"),
    ("192.0.2.1:8082", "--metrics-addr 192.0.2.1:8082: "),
])
def test_a_bad_address_is_bad_input(sandbox, site, address, complaint):
    done = site.run("sync", "--metrics-addr", address)
    assert done.returncode == 2
    assert complaint in done.stderr


def test_no_secret_is_served(sandbox, site, serving):
    sandbox.add_devices(2)
    _, url = serving("--metrics-per-device")
    found = scrape_until(url, ready(2), "readiness")
    assert not [secret for secret in sandbox.known_secrets() if secret in found.text]
