"""What is meant to break the endpoint: it stays up, bounded in memory, and honest callers are served meanwhile."""

import contextlib
import json
import pathlib
import re
import resource
import secrets
import socket
import ssl
import subprocess

import pytest

from endpoints import Endpoint
from harness import PATIENCE, SANITIZED, wait_until
from scrapes import metrics_url, scrape_until

MOST_MIB = 100
MOST_CONNECTIONS = 4096
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture
def endpoint(site):
    running = Endpoint(site, "--endpoint-rate", "0", "--endpoint-rate-per-address", "0",
                       "--endpoint-rate-per-device", "0", "--endpoint-deadline", f"{PATIENCE}s", "--log-level", "info",
                       "--metrics-addr", "127.0.0.1:0")
    yield running
    most = peak_mib(running)
    assert running.stop() == 0
    assert most < MOST_MIB


def peak_mib(endpoint):
    """The most memory it has had. With a sanitizer that is another program's: none."""
    status = pathlib.Path(f"/proc/{endpoint.process.pid}/status").read_text()
    return 0 if SANITIZED else int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


@pytest.fixture
def honest(sandbox, endpoint):
    """Calls that must succeed while something else goes on."""
    uuids = iter(sandbox.add_devices(40))

    def call():
        reply = endpoint.post(next(uuids))
        assert reply.status == 201, reply

    return call


@contextlib.contextmanager
def connections(endpoint, count):
    """So many, open as long as the endpoint lets them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = hard if hard != resource.RLIM_INFINITY else 1 << 20
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft + count + 500, most), hard))
    count = min(count, most - 500)
    opened = []
    try:
        for _ in range(count):
            opened.append(socket.create_connection(("127.0.0.1", endpoint.port), timeout=PATIENCE))
        yield opened
    finally:
        for each in opened:
            each.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def read_all(connection):
    """What comes until the endpoint closes."""
    answer = b""
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            answer += part
    return answer.decode(errors="replace")


def exchange(endpoint, data):
    """All that is answered to some bytes, until the endpoint closes or has answered once."""
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=PATIENCE) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        return read_all(connection)


def flood(endpoint, head, piece, count):
    """Sends on until it is told to stop; how much went out, and the answer."""
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=PATIENCE) as connection:
        sent = 0
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(head)
            while sent < count:
                sent += connection.send(piece)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            answer = connection.recv(65536)
        return sent, answer.decode()


def is_refusal(answer, status):
    """Says why in JSON, and that the connection ends."""
    head, _, body = answer.partition("\r\n\r\n")
    return (head.startswith(f"HTTP/1.1 {status} ") and "Connection: close" in head and json.loads(body)["message"] != "")


MIB = 1 << 20


@pytest.mark.parametrize(("head", "piece", "count", "status"), [
    (HEAD + b"Content-Length: 209715200\r\n\r\n", b"x" * MIB, 200 * MIB, 413),
    (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"100000\r\n" + b"x" * MIB + b"\r\n", 200 * MIB, 413),
    (HEAD + b"X: ", b"x" * MIB, 100 * MIB, 431),
    (HEAD, b"X-Some: thing\r\n" * 70000, 100 * MIB, 431),
    (b"POST /", b"x" * MIB, 100 * MIB, 431),
], ids=["body", "chunked body", "header", "headers", "target"])
def test_what_is_too_large_is_not_taken_in(endpoint, honest, head, piece, count, status):
    sent, answer = flood(endpoint, head, piece, count)
    assert sent < count, "it has taken all of it"
    # Who goes on sending after the answer may lose it to the reset.
    assert answer == "" or is_refusal(answer, status), answer
    honest()
    wait_until(lambda: f"request refused peer=127.0.0.1 status={status}" in endpoint.log, "its line in the log")


@pytest.mark.parametrize("data", [
    HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
    HEAD + b"Content-Length: 2, 3\r\n\r\n{}x",
    HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\nGET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n",
    *(HEAD + b"Transfer-Encoding: " + coding + b"\r\n\r\n0\r\n\r\nGET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
      for coding in (b"xchunked", b"chunked, identity", b"gzip, chunked", b"chunked\r\nTransfer-Encoding: chunked",
                     b"gzip\r\nContent-Length: 0")),
    b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    HEAD + b"Host: x\r\n\r\n", HEAD + b"Host: y\r\n\r\n", b"POST / HTTP/1.1\r\nHost: a b/c\r\n\r\n",
    HEAD + b"Content-Length: -1\r\n\r\n", HEAD + b"Content-Length: +2\r\n\r\n{}",
    HEAD + b"Content-Length: 0x2\r\n\r\n{}", HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n{}",
    *(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + size + b"\r\n{}\r\n0\r\n\r\n"
      for size in (b"-2", b"0x2", b"g", b"", b" 2", b"ffffffffffffffffff", b"fffffffffffffffe")),
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n0\r\n\r\n",
    HEAD + b" folded: x\r\n\r\n", HEAD + b"A b: c\r\n\r\n", HEAD + b"A\x00: c\r\n\r\n", HEAD + b": c\r\n\r\n",
    b"POST / HTTP/1.1\r\n\r\n", b"POST  HTTP/1.1\r\nHost: x\r\n\r\n", b"POST / HTTP/9.9\r\nHost: x\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x00" * 1000,
    b"POST / HTTP/1.1\r\nHost: x\r\nX: \xff\xfe\x01\r\n\r\n",
], ids=lambda data: repr(data[len(HEAD) if data.startswith(HEAD) else 0:][:40]))
def test_what_is_no_request_is_refused_once(endpoint, honest, data):
    answer = exchange(endpoint, data)
    assert is_refusal(answer, 400) or is_refusal(answer, 413) or is_refusal(answer, 431), answer
    assert answer.count("HTTP/1.1 ") == 1 and "openapi" not in answer, "a second request was smuggled in"
    honest()


def test_clients_that_dribble_keep_nobody_waiting(endpoint, honest):
    with connections(endpoint, 300) as slow:
        for number, each in enumerate(slow):
            each.sendall(HEAD[:10 + number % 10] if number % 2 else HEAD + b"Content-Length: 10\r\n\r\n{")
        honest()
        for each in slow:
            each.sendall(b"x")
        honest()


def test_who_is_too_slow_is_told_so(endpoint, honest):
    with connections(endpoint, 2) as (head, body):
        head.sendall(HEAD)
        body.sendall(HEAD + b"Content-Length: 10\r\n\r\n{")
        for each in (head, body):
            assert is_refusal(read_all(each), 408)
    honest()


def is_open(connection):
    """The other side has not closed it."""
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False


@pytest.mark.parametrize("word", [b"", b"P", b"POST / HT"], ids=["nothing", "a byte", "half a line"])
def test_a_flood_of_connections_that_get_no_further_keeps_nobody_out(endpoint, honest, word):
    most = min(MOST_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 256)
    with contextlib.ExitStack() as stack:
        silent = []
        while len(silent) < most + 5900:
            silent += stack.enter_context(connections(endpoint, 500))
            for each in silent[-500:]:
                with contextlib.suppress(OSError):
                    each.sendall(word)
            honest()  # and so these have been taken up, and the kernel's queue does not overflow
        wait_until(lambda: sum(map(is_open, silent)) <= most, "room")
        assert sum(map(is_open, silent)) >= most * 7 / 8
        assert not any(map(is_open, silent[:-most])), "those that have kept it waiting longest make room"
        with connections(endpoint, 500) as later:
            honest()
            assert all(map(is_open, later)), "who has just come does not"
    honest()


def crowd(stack, endpoint, word, count=4000):
    """So many connections, each of which has said as much of word() as the kernels keep on their way."""
    made = stack.enter_context(connections(endpoint, count))
    for each in made:
        each.setblocking(False)
        with contextlib.suppress(OSError):
            each.send(word())
    # It has had a look at all of them, for who has come later has his answer.
    assert endpoint.ask("GET", path="/openapi.json").status == 200
    for each in made:
        each.settimeout(PATIENCE)
    return made


def with_rubbish():
    """A request about some device, and what is none right behind it."""
    body = json.dumps({"uuid": secrets.token_hex(16)}).encode()
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body + b"z" * 63000


def statuses(connection):
    return re.findall(r"HTTP/1.1 (\d+)", read_all(connection))


def test_what_comes_behind_a_request_waits_with_the_client_while_balena_is_silent(sandbox, endpoint):
    sandbox.fault("balena.device.get", "hang")
    url = wait_until(lambda: metrics_url(endpoint.log), "the metrics")
    with contextlib.ExitStack() as stack:
        made = crowd(stack, endpoint, with_rubbish, 3900)
        scrape_until(url, lambda seen: seen.value("balena_clearblade_endpoint_waiting_requests") == len(made), "all")
        assert peak_mib(endpoint) < MOST_MIB
        assert all(map(is_open, made)), "they wait as anybody does"


def test_what_comes_behind_a_request_waits_with_the_client_while_balena_is_slow(sandbox, endpoint):
    sandbox.fault("balena.device.get", "latency", delay="300ms")
    with contextlib.ExitStack() as stack:
        for each in crowd(stack, endpoint, with_rubbish, 3000):
            answered = statuses(each)
            # One about the device, and one that the rest is no request: lost to a reset at times.
            assert answered[1:] in ([], ["431"]) and answered[:1] in ([], ["400"], ["429"], ["503"], ["504"]), answered
        assert peak_mib(endpoint) < MOST_MIB


@pytest.mark.parametrize("word", [
    HEAD + b"X: " + b"x" * 8000,
    HEAD + b"a:\r\n" * 120,
    HEAD + b"a:\r\n" * 120 + b"Content-Length: 16384\r\n\r\n" + b"x" * 16000,
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n3f00\r\n" + b"x" * 16000,
], ids=["a head", "fields", "a body", "a chunk"])
def test_half_of_a_large_request_from_each_of_many_is_not_kept(endpoint, honest, word):
    with contextlib.ExitStack() as stack:
        made = crowd(stack, endpoint, lambda: word)
        honest()
        assert peak_mib(endpoint) < MOST_MIB
        assert is_open(made[-1]), "who has come last does not make room"
    honest()


def test_thousands_of_fields_are_not_taken_in(endpoint):
    """Each takes up far more than the four bytes that it is."""
    with contextlib.ExitStack() as stack:
        for each in crowd(stack, endpoint, lambda: HEAD + b"a:\r\n" * 2000):
            assert statuses(each) in ([], ["431"])


def test_replies_that_nobody_reads_are_not_kept(endpoint, honest):
    with contextlib.ExitStack() as stack:
        crowd(stack, endpoint, lambda: b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
        honest()
    honest()


@pytest.mark.slow
def test_connections_that_come_and_go_keep_nobody_out(endpoint, honest):
    for round_number in range(5):
        for _ in range(500):
            socket.create_connection(("127.0.0.1", endpoint.port), timeout=PATIENCE).close()
        honest()


def test_one_connection_serves_many_requests_in_any_form(sandbox, endpoint):
    uuid, other = sandbox.add_devices(2)
    kept = endpoint.connect()
    for _ in range(3):
        assert endpoint.ask("GET", path="/openapi.json", connection=kept).status == 200
        assert endpoint.ask("POST", "{}", connection=kept).status == 400
    assert endpoint.ask("HEAD", path="/openapi.json", connection=kept).text == ""
    body = f'{{"uuid": "{uuid}"}}'.encode()
    # http.client sends an iterable as chunks.
    kept.request("POST", "/", iter([body[:7], body[7:]]), {"Content-Type": "application/json"}, encode_chunked=True)
    reply = kept.getresponse()
    assert (reply.status, reply.read()) == (201, b"device created")
    kept.close()
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=PATIENCE) as raw:
        body = body.replace(uuid.encode(), other.encode())
        raw.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
        assert raw.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        raw.sendall(body)
        assert raw.recv(1000).startswith(b"HTTP/1.1 201 ")
        # Two at once, answered in order.
        raw.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}")
        answers = b""
        while part := raw.recv(65536):
            answers += part
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"405", b"400"]


def test_a_caller_that_goes_away_is_provisioned_nevertheless(sandbox, endpoint):
    uuid = sandbox.add_devices(1)[0]
    hold = sandbox.hold("clearblade.device.create")
    connection = endpoint.connect()
    connection.request("POST", "/", f'{{"uuid": "{uuid}"}}')
    wait_until(lambda: sandbox.holds()[hold]["held"], "the create")
    connection.close()
    sandbox.end_hold(hold)
    wait_until(lambda: endpoint.post(uuid).code == 6, "its readiness")


@pytest.fixture
def tls_endpoint(site, tmp_path):
    certificate, key = tmp_path / "crt", tmp_path / "key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    "/CN=x", "-addext", "subjectAltName=DNS:localhost", "-out", certificate, "-keyout", key],
                   check=True, capture_output=True)
    endpoint = Endpoint(site, "--endpoint-tls-cert", certificate, "--endpoint-tls-key", key)
    endpoint.tls = ssl.create_default_context(cafile=certificate)
    yield endpoint
    endpoint.stop()


def test_tls_clients_that_do_not_finish_their_handshake_keep_nobody_waiting(sandbox, tls_endpoint):
    with connections(tls_endpoint, 100) as silent:
        for each in silent[:50]:
            each.sendall(b"\x16\x03\x01\x02\x00\x01")
        assert tls_endpoint.post(sandbox.add_devices(1)[0]).status == 201
    assert "HTTP" not in exchange(tls_endpoint, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "plain text on the TLS port"


def test_tls_clients_that_announce_a_long_hello_are_not_believed(sandbox, tls_endpoint):
    """OpenSSL makes room for 128 KiB when it has seen nine bytes."""
    with contextlib.ExitStack() as stack:
        crowd(stack, tls_endpoint, lambda: b"\x16\x03\x01\x00\x04\x01\x01\xff\x00")
        assert tls_endpoint.post(sandbox.add_devices(1)[0]).status == 201
        assert peak_mib(tls_endpoint) < MOST_MIB
