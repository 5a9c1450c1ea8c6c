"""The operator in a cluster: objects for a sandbox, and replicas of the controller."""

import json
import os
import re
import secrets
import signal
import subprocess
import urllib.error
import urllib.request

from harness import BIN, PATIENCE, ROOT, wait_until

GROUP = "provisioning.balena-clearblade.io"
OPERATOR = "balena-clearblade-operator"
PLURALS = {"registry": "clearbladeregistries", "fleet": "balenafleets", "device": "balenadevices"}
KINDS = {"ClearBladeRegistry": "registry", "BalenaFleet": "fleet", "BalenaDevice": "device"}


class Replica:
    """A running `balena-clearblade-operator controller`."""

    def __init__(self, installation, kubeconfig, *arguments, everywhere=False, environment=None):
        self.installation = installation
        self.log_file = installation.directory / f"replica-{secrets.token_hex(4)}.log"
        if "--retry-initial" not in arguments:
            arguments = ("--retry-initial", "20ms", "--retry-longest", "200ms", *arguments)
        if "--metrics-addr" not in arguments:
            arguments = ("--metrics-addr", "", *arguments)
        if "--health-addr" not in arguments:
            arguments = ("--health-addr", "", *arguments)
        if not everywhere:
            arguments = ("--namespace", installation.namespace, *arguments)
        if "--lease-namespace" not in arguments:
            arguments = ("--lease-namespace", installation.namespace, *arguments)
        with self.log_file.open("w") as log:
            self.process = subprocess.Popen(
                [BIN / "balena-clearblade-operator", "controller", "--kubeconfig", kubeconfig, *arguments],
                stdout=log, stderr=log, env=environment and os.environ | environment)

    @property
    def log(self):
        return self.log_file.read_text()

    def health(self, path):
        """Status and text of /livez or /readyz, for a replica started with `--health-addr 127.0.0.1:0`."""
        found = wait_until(lambda: re.search(r"serving health address=\S+ port=(\d+)", self.log), "serving health")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}{path}", timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def leads(self):
        return self.process.poll() is None and " leading" in self.log

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def stop(self, how=signal.SIGTERM):
        """Its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
        code = self.process.wait(PATIENCE)
        self.installation.sandbox.outputs.append(self.log)
        return code


class Installation:
    """A namespace with Secrets and objects for a sandbox."""

    def __init__(self, directory, cluster, namespace, sandbox):
        self.directory = directory
        self.cluster = cluster
        self.namespace = namespace
        self.sandbox = sandbox
        self.replicas = []
        self._kubeconfig = None
        for name in ("balena", "clearblade", "ca"):
            self.secret(name)

    def secret(self, name):
        """As the sandbox has written it."""
        folder = self.sandbox.secrets / name
        values = {file.name: file.read_text() for file in folder.iterdir()}
        self.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
                    "stringData": values})

    def apply(self, document):
        """What `kubectl apply --server-side` does."""
        if document["kind"] == "Secret":
            path = self.core("secrets", document["metadata"]["name"])
        else:
            path = self.path(KINDS[document["kind"]], document["metadata"]["name"])
        done = self.cluster.request(
            "PATCH", f"{path}?fieldManager=tests&force=true&fieldValidation=Strict", document,
            "apply-patch+yaml")
        assert done.status in (200, 201), done.message

    def delete(self, kind, name):
        """Begins it."""
        assert self.cluster.request("DELETE", self.path(kind, name)).status == 200

    def annotate(self, kind, name, **annotations):
        done = self.cluster.request(
            "PATCH", self.path(kind, name), {"metadata": {"annotations": {
                f"{GROUP}/{key.replace('_', '-')}": value for key, value in annotations.items()}}},
            "merge-patch+json")
        assert done.status == 200, done.message

    def gone(self, kind, name):
        return self.get(kind, name) is None

    def wait_gone(self, kind, name):
        wait_until(lambda: self.gone(kind, name), f"the end of {kind} {name}")

    def wait_condition(self, kind, name, type="Ready", **expected):
        """The condition, once it has these fields; in what is not true the object is told."""
        found = {}

        def has():
            found["last"] = condition(self.get(kind, name), type)
            return found["last"] and expected.items() <= found["last"].items() and found["last"]

        try:
            return wait_until(has, f"{kind} {name} with {expected}")
        except AssertionError as error:
            raise AssertionError(f"{error}; last seen: {found['last']}") from None

    def kubectl(self, *arguments, **options):
        return self.cluster.kubectl("-n", self.namespace, *arguments, **options)

    def object(self, kind, name, spec, **metadata):
        return {"apiVersion": f"{GROUP}/v1alpha1", "kind": kind,
                "metadata": {"name": name} | metadata, "spec": spec}

    def registry(self, name="main", **spec):
        spec = {"project": "my-project", "region": "us-central1", "registry": "devices",
                "serviceAccountSecretRef": {"name": "clearblade"}, "ownerId": "site-a",
                "caSecretRef": {"name": "ca"},
                "callBudget": {"createDeletePerMinute": 6000000, "updatesPerMinute": 6000000,
                               "readsPerMinute": 6000000}} | spec
        self.apply(self.object("ClearBladeRegistry", name, spec))
        return self

    def fleet(self, name="sensors", slug="acme/sensors", service="relay", **spec):
        variables = {"target": "Service", "service": service} if service else {"target": "Device"}
        spec = {"fleet": slug, "apiUrl": self.sandbox.http_url, "caSecretRef": {"name": "ca"},
                "tokenSecretRef": {"name": "balena"}, "registryRef": {"name": "main"},
                "devices": "All", "variables": variables, "syncInterval": "2s",
                "callBudget": {"requestsPerSecond": 100000, "burst": 100000}} | spec
        self.apply(self.object("BalenaFleet", name, spec))
        return self

    def device(self, uuid, name=None, fleet="sensors", **spec):
        self.apply(self.object("BalenaDevice", name or f"d-{uuid}",
                               {"uuid": uuid, "fleetRef": {"name": fleet}} | spec))
        return self

    def operator_kubeconfig(self, url=None):
        """Of the service account of deploy/rbac-namespaced.yaml, made here. `url`: of the API server, by another way."""
        text = (ROOT / "deploy" / "rbac-namespaced.yaml").read_text()
        self.kubectl("apply", "-f", "-", input=text.replace(
            "namespace: balena-clearblade\n", f"namespace: {self.namespace}\n"))
        token = self.cluster.service_account_token(self.namespace, OPERATOR)
        return self.cluster.kubeconfig(token, f"{self.namespace}-operator", self.namespace, url)

    def start(self, *arguments, kubeconfig=None, **replica):
        """A replica with just the rights that deploy/ gives it, or with whose kubeconfig it is."""
        if kubeconfig is None:
            self._kubeconfig = self._kubeconfig or self.operator_kubeconfig()
        self.replicas.append(Replica(self, kubeconfig or self._kubeconfig, *arguments, **replica))
        return self.replicas[-1]

    def stop(self):
        """Ends what runs; what it has said and written is searched for secrets later."""
        for replica in self.replicas:
            replica.stop(signal.SIGKILL)
        for path in [*map(self.path, PLURALS), self.core("events")]:
            self.sandbox.outputs.append(json.dumps(self.cluster.request("GET", path).body))

    def get(self, kind, name):
        answer = self.cluster.request("GET", self.path(kind, name))
        return answer.body if answer.status == 200 else None

    def path(self, kind, name=""):
        return (f"/apis/{GROUP}/v1alpha1/namespaces/{self.namespace}/{PLURALS[kind]}"
                + (name and f"/{name}"))

    def core(self, plural, name=""):
        return f"/api/v1/namespaces/{self.namespace}/{plural}" + (name and f"/{name}")

    def devices(self):
        """All device objects by UUID."""
        items = self.cluster.request("GET", self.path("device")).body["items"]
        return {item["spec"]["uuid"]: item for item in items}

    def ready(self, count):
        """So many devices, and all of them ready."""
        found = self.devices().values()
        return len(found) == count and all(is_true(item, "Ready") for item in found)

    def wait_ready(self, count, patience=PATIENCE):
        wait_until(lambda: self.ready(count), f"readiness of {count} devices", patience)

    def lease(self):
        answer = self.cluster.request(
            "GET", f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases/{OPERATOR}")
        return answer.body["spec"] if answer.status == 200 else {}

    def events(self, name):
        items = self.cluster.request("GET", self.core("events")).body["items"]
        return [item for item in items if item["involvedObject"]["name"] == name]


def condition(item, type):
    """None where there is none."""
    for each in (item or {}).get("status", {}).get("conditions", []):
        if each["type"] == type:
            return each
    return None


def is_true(item, type):
    found = condition(item, type)
    return found is not None and found["status"] == "True"


def writes(sandbox):
    """Requests that change a cloud, by kind, since the last reset."""
    return {kind: count for kind, count in sandbox.requests().items()
            if kind.endswith((".create", ".update", ".patch", ".delete"))}
