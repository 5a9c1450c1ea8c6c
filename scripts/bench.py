"""Measures `sync --once` on fleets of N and 2N new devices. Run by scripts/bench.

A figure per device is (at 2N − at N) / N, so that start, trust and sweep of the first N are apart; the median of several
runs. CPU and memory are the operator's own, from the kernel's accounting of the process.
"""

import argparse
import base64
import json
import os
import pathlib
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

SYSTEM_CA = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
SITE = """\
apiVersion: provisioning.balena-clearblade.io/v1alpha1
kind: ClearBladeRegistry
metadata: {{name: main}}
spec:
  project: my-project
  region: us-central1
  registry: devices
  ownerId: bench
  serviceAccountSecretRef: {{name: clearblade}}
  caSecretRef: {{name: ca}}
  callBudget: {{createDeletePerMinute: 9000000, updatesPerMinute: 9000000, readsPerMinute: 9000000}}
---
apiVersion: provisioning.balena-clearblade.io/v1alpha1
kind: BalenaFleet
metadata: {{name: sensors}}
spec:
  fleet: acme/sensors
  apiUrl: {url}
  tokenSecretRef: {{name: balena}}
  caSecretRef: {{name: ca}}
  registryRef: {{name: main}}
  devices: All
  variables: {{target: Service, service: relay}}
  callBudget: {{requestsPerSecond: 150000, burst: 150000}}
"""


def start_sandbox(binaries, devices, work):
    """A sandbox with so many devices, and a site for it in `work`: "site" and "secrets". The process, and its ready file's values."""
    work.mkdir()
    ready = work / "ready.json"
    sandbox = subprocess.Popen(
        [binaries / "cloud-sandbox", "--no-devices", "--devices", str(devices), "--ready-file", ready,
         "--ca-file", work / "ca.crt", "--write-secrets", work / "secrets"], stdout=subprocess.DEVNULL)
    while not ready.exists():
        time.sleep(0.02)
    values = json.loads(ready.read_text())
    seed = work / "secrets/bco-key-seed/seed"
    seed.parent.mkdir()
    seed.write_text(base64.b64encode(secrets.token_bytes(32)).decode())
    # As in the field: the whole system bundle is trusted, and the sandbox's authority.
    ca = work / "secrets/ca/ca.crt"
    ca.write_text(SYSTEM_CA.read_text() + ca.read_text())
    (work / "site").mkdir()
    (work / "site/fleet.yaml").write_text(SITE.format(url=values["https_url"]))
    return sandbox, values


def measure(binaries, devices, work):
    sandbox, urls = start_sandbox(binaries, devices, work)
    try:
        sandbox_before = cpu_seconds(sandbox.pid)
        start = time.monotonic()
        operator = subprocess.Popen(
            [binaries / "balena-clearblade-operator", "sync", "--once", "-f", work / "site",
             "--secrets-dir", work / "secrets", "--log-level", "warn"], stdout=subprocess.PIPE, text=True)
        output = operator.stdout.read()
        _, status, usage = os.wait4(operator.pid, 0)
        wall = time.monotonic() - start
        if status != 0 or f"{devices} of {devices} devices in sync" not in output:
            sys.exit(f"the operator did not converge: {output}")
        with urllib.request.urlopen(urls["http_url"] + "/_sandbox/traffic") as answer:
            traffic = json.load(answer)
        return {
            "wall_s": wall,
            "cpu_s": usage.ru_utime + usage.ru_stime,
            "rss_mib": usage.ru_maxrss / 1024,
            "requests": traffic["sides"]["balena"] + traffic["sides"]["clearblade"],
            "connections": traffic["connections"]["opened"],
            "sandbox_cpu_s": cpu_seconds(sandbox.pid) - sandbox_before,
        }
    finally:
        sandbox.terminate()
        sandbox.wait()


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench provision")
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    count = arguments.devices
    pairs = []
    with tempfile.TemporaryDirectory(prefix="bco-bench-") as directory:
        for run in range(arguments.runs):
            pairs.append([measure(arguments.binaries, count * factor, pathlib.Path(directory) / f"{run}-{factor}")
                          for factor in (1, 2)])

    def per_device(what):
        return statistics.median((twice[what] - once[what]) / count for once, twice in pairs)

    print(json.dumps({
        "devices": count,
        "devices_per_s": round(1 / per_device("wall_s")),
        "cpu_ms_per_device": round(per_device("cpu_s") * 1000, 3),
        "requests_per_device": round(per_device("requests"), 3),
        "connections_per_device": round(per_device("connections"), 4),
        "peak_rss_mib": round(statistics.median(once["rss_mib"] for once, _ in pairs), 1),
        "start_and_sweep_cpu_ms": round(statistics.median(
            (2 * once["cpu_s"] - twice["cpu_s"]) * 1000 for once, twice in pairs)),
        "sandbox_cpu_us_per_request": round(
            per_device("sandbox_cpu_s") / per_device("requests") * 1e6, 1),
    }, indent=1))


if __name__ == "__main__":
    main()
