"""Runs the shipped programs: cloud-sandbox, and the operator on files made for it."""

import base64
import json
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from cryptography.hazmat.primitives import serialization

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / os.environ.get("BUILD_DIR", "build") / "bin"
SANITIZED = BIN.parent.name in ("asan", "tsan")
# How long anything may take before a test gives up: never what a test measures.
PATIENCE = 240 if SANITIZED else 60

PROJECT = "projects/my-project/locations/us-central1"
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
        self.devices = 0
        self.outputs = []  # all that the operator has ever printed about this sandbox
        self.forbidden = set()  # what must not be in them
        self.give_seed(secrets.token_bytes(32))

    def give_seed(self, seed):
        self.seed = seed
        path = self.secrets / "bco-key-seed" / "seed"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(base64.b64encode(seed).decode() + "\n")
        self.forbidden |= {base64.b64encode(seed).decode(), seed.hex()}

    def give_secret(self, name, key, value):
        path = self.secrets / name / key
        path.parent.mkdir(exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(value)
        part.rename(path)
        self.forbidden.add(value)

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
        self.devices += count
        return self.post("devices", fleet=fleet, count=count)["uuids"]

    def add_registry(self, registry):
        """Its system key, with which the path of requests for its devices begins."""
        return self.post("registries", project="my-project", region="us-central1",
                         registry=registry)["systemKey"]

    def fault(self, kind, type, **fault):
        return self.post("faults", kind=kind, type=type, **fault)["id"]

    def faults(self):
        return {each["id"]: each for each in self.get("faults")["faults"]}

    def clear_faults(self):
        self.call("DELETE", "faults")

    def hold(self, kind, when="before", number=1):
        return self.post("holds", kind=kind, when=when, number=number)["id"]

    def holds(self):
        return {each["id"]: each for each in self.get("holds")["holds"]}

    def end_hold(self, hold, release=True):
        """Lets a held request go on, or drops it."""
        self.call(*(("POST", f"holds/{hold}/release") if release else ("DELETE", f"holds/{hold}")))

    def outwait(self, delay):
        """Returns when all that is due within `delay`, of effects that come late, has come."""
        # A request that is itself late by so much: the sandbox works off what is late in order.
        fault = self.fault("balena.whoami", "latency", delay=delay, count=1)
        request = urllib.request.Request(f"{self.http_url}/actor/v1/whoami")
        try:
            urllib.request.urlopen(request, timeout=PATIENCE).close()
        except urllib.error.HTTPError as error:
            error.close()
        assert self.faults()[fault]["struck"] == 1
        self.call("DELETE", f"faults/{fault}")

    def requests(self):
        """Requests by kind since the last reset."""
        return {kind: counts["requests"] for kind, counts in self.get("traffic")["kinds"].items()}

    def reset_traffic(self):
        self.post("traffic/reset")

    def registrations(self, registry="devices"):
        """A registry's registrations by id."""
        path = f"{PROJECT}/registries/{registry}"
        return {each["id"]: each
                for listed in self.get("registries")["registries"] if listed["path"] == path
                for each in listed["registrations"]}

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

    def remember_secrets(self):
        """Adds all that must never be seen, as it is now, in the forms in which it could leak."""
        self.forbidden |= {self.ready["token"], *self.ready["tokens"]}
        self.forbidden |= {account["token"]
                           for account in self.get("service-accounts")["serviceAccounts"]}
        if self.devices > 1000:
            return  # it would take too long, and smaller fleets show the same
        balena = self.get("dump")["balena"]
        for level in ("device_environment_variable", "device_service_environment_variable"):
            for variable in balena[level]:
                if variable["name"] == "GCP_PRIVATE_KEY":
                    self.forbidden |= key_texts(variable["value"])

    def known_secrets(self):
        self.remember_secrets()
        return self.forbidden

    def leaks(self):
        """The secrets that the operator has printed."""
        printed = "\n".join(self.outputs)
        assert "Sanitizer: " not in printed, printed[printed.index("Sanitizer: "):][:4000]
        return [text for text in self.known_secrets() if text in printed]


def key_texts(value):
    """A stored key in all forms that a log might show of it: base64, PEM, lines of it, scalar."""
    texts = {value, urllib.parse.quote(value, safe="")}
    try:
        pem = base64.b64decode(value, validate=True).decode()
        key = serialization.load_pem_private_key(pem.encode(), None)
    except ValueError:
        return texts
    texts |= {pem, json.dumps(pem)[1:-1]}
    texts |= {line for line in pem.splitlines() if line and not line.startswith("-----")}
    scalar = key.private_numbers().private_value
    raw = scalar.to_bytes(32, "big")
    return texts | {str(scalar), raw.hex(), raw.hex().upper(), raw.hex(":"),
                    base64.b64encode(raw).decode().rstrip("="),
                    base64.urlsafe_b64encode(raw).decode().rstrip("=")}


class Site:
    """A directory of YAML for a sandbox, and the operator run on it."""

    def __init__(self, directory, sandbox, tls=False):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.sandbox = sandbox
        self.tls = tls

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

    def beside(self):
        """The same documents in a directory of their own, for a process that runs at the same time."""
        other = Site(self.directory.parent / f"{self.directory.name}-{secrets.token_hex(4)}", self.sandbox, self.tls)
        for file in self.directory.glob("*.json"):
            shutil.copy(file, other.directory)
        return other

    def run(self, *arguments, patience=PATIENCE, secrets_dir=None):
        """Runs a command to its end; .stdout, .stderr, .returncode."""
        self.sandbox.remember_secrets()
        done = subprocess.run(self._command(*arguments, secrets_dir=secrets_dir), text=True,
                              capture_output=True, timeout=patience)
        self._keep(done.stdout + done.stderr)
        return done

    def _keep(self, output):
        self.sandbox.outputs.append(output)
        self.sandbox.remember_secrets()

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
        self._keep(text)
        return code, text

    def log_of(self, process):
        """What a started command has printed so far."""
        return pathlib.Path(process.log.name).read_text()


def assert_provisioned(sandbox, uuids, service="relay", registry="devices"):
    """Each device has all four variables, and one registration that lists the key it holds."""
    registrations = sandbox.registrations(registry)
    for uuid in uuids:
        values = {name: sandbox.variable(uuid, name, service) for name in VARIABLES}
        path = f"{PROJECT}/registries/{registry}/devices/balena-{uuid}"
        assert values["GCP_CLIENT_PATH"] == path
        assert values["GCP_DATA_TOPIC_ROOT"] == f"/devices/balena-{uuid}"
        assert values["GCP_PROJECT_ID"] == "my-project"
        assert values["GCP_PRIVATE_KEY"], f"{uuid} has no key"
        registration = registrations[f"balena-{uuid}"]
        assert public_key_of(values["GCP_PRIVATE_KEY"]) in [
            "".join(credential["publicKey"]["key"].split())
            for credential in registration["credentials"]
            if credential["expirationTime"] > time.strftime("%FT%TZ", time.gmtime())
        ], f"{uuid} holds a key that is not registered, or not any more"
        assert len(registration["credentials"]) <= 3


def public_key_of(value):
    """The SPKI PEM, without white space, of a stored private key."""
    key = serialization.load_pem_private_key(base64.b64decode(value), None)
    pem = key.public_key().public_bytes(serialization.Encoding.PEM,
                                        serialization.PublicFormat.SubjectPublicKeyInfo)
    return "".join(pem.decode().split())
