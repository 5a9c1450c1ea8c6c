"""What the main job costs in requests, counted by the sandbox."""

import http.server
import threading
import urllib.request

import pytest

from harness import VARIABLES, Site, assert_provisioned, wait_until

WRITES = (".create", ".update", ".delete", ".patch")


def provision(make_sandbox, directory, count, service, declared):
    """The requests for a fleet of `count` new devices."""
    sandbox = make_sandbox("--no-devices")
    slug = "acme/sensors" if service else "acme/gateways"
    site = Site(directory, sandbox).registry()
    site.fleet("it", slug, service, devices="Declared" if declared else "All", syncInterval="1h")
    uuids = sandbox.add_devices(count, slug)
    for uuid in uuids if declared else []:
        site.device(uuid, fleet="it")
    sandbox.reset_traffic()
    done = site.sync_once()
    requests = sandbox.requests()
    assert done.returncode == 0, done.stdout + done.stderr
    assert_provisioned(sandbox, uuids, service)
    return requests


@pytest.mark.parametrize("service", ["relay", None], ids=["service-variables", "device-variables"])
@pytest.mark.parametrize("declared", [True, False], ids=["declared", "discovered"])
def test_a_new_device_takes_six_requests(make_sandbox, tmp_path, service, declared):
    few = provision(make_sandbox, tmp_path / "few", 30, service, declared)
    many = provision(make_sandbox, tmp_path / "many", 60, service, declared)
    per_device = {kind: (many[kind] - few[kind]) / 30 for kind in many}
    assert sum(per_device.values()) <= 6, per_device
    assert {kind: count for kind, count in per_device.items() if count} == {
        "balena.device.get": 1, "clearblade.device.create": 1, "balena.variable.create": 4}


def test_a_new_device_takes_six_requests_in_each_of_two_fleets_of_one_registry(sandbox, site):
    site.fleet("gateways", "acme/gateways", "main")
    sandbox.add_devices(30)
    sandbox.add_devices(30, "acme/gateways")
    sandbox.reset_traffic()
    done = site.sync_once()
    assert done.returncode == 0, done.stdout + done.stderr
    requests = sandbox.requests()
    assert {kind: requests.get(kind, 0) for kind in (
        "balena.device.get", "clearblade.device.get", "clearblade.device.create",
        "balena.variable.create")} == {
            "balena.device.get": 60, "clearblade.device.get": 0, "clearblade.device.create": 60,
            "balena.variable.create": 240}


def test_a_new_device_takes_three_round_trips(sandbox, site):
    uuid = sandbox.add_devices(1)[0]
    create = sandbox.hold("clearblade.device.create")
    variables = [sandbox.hold("balena.variable.create", number=n + 1) for n in range(4)]
    process = site.start("sync")
    try:
        wait_until(lambda: sandbox.holds()[create]["held"], "the create")
        assert sandbox.requests()["balena.device.get"] == 1
        assert "balena.variable.create" not in sandbox.requests(), "no key before its registration"
        sandbox.end_hold(create)
        # All four are on their way before any of them is answered.
        wait_until(lambda: all(sandbox.holds()[each]["held"] for each in variables), "the writes")
        for each in variables:
            sandbox.end_hold(each)
        wait_until(lambda: all(sandbox.variable(uuid, name, "relay") for name in VARIABLES))
    finally:
        site.finish(process)
    assert_provisioned(sandbox, [uuid])


def test_connections_are_no_more_than_may_be_in_flight(make_sandbox, tmp_path):
    sandbox = make_sandbox("--no-devices")
    # Over TLS, for there nobody else connects.
    site = Site(tmp_path / "site", sandbox, tls=True)
    budget = {"createDeletePerMinute": 6000000, "updatesPerMinute": 6000000,
              "readsPerMinute": 6000000, "maxInFlight": 3}
    site.registry(callBudget=budget)
    site.fleet(callBudget={"requestsPerSecond": 100000, "burst": 100000, "maxInFlight": 5})
    sandbox.add_devices(200)
    sandbox.reset_traffic()
    done = site.sync_once("--workers", "64")
    traffic = sandbox.get("traffic")
    assert done.returncode == 0, done.stdout + done.stderr
    assert traffic["inFlight"]["max"] <= 3 + 5
    assert traffic["connections"]["opened"] <= 3 + 5


@pytest.mark.parametrize(("devices", "most"), [
    (1000, 10),
    pytest.param(10000, 40, marks=pytest.mark.slow),
])
def test_a_fleet_where_nothing_has_changed_costs_next_to_nothing(sandbox, site, devices, most):
    sandbox.add_devices(devices)
    done = site.sync_once()
    assert done.returncode == 0, done.stdout + done.stderr
    sandbox.reset_traffic()
    done = site.sync_once()
    assert f"{devices} of {devices} devices in sync" in done.stdout
    requests = sandbox.requests()
    assert sum(requests.values()) <= most, requests
    assert not [kind for kind in requests if kind.endswith(WRITES)]
    # Only lists, which the next test has a look into.
    assert set(requests) <= {"balena.fleet.list", "balena.device.count", "balena.device.list",
                             "balena.install.list", "clearblade.exchange", "clearblade.registry.get",
                             "clearblade.device.list", "balena.api_key.list"}


class Relay:
    """Passes GET requests on to a URL and keeps what is answered."""

    def __init__(self, url):
        answers = self.answers = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                request = urllib.request.Request(
                    url + self.path, headers={"Authorization": self.headers["Authorization"]})
                with urllib.request.urlopen(request) as answer:
                    body = answer.read()
                    answers.append(body)
                    self.send_response(answer.status)
                    self.send_header("Content-Type", answer.headers["Content-Type"])
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.mark.parametrize("service", ["relay", None], ids=["service-variables", "device-variables"])
def test_a_sweep_moves_no_key(tmp_path, sandbox, service):
    slug = "acme/sensors" if service else "acme/gateways"
    uuids = sandbox.add_devices(20, slug)
    site = Site(tmp_path / "site", sandbox).registry().fleet("it", slug, service)
    assert site.sync_once().returncode == 0
    relay = Relay(sandbox.http_url)
    try:
        site.fleet("it", slug, service, apiUrl=relay.url)
        done = site.sync_once()
    finally:
        relay.stop()
    assert done.returncode == 0, done.stdout + done.stderr
    answered = b"".join(relay.answers).decode()
    assert all(f"/devices/balena-{uuid}" in answered for uuid in uuids), "the public variables"
    keys = [sandbox.variable(uuid, "GCP_PRIVATE_KEY", service) for uuid in uuids]
    assert all(keys) and not [key for key in keys if key in answered]


def test_in_flight_limits_hold_for_a_whole_account_and_the_smallest_counts(sandbox, tmp_path):
    # Each answer takes a while, so that as many are in flight as may be.
    for kind in ("balena.device.get", "balena.variable.create", "clearblade.device.create"):
        sandbox.fault(kind, "latency", delay="20ms")
    site = Site(tmp_path / "site", sandbox)
    plenty = {"createDeletePerMinute": 6000000, "updatesPerMinute": 6000000, "readsPerMinute": 6000000}
    site.registry(callBudget=plenty | {"maxInFlight": 2})
    sandbox.add_registry("others")
    site.registry("others", registry="others", callBudget=plenty | {"maxInFlight": 4})
    plenty = {"requestsPerSecond": 100000, "burst": 100000}
    site.fleet(callBudget=plenty | {"maxInFlight": 3})
    site.fleet("gateways", "acme/gateways", "main", registryRef={"name": "others"},
               callBudget=plenty | {"maxInFlight": 5})
    sensors = sandbox.add_devices(20)
    gateways = sandbox.add_devices(20, "acme/gateways")
    sandbox.reset_traffic()
    done = site.sync_once()
    assert done.returncode == 0, done.stdout + done.stderr
    assert_provisioned(sandbox, sensors)
    assert_provisioned(sandbox, gateways, "main", "others")
    assert sandbox.get("traffic")["inFlight"]["max"] <= 3 + 2
