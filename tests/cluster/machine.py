"""A real single-node cluster on this machine, in namespaces of its own, and what tests do with it."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import urllib.parse

from chart import CHART, ROOT, programs as chart_programs, prometheus_programs
from harness import PATIENCE, Sandbox, wait_until

HERE = pathlib.Path(__file__).resolve().parent
GROUP = "provisioning.balena-clearblade.io"


def run(*command, input=None, patience=PATIENCE, **environment):
    """Its output; it must succeed."""
    done = subprocess.run(command, input=input, text=True, capture_output=True, timeout=patience, env=os.environ | environment)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


class Machine:
    """The cluster. One at a time on a machine, unless KUBE_STATE, KUBE_PORT and KUBE_NAME are others."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        made = subprocess.run([ROOT / "scripts" / "kubernetes-programs", "cluster"], stdout=subprocess.PIPE, stderr=sys.__stderr__, text=True)
        assert made.returncode == 0, "no Kubernetes programs"
        folder = made.stdout.strip()
        self.environment = {"KUBE_BIN": folder, "PATH": f"{folder}:{os.environ['PATH']}"}
        self.state = pathlib.Path(os.environ.get("KUBE_STATE", "/var/lib/kube-local"))
        self.kubeconfig = self.state / "admin.kubeconfig"

    def up(self):
        run(HERE / "up", patience=300, **self.environment)
        return self

    def down(self):
        run(HERE / "down", **self.environment)

    def load(self, archive):
        run(HERE / "load-image", archive, **self.environment)

    def kubectl(self, *arguments, input=None, patience=PATIENCE):
        return run("kubectl", "--kubeconfig", self.kubeconfig, *arguments, input=input, patience=patience, **self.environment)

    def get(self, *arguments):
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def helm(self, *arguments, patience=120):
        return run(chart_programs() / "helm", "--kubeconfig", self.kubeconfig, *arguments, patience=patience, **self.environment)

    def shell(self, commands):
        """As a person would type them, who has kubectl, helm and the rights of an administrator."""
        return run("bash", "-euc", commands, patience=300, **self.environment | {
            "KUBECONFIG": str(self.kubeconfig), "PATH": f"{chart_programs()}:{self.environment['PATH']}"})

    def inside(self, *command):
        """The command line that runs it in the cluster's network, where Pods and Services have their addresses."""
        return ["env", *(f"{name}={value}" for name, value in self.environment.items()), HERE / "enter", "-n", *command]

    def http(self, method, url, body=None, headers=(), options=()):
        """(status, text) of a request from within the cluster's network."""
        flags = [flag for header in headers for flag in ("-H", header)] + list(options)
        if body is not None:
            flags += ["-H", "Content-Type: application/json", "--data-binary", "@-"]
        answer = run(*self.inside("curl", "-sS", "-X", method, "-w", "\n%{http_code}", *flags, url), input=body)
        text, _, status = answer.rpartition("\n")
        return int(status), text

    def address(self, namespace, service):
        return self.get("-n", namespace, "service", service)["spec"]["clusterIP"]


class SandboxInside(Sandbox):
    """The chart's sandbox, by its control API."""

    def __init__(self, machine, namespace, service):  # noqa: super().__init__ would start one here
        self.machine = machine
        self.url = f"http://{machine.address(namespace, service)}:8080"
        self.devices = 0

    def call(self, method, path, body=None):
        status, text = self.machine.http(method, f"{self.url}/_sandbox/{path}", None if body is None else json.dumps(body))
        assert status < 300, f"{method} {path}: {status} {text}"
        return json.loads(text or "null")

    def publishes(self):
        return self.get("summary")["publishes"]

    def keys(self):
        """The registered keys, by device."""
        return {name: each["credentials"] for name, each in self.registrations().items()}


class Release:
    """The chart's release in a namespace that enforces the restricted level of Pod security."""

    def __init__(self, machine, name, namespace):
        self.machine, self.name, self.namespace = machine, name, namespace

    def prepare(self):
        self.machine.kubectl("apply", "-f", "-", input=json.dumps({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {
                "name": self.namespace, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}))
        return self

    def install(self, chart, **values):
        return self.helm("install", chart, **values)

    def upgrade(self, chart, **values):
        return self.helm("upgrade", chart, **values)

    def helm(self, verb, chart, **values):
        """Waits until everything is ready. Values as JSON, after those of before an upgrade."""
        file = self.machine.directory / f"{self.name}-{verb}.json"
        file.write_text(json.dumps(values))
        more = ("--reset-then-reuse-values",) if verb == "upgrade" else ()
        return self.machine.helm(verb, self.name, chart, "-n", self.namespace, "--values", file, "--wait", "--timeout", "90s", *more)

    def uninstall(self):
        self.machine.helm("uninstall", self.name, "-n", self.namespace, "--wait", "--timeout", "90s")

    def kubectl(self, *arguments, **options):
        return self.machine.kubectl("-n", self.namespace, *arguments, **options)

    def get(self, *arguments):
        return self.machine.get("-n", self.namespace, *arguments)

    def pods(self, component="controller"):
        """By name, without those that are going."""
        found = self.get("pods", "-l", f"app.kubernetes.io/instance={self.name},app.kubernetes.io/component={component}")["items"]
        return {pod["metadata"]["name"]: pod for pod in found if "deletionTimestamp" not in pod["metadata"]}

    def leader(self):
        """The Pod that works, if one does."""
        lease = self.get("lease", self.name)["spec"]
        holder = lease.get("holderIdentity", "")
        return next((name for name in self.pods() if holder.startswith(name)), None)

    def devices(self):
        return {each["spec"]["uuid"]: each for each in self.get("balenadevices")["items"]}

    def ready(self):
        """How many devices are."""
        return sum(each["status"].get("phase") == "Ready" for each in self.devices().values())

    def wait_ready(self, count):
        wait_until(lambda: self.ready() == count, f"readiness of {count} devices", 2 * PATIENCE)


class Prometheus:
    """A real one in the cluster's network, that scrapes what it is told and evaluates rules."""

    URL = "http://127.0.0.1:9090"

    def __init__(self, machine, directory, targets, rules):
        self.machine, self.started = machine, time.time()
        directory = pathlib.Path(directory)
        (directory / "rules.json").write_text(json.dumps(rules))
        (directory / "prometheus.json").write_text(json.dumps({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [str(directory / "rules.json")],
            # The job is the Service's name, as the Prometheus operator has it for a ServiceMonitor.
            "scrape_configs": [{"job_name": "operator", "static_configs": targets,
                                "relabel_configs": [{"source_labels": ["service"], "target_label": "job"}]}]}))
        self.log = directory / "prometheus.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(machine.inside(
                prometheus_programs() / "prometheus", f"--config.file={directory / 'prometheus.json'}", f"--storage.tsdb.path={directory / 'tsdb'}",
                "--web.listen-address=127.0.0.1:9090"), stdout=log, stderr=log)
        wait_until(self.is_ready, "Prometheus' start")

    def is_ready(self):
        assert self.process.poll() is None, self.log.read_text()
        done = subprocess.run(self.machine.inside("curl", "-sf", f"{self.URL}/-/ready"), capture_output=True)
        return done.returncode == 0

    def api(self, path, **query):
        status, text = self.machine.http("GET", f"{self.URL}/api/v1/{path}?{urllib.parse.urlencode(query)}")
        assert status == 200, text
        return json.loads(text)["data"]

    def query(self, expression):
        return self.api("query", query=expression)["result"]

    def history(self, expression):
        """Since it was started."""
        now = time.time()
        return self.api("query_range", query=expression, start=self.started, end=now, step=max(1, (now - self.started) / 200))["result"]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)


__all__ = ["CHART", "GROUP", "Machine", "Prometheus", "Release", "SandboxInside", "run"]
