"""Measures the operator in a cluster: a real API server, the sandbox at 0 ms. Run by scripts/bench.

CPU and memory are the operator's own, from the kernel's accounting of its process; writes are counted by the API server,
cloud requests by the sandbox. Wall times depend on the machine and on what else it does: the API server, etcd and the
sandbox share it.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import signal
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "kubernetes"), str(ROOT / "tests" / "e2e")]

from cluster import GROUP, Cluster, programs  # noqa: E402
from harness import Sandbox, wait_until  # noqa: E402
from installation import Installation  # noqa: E402

KINDS = "balenadevices|balenafleets|clearbladeregistries|secrets"
PATIENCE = 900
PLENTY = {"registry": {"createDeletePerMinute": 9000000, "updatesPerMinute": 9000000, "readsPerMinute": 9000000},
          "fleet": {"requestsPerSecond": 150000, "burst": 150000}}


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mib(pid, what):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{what}:\s+(\d+)", status, re.MULTILINE)[1]) / 1024


def uuid_of(number):
    return f"{number:032x}"


class Bench:
    def __init__(self, directory, folder, devices):
        self.directory = directory
        self.site = None
        for name in ("cluster", "sandbox"):
            (directory / name).mkdir()
        self.cluster = Cluster(directory / "cluster", folder)
        self.sandbox = Sandbox(directory / "sandbox", "--no-devices", "--devices", str(devices))
        self.uuids = [row["uuid"] for row in self.sandbox.get("dump")["balena"]["device"]]
        self.created = 0

    def prepare(self):
        self.cluster.start()
        self.cluster.add_namespace("bench")
        self.site = Installation(self.directory, self.cluster, "bench", self.sandbox)
        self.allow(**PLENTY)

    def allow(self, registry, fleet):
        """Budgets of calls; empty ones are what a user has who says nothing."""
        self.site.registry(callBudget=registry)
        self.site.fleet(devices="Declared", apiUrl=self.sandbox.https_url, syncInterval="5m", callBudget=fleet)

    def stop(self):
        if self.site:
            self.site.stop()
        self.cluster.stop()
        self.sandbox.stop()

    def start(self, *arguments):
        return self.site.start("--log-level", "warn", *arguments)

    def create(self, count, delete_policy="Delete"):
        """Objects for so many more devices, as fast as the API server takes them."""
        batch = self.uuids[self.created:self.created + count]
        assert len(batch) == count
        self.created += count

        def one(uuid):
            answer = self.cluster.request("POST", self.site.path("device"), self.site.object(
                "BalenaDevice", f"d-{uuid}", {"uuid": uuid, "fleetRef": {"name": "sensors"},
                                              "deletionPolicy": delete_policy}))
            assert answer.status == 201, answer.message

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(one, batch))
        return batch

    def delete_all(self):
        """Asks for the end of all of them, as fast as the API server takes it; kubectl needs minutes."""
        def one(uuid):
            answer = self.cluster.request("DELETE", self.site.path("device", f"d-{uuid}"))
            assert answer.status == 200, answer.message

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(one, self.uuids[:self.created]))

    def ask_for_all(self):
        """Each object's annotation asks for a pass."""
        def one(uuid):
            answer = self.cluster.request(
                "PATCH", self.site.path("device", f"d-{uuid}"),
                {"metadata": {"annotations": {f"{GROUP}/reconcile-requested-at": "bench"}}}, "merge-patch+json")
            assert answer.status == 200, answer.message

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(one, self.uuids[:self.created]))

    def fresh_start(self):
        """With no operator running: starts one that finds a pass due of every object, with the usual budgets, and
        creates one more object. The operator, and the seconds until the new one is about to be registered."""
        self.uuids += self.sandbox.add_devices(1)
        others = self.created
        self.ask_for_all()
        self.allow({}, {})
        self.sandbox.reset_traffic()

        def passes():
            return self.sandbox.requests().get("balena.device.get", 0)

        operator = self.start()
        wait_until(passes, "the first of the passes that are due", PATIENCE)
        hold = self.sandbox.hold("clearblade.device.create")
        started = time.monotonic()
        self.create(1)
        wait_until(lambda: self.sandbox.holds()[hold]["held"], "the new object's registration", PATIENCE)
        took = time.monotonic() - started
        assert passes() < others / 2, "too few others were waiting: not what was to be measured"
        self.sandbox.end_hold(hold)
        self.allow(**PLENTY)
        wait_until(lambda: passes() > others, "the passes that were due", PATIENCE)
        return operator, took

    def ready(self):
        """How many objects are."""
        items = self.cluster.request("GET", self.site.path("device")).body["items"]
        return sum(item["status"].get("phase") == "Ready" for item in items)

    def variables(self):
        """How many variables devices have at balena."""
        balena = self.sandbox.get("dump")["balena"]
        return sum(len(balena[level]) for level in ("device_environment_variable", "device_service_environment_variable"))

    def wait_ready(self, count):
        wait_until(lambda: len(self.sandbox.registrations()) >= count, f"registration of {count}", PATIENCE)
        wait_until(lambda: self.ready() >= count, f"readiness of {count}", PATIENCE)

    def writes(self):
        """The API server's counter of what changes objects of ours, leases and events apart."""
        text = self.cluster.request("GET", "/metrics").message
        total = 0
        for line in text.splitlines():
            if not line.startswith("apiserver_request_total{"):
                continue
            if not re.search(rf'resource="({KINDS})"', line):
                continue
            verb = re.search(r'verb="(\w+)"', line)[1]
            if verb in ("APPLY", "PATCH", "PUT", "DELETE"):
                total += int(float(line.rsplit(" ", 1)[1]))
        return total

    def cloud_requests(self):
        sides = self.sandbox.get("traffic")["sides"]
        return sides["balena"] + sides["clearblade"]

    def quiet(self):
        """Returns when no cloud has been called for a second; the time of the last call."""
        last, at = self.cloud_requests(), time.monotonic()
        while time.monotonic() - at < 1:
            now = self.cloud_requests()
            if now != last:
                last, at = now, time.monotonic()
            time.sleep(0.02)
        return at


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench kubernetes")
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--objects", type=int, default=10000)
    parser.add_argument("--idle", type=int, default=330,
                        help="seconds; a sweep comes every five minutes. Without one the restart writes once: the "
                             "registry's counts, which are those of the sweep before the objects were made")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bco-bench-", ignore_cleanup_errors=True) as name:
        bench = Bench(pathlib.Path(name), programs(), arguments.objects)
        try:
            bench.prepare()
            print(json.dumps(measure(bench, arguments.objects, arguments.idle), indent=1))
        finally:
            bench.stop()


def tell(text):
    print(text, file=sys.stderr, flush=True)


def measure(bench, objects, idle):
    figures = {"objects": objects}
    operator = bench.start()
    pid = operator.process.pid
    wait_until(lambda: bench.site.lease().get("holderIdentity"), "leadership")
    bench.quiet()

    burst = min(1000, objects // 4)
    cpu, writes = cpu_seconds(pid), bench.writes()
    started = time.monotonic()
    bench.create(burst)
    figures["burst_created_s_1k"] = round(time.monotonic() - started, 1)
    bench.wait_ready(burst)
    figures["burst_ready_s_1k"] = round(time.monotonic() - started, 1)
    cpu_once = cpu_seconds(pid) - cpu
    writes_once = bench.writes() - writes
    tell(f"burst: {cpu_once / burst * 1000:.2f} ms, {writes_once / burst:.2f} writes an object")

    cpu, writes, rest = cpu_seconds(pid), bench.writes(), objects - burst
    bench.create(rest)
    bench.wait_ready(objects)
    figures["cpu_ms_per_object"] = round((cpu_seconds(pid) - cpu) / rest * 1000, 3)
    figures["api_writes_per_object"] = round((bench.writes() - writes) / rest, 3)
    figures["peak_rss_mib_10k"] = round(memory_mib(pid, "VmHWM"), 1)
    bench.quiet()
    figures["rss_mib_10k"] = round(memory_mib(pid, "VmRSS"), 1)
    tell(json.dumps(figures))

    cpu, started = cpu_seconds(pid), time.monotonic()
    time.sleep(idle)
    figures["idle_cpu_percent_10k"] = round((cpu_seconds(pid) - cpu) / (time.monotonic() - started) * 100, 3)

    operator.stop(signal.SIGTERM)
    bench.sandbox.reset_traffic()
    writes = bench.writes()
    started = time.monotonic()
    operator = bench.start()
    pid = operator.process.pid
    wait_until(bench.cloud_requests, "the first sweep")
    last = bench.quiet()
    figures["restart_s_10k"] = round(last - started, 2)
    figures["restart_cpu_s_10k"] = round(cpu_seconds(pid), 2)
    figures["restart_cloud_requests_10k"] = bench.cloud_requests()
    figures["restart_writes_10k"] = bench.writes() - writes
    figures["restart_peak_rss_mib_10k"] = round(memory_mib(pid, "VmHWM"), 1)
    tell(json.dumps(figures))

    standby = bench.start()
    time.sleep(2)
    started = time.monotonic()
    holder = bench.site.lease()["holderIdentity"]
    operator.process.terminate()
    wait_until(lambda: bench.site.lease().get("holderIdentity") not in ("", None, holder), "hand-over")
    figures["failover_term_s"] = round(time.monotonic() - started, 2)
    operator = standby
    pid = operator.process.pid
    bench.quiet()

    standby = bench.start()
    time.sleep(2)
    started = time.monotonic()
    holder = bench.site.lease()["holderIdentity"]
    operator.process.kill()
    wait_until(lambda: bench.site.lease().get("holderIdentity") not in ("", None, holder), "take-over", 120)
    figures["failover_kill_s"] = round(time.monotonic() - started, 1)
    operator = standby
    pid = operator.process.pid
    bench.quiet()
    tell(json.dumps(figures))

    operator.stop(signal.SIGTERM)
    operator, took = bench.fresh_start()
    figures["fresh_start_s"] = round(took, 2)
    pid = operator.process.pid
    bench.wait_ready(objects + 1)
    bench.quiet()
    tell(json.dumps(figures))

    assert bench.variables() == 4 * bench.created, "not all have their variables: nothing would be seen of their end"
    cpu, started = cpu_seconds(pid), time.monotonic()
    bench.delete_all()
    figures["delete_asked_s_10k"] = round(time.monotonic() - started, 1)
    wait_until(lambda: not bench.sandbox.registrations(), "removal of all registrations", PATIENCE)
    wait_until(lambda: not bench.site.devices(), "removal of all objects", PATIENCE)
    wait_until(lambda: not bench.variables(), "removal of all variables", PATIENCE)
    figures["delete_s_10k"] = round(time.monotonic() - started, 1)
    figures["delete_cpu_ms_per_object"] = round((cpu_seconds(pid) - cpu) / bench.created * 1000, 3)
    return figures


if __name__ == "__main__":
    main()
