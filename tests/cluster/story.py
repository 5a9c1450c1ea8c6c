"""What the stories are told with: a release with its sandbox, those who call its endpoint, keys that are being renewed."""

import base64
import collections
import contextlib
import datetime
import json
import re
import subprocess
import threading
import time

from harness import PATIENCE, wait_until
from machine import GROUP, Release, SandboxInside

NAME = "bco-balena-clearblade-operator"
TOKEN = "a-token-that-is-long-enough-to-be-one"


def values(devices, **more):
    return {
        "fullnameOverride": NAME,
        "image": {"tag": "a"},
        "ownerId": "cluster-test",
        "metrics": {"serviceMonitor": {"enabled": True}},
        "prometheusRule": {"enabled": True},
        "dashboards": {"enabled": True},
        "endpoint": {"enabled": True, "auth": "token", "tokenSecretName": "endpoint-tokens", "tls": {"secretName": "endpoint-tls"}},
        "sandbox": {"enabled": True, "devices": devices, "image": {"tag": "a"}},
    } | more


def installed(machine, namespace, chart, devices, directory):
    """The chart's release, `took` seconds after which all devices of its sandbox are connected; they publish every second."""
    release = Release(machine, NAME, namespace).prepare()
    release.endpoint = Endpoint(release, directory)
    started = time.monotonic()
    release.install(chart, **values(devices))
    release.sandbox = sandbox = SandboxInside(machine, namespace, f"{NAME}-sandbox")
    sandbox.call("PATCH", "settings", {"devices": {"publishInterval": "1s"}})
    token = base64.b64decode(release.get("secret", f"{NAME}-sandbox")["data"]["token"]).decode()
    sandbox.call("PATCH", f"tokens/{token}", {"expires": "2099-01-01T00:00:00Z"})
    # As NOTES tells.
    fleet = release.kubectl("get", "configmap", f"{NAME}-sandbox", "-o", r"jsonpath={.data.fleet\.yaml}")
    release.kubectl("apply", "-f", "-", input=fleet)
    release.wait_ready(devices)
    release.took = time.monotonic() - started
    wait_until(lambda: sandbox.publishes()["accepted"] > 3 * devices, "that devices publish")
    return release


def sweep(release, request):
    """Asks for one, by a name that was not used before."""
    release.kubectl("annotate", "bfleet/sensors", f"{GROUP}/reconcile-requested-at={request}", "--overwrite")


class Endpoint:
    """The release's, by its Service, with a certificate and a token that are made here."""

    def __init__(self, release, directory):
        self.release, self.certificate = release, directory / "tls.crt"
        self.host = f"{NAME}.{release.namespace}.svc"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                        directory / "tls.key", "-out", self.certificate, "-subj", "/CN=endpoint", "-addext", f"subjectAltName=DNS:{self.host}"],
                       check=True, capture_output=True)
        release.kubectl("create", "secret", "tls", "endpoint-tls", "--cert", self.certificate, "--key", directory / "tls.key")
        release.kubectl("create", "secret", "generic", "endpoint-tokens", f"--from-literal=tokens={TOKEN}")

    def post(self, uuid, *headers):
        """(status, text)."""
        address = self.release.machine.address(self.release.namespace, NAME)
        return self.release.machine.http("POST", f"https://{self.host}:8443/provision", json.dumps({"uuid": uuid}), headers,
                                         ("--cacert", self.certificate, "--resolve", f"{self.host}:8443:{address}"))

    def ask(self, uuid):
        return self.post(uuid, f"Authorization: Bearer {TOKEN}")


class Callers(threading.Thread):
    """Load: devices that are new to the fleet ask for their registration, again when they have it, and somebody without a token asks."""

    def __init__(self, release):
        super().__init__(daemon=True)
        self.release, self.ended = release, threading.Event()
        self.statuses, self.failure = collections.Counter(), None

    def run(self):
        try:
            while not self.ended.wait(1):
                uuid = self.release.sandbox.add_devices(1)[0]
                answers = [self.release.endpoint.ask(uuid), self.release.endpoint.ask(uuid), self.release.endpoint.post(uuid)]
                self.statuses.update(status for status, _ in answers)
        except Exception as failure:  # told by whoever ends it
            self.failure = failure

    def end(self):
        self.ended.set()
        self.join(2 * PATIENCE)
        if self.failure:
            raise self.failure


def age_keys(sandbox):
    """Has all keys look three hours older: none is renewed within an hour of its issue."""
    def earlier(found):
        time = datetime.datetime.fromisoformat(found[1].replace("Z", "+00:00")) - datetime.timedelta(hours=3)
        return time.strftime("@%Y-%m-%dT%H:%M:%SZ")

    for name, each in sandbox.registrations().items():
        metadata = each["metadata"] | {"bco-keys": re.sub(r"@([^;]+)", earlier, each["metadata"]["bco-keys"])}
        sandbox.call("PATCH", f"registrations/{name}", {"metadata": metadata})


def public_keys(sandbox):
    """Of each registration."""
    return {name: {each["publicKey"]["key"] for each in credentials} for name, credentials in sandbox.keys().items()}


@contextlib.contextmanager
def renewal(release):
    """Every key is renewed: some are when this begins, most are not yet; with its end all are. No device's publish is refused, every
    second, while its key changes; the former keys stay for those that have not fetched the new one."""
    sandbox = release.sandbox
    age_keys(sandbox)
    before = public_keys(sandbox)
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    # What was done to the registry behind the operator's back is seen when it is listed again.
    release.kubectl("annotate", "cbreg/sandbox", f"{GROUP}/reconcile-requested-at={now}", "--overwrite")
    release.kubectl("patch", "bfleet/sensors", "--type=merge", "-p", json.dumps({
        "metadata": {"annotations": {f"{GROUP}/reconcile-requested-at": now}},
        "spec": {"keys": {"renewAfter": now, "renewal": {"maxConcurrent": 1000, "window": "40s"}}}}))

    def renewed():
        found = public_keys(sandbox)
        return sum(bool(found[name] - keys) for name, keys in before.items())

    wait_until(lambda: renewed() > 3, "the first renewed keys", 2 * PATIENCE)
    assert renewed() < len(before) / 2, "the renewal was too quick for anything to come into its way"
    yield
    wait_until(lambda: renewed() == len(before), "renewal of every key", 6 * PATIENCE)
    found = public_keys(sandbox)
    assert all(keys <= found[name] for name, keys in before.items())
    # With the new keys, too: they are fetched a second after they were stored.
    published = sandbox.publishes()["accepted"]
    wait_until(lambda: sandbox.publishes()["accepted"] > published + 3 * len(before), "publishes afterwards")
    assert sandbox.publishes()["refused"] == {}
