"""`healthcheck`, which asks over HTTP, and a sandbox with a certificate of somebody else's: what the chart runs."""

import json
import ssl
import subprocess
import urllib.request

import pytest

from harness import BIN, PATIENCE, wait_until


@pytest.fixture
def certified(tmp_path):
    """A sandbox with a certificate that was given to it; its addresses by scheme."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", tmp_path / "tls.key", "-out", tmp_path / "tls.crt", "-subj", "/CN=given",
                    "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    process = subprocess.Popen(
        [BIN / "cloud-sandbox", "--tls-cert", tmp_path / "tls.crt", "--tls-key", tmp_path / "tls.key",
         "--ready-file", tmp_path / "ready.json", "--no-devices"], stdout=subprocess.DEVNULL)
    try:
        wait_until((tmp_path / "ready.json").exists, "the sandbox's start")
        ready = json.loads((tmp_path / "ready.json").read_text())
        yield {scheme: ready[f"{scheme}_url"].replace("127.0.0.1", "localhost") for scheme in ("http", "https")}
    finally:
        process.kill()
        process.wait(PATIENCE)


def healthcheck(*arguments):
    done = subprocess.run([BIN / "balena-clearblade-operator", "healthcheck", *arguments], text=True,
                          capture_output=True, timeout=PATIENCE)
    return done.returncode, done.stdout + done.stderr


def test_it_tells_by_its_exit_code_what_was_answered(certified):
    code, said = healthcheck(certified["http"] + "/_sandbox/clock")
    assert code == 0 and "now" in json.loads(said)
    assert healthcheck(certified["http"] + "/_sandbox/nothing")[0] == 1
    assert healthcheck("http://localhost:1/readyz") == (1, "nobody answers at localhost:1\n")


@pytest.mark.parametrize("url", ["https://localhost:8081/readyz", "localhost:8081", "http://localhost/readyz", "http://:1/"])
def test_it_takes_http_with_a_port_alone(url):
    code, said = healthcheck(url)
    assert code == 2 and "expected http://HOST:PORT/PATH" in said


def test_the_sandbox_shows_the_certificate_that_it_was_given(certified, tmp_path):
    trust = ssl.create_default_context(cafile=tmp_path / "tls.crt")
    with urllib.request.urlopen(certified["https"] + "/_sandbox/clock", context=trust, timeout=PATIENCE) as answer:
        assert answer.status == 200
    assert not (tmp_path / "cloud-sandbox-ca.crt").exists()
