"""The operator in a cluster: objects for a sandbox, and replicas of the controller."""

import json
import secrets
import signal
import subprocess

from harness import BIN, PATIENCE, ROOT, wait_until

GROUP = "provisioning.balena-clearblade.io"


class Replica:
    """A running `balena-clearblade-operator controller`."""

    def __init__(self, installation, kubeconfig, *arguments):
        self.installation = installation
        self.log_file = installation.directory / f"replica-{secrets.token_hex(4)}.log"
        with self.log_file.open("w") as log:
            self.process = subprocess.Popen(
                [BIN / "balena-clearblade-operator", "controller", "--kubeconfig", kubeconfig,
                 "--namespace", installation.namespace, "--lease-namespace", installation.namespace,
                 "--health-addr", "", "--retry-initial", "20ms", "--retry-longest", "200ms",
                 *arguments], stdout=log, stderr=log)

    @property
    def log(self):
        return self.log_file.read_text()

    def leads(self):
        return self.installation.leader_pid() == self.process.pid

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
        for name in ("balena", "clearblade", "ca"):
            self.secret(name)

    def secret(self, name):
        """As the sandbox has written it."""
        folder = self.sandbox.secrets / name
        values = {file.name: file.read_text() for file in folder.iterdir()}
        self.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
                    "stringData": values})

    def apply(self, *documents, refused=False):
        text = "\n---\n".join(json.dumps(document) for document in documents)
        return self.kubectl("apply", "-f", "-", input=text)

    def kubectl(self, *arguments, input=None):
        return self.cluster.kubectl("-n", self.namespace, *arguments, input=input)

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

    def start(self, *arguments, kubeconfig=None):
        self.replicas.append(Replica(self, kubeconfig or self.cluster.admin_kubeconfig, *arguments))
        return self.replicas[-1]

    def stop(self):
        for replica in self.replicas:
            replica.stop(signal.SIGKILL if replica.process.poll() is None else signal.SIGTERM)

    def get(self, kind, name):
        answer = self.cluster.request("GET", self.path(kind, name))
        return answer.body if answer.status == 200 else None

    def path(self, kind, name=""):
        plural = {"fleet": "balenafleets", "device": "balenadevices",
                  "registry": "clearbladeregistries"}[kind]
        return f"/apis/{GROUP}/v1alpha1/namespaces/{self.namespace}/{plural}" + (name and f"/{name}")

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
            "GET", f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases/"
                   "balena-clearblade-operator")
        return answer.body["spec"] if answer.status == 200 else {}

    def events(self, name):
        items = self.cluster.request(
            "GET", f"/api/v1/namespaces/{self.namespace}/events").body["items"]
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
