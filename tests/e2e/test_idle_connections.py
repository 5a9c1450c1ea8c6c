"""Connections that are idle for a while are closed, as the clouds' load balancers do; the operator lives with it."""

import socket
import urllib.parse

import pytest

from harness import PATIENCE, Site, assert_provisioned, wait_until


@pytest.mark.parametrize("clock", ["real", "manual"])
def test_the_sandbox_closes_what_is_idle_whatever_its_clock(make_sandbox, clock):
    sandbox = make_sandbox("--no-devices", "--clock", clock, "--idle-close", "100ms")
    url = urllib.parse.urlsplit(sandbox.http_url)
    with socket.create_connection((url.hostname, url.port), timeout=PATIENCE) as connection:
        for _ in range(2):  # it is kept for a second request at once, and then closed
            connection.sendall(b"GET /actor/v1/whoami HTTP/1.1\r\nHost: sandbox\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 401 ")
        while left := connection.recv(65536):
            assert b"HTTP/1.1" not in left


def test_the_operator_does_not_mind(tmp_path, make_sandbox):
    sandbox = make_sandbox("--no-devices", "--idle-close", "50ms")
    site = Site(tmp_path / "site", sandbox).registry().fleet()
    process = site.start("sync")
    try:
        for sweeps in range(1, 4):  # a second apart
            uuids = sandbox.add_devices(1)
            wait_until(lambda: f"balena-{uuids[0]}" in sandbox.registrations(), "provisioning")
            wait_until(lambda: sandbox.requests()["balena.device.list"] > sweeps, "a sweep")
            assert_provisioned(sandbox, uuids)
    finally:
        code, text = site.finish(process)
    assert code == 0, text
    for trouble in ("can't be synced", "pass failed", "warn ", "error "):
        assert trouble not in text, text
