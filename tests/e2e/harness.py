"""Runs the shipped programs: cloud-sandbox, and the operator on files made for it."""

import base64
import json
import os
import pathlib
import secrets
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / os.environ.get("BUILD_DIR", "build") / "bin"
SANITIZED = BIN.parent.name in ("asan", "tsan")
# How long anything may take before a test gives up: never what a test measures.
PATIENCE = 240 if SANITIZED else 60

VARIABLES = ("GCP_CLIENT_PATH", "GCP_DATA_TOPIC_ROOT", "GCP_PROJECT_ID", "GCP_PRIVATE_KEY")


def wait_until(ready, what="it", patience=PATIENCE):
    """The first true value of ready()."""
    deadline = time.monotonic() + patience
    pause = threading.Event()
    while True:
        value = ready()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what} did not happen within {patience} s"
        pause.wait(0.02)


class Sandbox:
    """A running cloud-sandbox; its control API as methods."""

    def __init__(self, directory, *arguments):
        self.directory = pathlib.Path(directory)
        self.secrets = self.directory / "secrets"
        ready = self.directory / "ready.json"
        self.process = subprocess.Popen(
            [BIN / "cloud-sandbox", "--ready-file", ready, "--ca-file", self.directory / "ca.crt",
             "--write-secrets", self.secrets, *arguments],
            stdout=subprocess.DEVNULL)
        wait_until(lambda: ready.exists() or self.process.poll() is not None, "the sandbox's start")
        assert self.process.poll() is None, "cloud-sandbox ended at once"
        self.ready = json.loads(ready.read_text())
        self.http_url = self.ready["http_url"]
        self.https_url = self.ready["https_url"]
        self.give_seed(secrets.token_bytes(32))

    def give_seed(self, seed):
        self.seed = seed
        path = self.secrets / "bco-key-seed" / "seed"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(base64.b64encode(seed).decode() + "\n")

    def call(self, method, path, body=None):
        request = urllib.request.Request(
            f"{self.http_url}/_sandbox/{path}", method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read()!r}") from None

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, **body):
        return self.call("POST", path, body)

    def add_devices(self, count, fleet="acme/sensors"):
        return self.post("devices", fleet=fleet, count=count)["uuids"]

    def fault(self, kind, **fault):
        return self.post("faults", kind=kind, **fault)

    def requests(self):
        """Requests by kind since the last reset."""
        return {kind: counts["requests"] for kind, counts in self.get("traffic")["kinds"].items()}

    def reset_traffic(self):
        self.post("traffic/reset")

    def registrations(self):
        """All registrations by id."""
        return {each["id"]: each
                for registry in self.get("registries")["registries"]
                for each in registry["registrations"]}

    def variable(self, uuid, name, service=None):
        query = f"?service={service}" if service else ""
        return self.get(f"devices/{uuid}/variables/{name}{query}")["value"] or None

    def set_variable(self, uuid, name, value, service=None):
        query = f"?service={service}" if service else ""
        self.call("PUT", f"devices/{uuid}/variables/{name}{query}", {"value": value})

    def remove_variable(self, uuid, name, service=None):
        query = f"?service={service}" if service else ""
        self.call("DELETE", f"devices/{uuid}/variables/{name}{query}")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(PATIENCE) == 0

    def known_secrets(self):
        """Every text that must never be seen, in the forms in which it could leak."""
        texts = {self.ready["token"], *self.ready["tokens"]}
        texts |= {account["token"] for account in self.ready["service_accounts"]}
        texts |= {base64.b64encode(self.seed).decode(), self.seed.hex()}
        for device in self.get("dump")["balena"]["devices"]:
            for variables in variable_sets(device):
                if key := variables.get("GCP_PRIVATE_KEY"):
                    texts |= key_texts(key)
        return texts


def variable_sets(device):
    """The variables of a dumped device, of each level."""
    yield device.get("variables", {})
    for install in device.get("services", {}).values():
        yield install


def key_texts(value):
    """A stored key as base64, PEM lines, scalar in hex: what a log might show of it."""
    texts = {value}
    try:
        pem = base64.b64decode(value, validate=True).decode()
    except ValueError:
        return texts
    lines = [line for line in pem.splitlines() if line and not line.startswith("-----")]
    texts |= set(lines)
    der = base64.b64decode("".join(lines))
    if len(der) == 138:  # PKCS#8 of P-256: the scalar's place is fixed
        texts |= {der[36:68].hex(), base64.b64encode(der[36:68]).decode()}
    return texts


class Site:
    """A directory of YAML for a sandbox, and the operator run on it."""

    def __init__(self, directory, sandbox, tls=False):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.sandbox = sandbox
        self.tls = tls
        self.outputs = []

    def registry(self, name="main", **spec):
        spec = {
            "project": "my-project", "region": "us-central1", "registry": "devices",
            "serviceAccountSecretRef": {"name": "clearblade"}, "ownerId": "site-a",
            "caSecretRef": {"name": "ca"},
            "callBudget": {"createDeletePerMinute": 6000000, "updatesPerMinute": 6000000,
                           "readsPerMinute": 6000000},
        } | spec
        self._write(f"registry-{name}", "ClearBladeRegistry", name, spec)
        return self

    def fleet(self, name="sensors", slug="acme/sensors", service="relay", **spec):
        variables = {"target": "Service", "service": service} if service else {"target": "Device"}
        spec = {
            "fleet": slug, "apiUrl": self.sandbox.https_url if self.tls else self.sandbox.http_url,
            "caSecretRef": {"name": "ca"}, "tokenSecretRef": {"name": "balena"},
            "registryRef": {"name": "main"}, "devices": "All", "variables": variables,
            "syncInterval": "1s", "callBudget": {"requestsPerSecond": 100000, "burst": 100000},
        } | spec
        self._write(f"fleet-{name}", "BalenaFleet", name, spec)
        return self

    def device(self, uuid, fleet="sensors", **spec):
        self._write(f"device-{uuid}", "BalenaDevice", f"d-{uuid}",
                    {"uuid": uuid, "fleetRef": {"name": fleet}} | spec)
        return self

    def _write(self, file, kind, name, spec):
        document = {"apiVersion": "provisioning.balena-clearblade.io/v1alpha1", "kind": kind,
                    "metadata": {"name": name}, "spec": spec}
        # JSON is YAML. In one move, so that nobody reads half a file.
        part = self.directory / f"{file}.part"
        part.write_text(json.dumps(document, indent=1))
        part.rename(self.directory / f"{file}.json")

    def _command(self, *arguments, secrets_dir=None):
        command, *rest = arguments
        return [BIN / "balena-clearblade-operator", command, "-f", self.directory,
                "--secrets-dir", secrets_dir or self.sandbox.secrets,
                "--retry-initial", "20ms", "--retry-longest", "200ms", *rest]

    def run(self, *arguments, patience=PATIENCE, secrets_dir=None):
        """Runs a command to its end; .stdout, .stderr, .returncode."""
        done = subprocess.run(self._command(*arguments, secrets_dir=secrets_dir), text=True,
                              capture_output=True, timeout=patience)
        self.outputs += [done.stdout, done.stderr]
        return done

    def sync_once(self, *arguments, **options):
        return self.run("sync", "--once", "--timeout", f"{PATIENCE // 2}s", *arguments, **options)

    def start(self, *arguments):
        """A running command; end it with finish()."""
        log = (self.directory.parent / f"log-{secrets.token_hex(4)}").open("w+")
        process = subprocess.Popen(self._command(*arguments), stdout=log, stderr=log)
        process.log = log
        return process

    def finish(self, process, how=signal.SIGTERM):
        """Ends a started command; its exit code and all it has printed."""
        if process.poll() is None:
            process.send_signal(how)
        code = process.wait(PATIENCE)
        process.log.seek(0)
        text = process.log.read()
        process.log.close()
        self.outputs.append(text)
        return code, text


def assert_provisioned(sandbox, uuids, service="relay"):
    """Each device has all four variables, and one registration that lists the key it holds."""
    registrations = sandbox.registrations()
    for uuid in uuids:
        values = {name: sandbox.variable(uuid, name, service) for name in VARIABLES}
        path = f"projects/my-project/locations/us-central1/registries/devices/devices/balena-{uuid}"
        assert values["GCP_CLIENT_PATH"] == path
        assert values["GCP_DATA_TOPIC_ROOT"] == f"/devices/balena-{uuid}"
        assert values["GCP_PROJECT_ID"] == "my-project"
        registration = registrations[f"balena-{uuid}"]
        assert public_key_of(values["GCP_PRIVATE_KEY"]) in [
            "".join(credential["publicKey"]["key"].split())
            for credential in registration["credentials"]], f"{uuid} holds an unregistered key"
        assert len(registration["credentials"]) <= 3


def public_key_of(value):
    """The SPKI PEM, without white space, of a stored private key; by the openssl tool."""
    pem = subprocess.run(["openssl", "pkey", "-pubout"], input=base64.b64decode(value),
                         capture_output=True, check=True).stdout.decode()
    return "".join(pem.split())
