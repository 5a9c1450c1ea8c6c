"""The official Python SDKs, unchanged, against one cloud-sandbox for the whole run."""

import itertools
import json
import pathlib
import socket
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import loopback
from harness import Sandbox
from loopback import LOCATION, PROJECT, REGION
from sdk import log_in

# What the caller's shell may have set and the SDKs would obey.
FOREIGN = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY",
           "CURL_CA_BUNDLE", "BALENA_API_KEY", "RESIN_API_KEY", "BALENA_SUPERVISOR_ADDRESS",
           "BALENA_SUPERVISOR_API_KEY", "BALENA_APP_ID", "BALENA_DEVICE_UUID", "REGISTRY_URL",
           "REGISTRY_SYSKEY", "REGISTRY_TOKEN", "BINARYDATA_AND_TIME_GOOGLE_FORMAT")

_numbers = itertools.count(1)


def pytest_configure(config):
    # ClearBlade's SDK calls httpx in an old way; not ours to change.
    config.addinivalue_line("filterwarnings", "ignore:Use 'content=:DeprecationWarning")


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory):
    address = loopback.free_address()
    directory = tmp_path_factory.mktemp("sandbox")
    names = [word for name in loopback.NAMES for word in ("--name", name)]
    running = Sandbox(directory, "--no-devices", "--https-addr", f"{address}:443", *names,
                      "--advertise", f"https://{loopback.CLEARBLADE_REGION}")
    with pytest.MonkeyPatch.context() as patch:
        for name in FOREIGN:
            patch.delenv(name, raising=False)
        patch.setattr(socket, "getaddrinfo", loopback.resolver(address))
        authority = running.ready["ca_file"]
        patch.setenv("REQUESTS_CA_BUNDLE", authority)  # balena's SDK
        patch.setenv("SSL_CERT_FILE", authority)  # ClearBlade's
        yield running
    running.stop()


@pytest.fixture(autouse=True)
def fresh_counters(sandbox):
    """Each test sees its own requests and faults alone."""
    sandbox.call("DELETE", "faults")
    sandbox.reset_traffic()


@pytest.fixture
def statuses(sandbox):
    """How often a kind of request got which status, since the test began."""

    def count(kind):
        kinds = sandbox.get("traffic")["kinds"]
        return kinds.get(kind, {}).get("statuses", {})

    return count


# balena


@pytest.fixture(scope="session")
def token(sandbox):
    """A key that sees all fleets."""
    return sandbox.post("tokens", name="conformance", allFleets=True)["token"]


@pytest.fixture
def balena(token):
    """The SDK, logged in with that key."""
    return log_in(token)


@pytest.fixture
def fleet(sandbox):
    """The slug of a new fleet with services relay and main."""
    slug = f"acme/fleet-{next(_numbers)}"
    sandbox.post("fleets", slug=slug, services=["relay", "main"])
    return slug


@pytest.fixture
def uuid(sandbox, fleet):
    """A device of that fleet."""
    return sandbox.add_devices(1, fleet)[0]


# ClearBlade


@pytest.fixture
def service_account(sandbox, tmp_path, monkeypatch):
    """The service account's file, for the SDK to find."""
    path = tmp_path / "service-account.json"

    def write(**changed):
        account = sandbox.ready["service_account"] | {
            "url": f"https://{loopback.CLEARBLADE_ADMIN}"}
        path.write_text(json.dumps(account | changed))

    write()
    monkeypatch.setenv("CLEARBLADE_CONFIGURATION", str(path))
    return write


@pytest.fixture
def registry(sandbox, service_account):
    """The path of a new, empty registry."""
    name = f"registry-{next(_numbers)}"
    sandbox.post("registries", project=PROJECT, region=REGION, registry=name)
    return f"{LOCATION}/registries/{name}"
