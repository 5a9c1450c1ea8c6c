"""Measures the provisioning endpoint: `serve`, on the sandbox over TLS, asked over plain HTTP. Run by scripts/bench.

CPU and memory are the operator's own, from the kernel's accounting of its process; requests and connections are counted by
the sandbox. The callers are one thread here that writes prepared bytes, so that they cost little of the machine.
"""

import argparse
import json
import pathlib
import re
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from bench import cpu_seconds, start_sandbox


def http(method, url, body=None):
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(),
                                     {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def request_for(uuid):
    body = json.dumps({"uuid": uuid, "balena_service": "relay"})
    return (f"POST /provision HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}").encode()


def is_whole(answer):
    head, separator, body = answer.partition(b"\r\n\r\n")
    return bool(separator) and len(body) >= int(re.search(rb"Content-Length: (\d+)", head)[1])


def ask_all(port, uuids, callers):
    """Each asks for one device after the other, on a connection of its own; when it was all answered, and how long each took."""
    waiting = iter(uuids)
    selector = selectors.DefaultSelector()
    times = []

    def ask(connection):
        uuid = next(waiting, None)
        if uuid is None:
            selector.unregister(connection)
            connection.close()
            return
        connection.sendall(request_for(uuid))
        selector.modify(connection, selectors.EVENT_READ, [time.monotonic(), b""])

    start = time.monotonic()
    for _ in range(min(callers, len(uuids))):
        connection = socket.create_connection(("127.0.0.1", port))
        selector.register(connection, selectors.EVENT_READ, None)
        ask(connection)
    while selector.get_map():
        for key, _ in selector.select():
            key.data[1] += key.fileobj.recv(65536)
            if not is_whole(key.data[1]):
                continue
            if not key.data[1].startswith(b"HTTP/1.1 201 "):
                sys.exit(f"not provisioned: {key.data[1].decode()}")
            times.append(time.monotonic() - key.data[0])
            ask(key.fileobj)
    return time.monotonic() - start, times


class Bench:
    def __init__(self, binaries, devices, work):
        self.sandbox, urls = start_sandbox(binaries, devices, work)
        self.control = urls["http_url"] + "/_sandbox/"
        dump = http("GET", self.control + "dump")
        self.uuids = [row["uuid"] for row in dump["balena"]["device"]]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.command = [binaries / "balena-clearblade-operator", "serve", "-f", work / "site", "--secrets-dir",
                        work / "secrets", "--log-level", "warn", "--endpoint-addr", f"127.0.0.1:{self.port}",
                        *(word for which in ("", "-per-address", "-per-device")
                          for word in (f"--endpoint-rate{which}", "0"))]
        self.operator = None

    def take(self, count):
        taken, self.uuids = self.uuids[:count], self.uuids[count:]
        assert len(taken) == count
        return taken

    def start(self):
        """How long until a device is provisioned."""
        start = time.monotonic()
        self.operator = subprocess.Popen(self.command)
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.001)
        ask_all(self.port, self.take(1), 1)
        return time.monotonic() - start

    def end(self):
        if self.operator:
            self.operator.terminate()
            self.operator.wait()
            self.operator = None

    def stop(self):
        self.end()
        self.sandbox.terminate()
        self.sandbox.wait()

    def peak_mib(self):
        status = pathlib.Path(f"/proc/{self.operator.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024

    def traffic(self):
        return http("GET", self.control + "traffic")


def measure(bench, devices):
    figures = {}
    first = []
    for _ in range(5):
        first.append(bench.start())
        bench.end()
    figures["first_answer_ms"] = round(statistics.median(first) * 1000, 1)
    bench.start()
    ask_all(bench.port, bench.take(64), 64)  # warm: connections are there
    http("POST", bench.control + "traffic/reset", {})
    ask_all(bench.port, bench.take(100), 1)
    traffic = bench.traffic()
    figures["requests_per_post"] = (traffic["sides"]["balena"] + traffic["sides"]["clearblade"]) / 100
    figures["new_connections_per_post"] = traffic["connections"]["opened"] / 100
    rates, costs = [], []
    for _ in range(3):
        before = cpu_seconds(bench.operator.pid)
        wall, _ = ask_all(bench.port, bench.take(devices), 64)
        rates.append(devices / wall)
        costs.append((cpu_seconds(bench.operator.pid) - before) / devices * 1000)
    figures["devices_per_s"] = round(statistics.median(rates))
    figures["cpu_ms_per_device"] = round(statistics.median(costs), 3)
    http("POST", bench.control + "faults", {"type": "latency", "delay": "50ms"})
    _, times = ask_all(bench.port, bench.take(20), 1)
    figures["p50_ms_at_50ms"] = round(statistics.median(times) * 1000, 1)
    http("DELETE", bench.control + "faults")
    ask_all(bench.port, bench.take(devices), 256)
    figures["peak_rss_mib"] = round(bench.peak_mib(), 1)
    return figures


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench endpoint")
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--devices", type=int, default=1000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bco-bench-") as directory:
        bench = Bench(arguments.binaries, 4 * arguments.devices + 200, pathlib.Path(directory) / "work")
        try:
            print(json.dumps(measure(bench, arguments.devices), indent=1))
        finally:
            bench.stop()


if __name__ == "__main__":
    main()
