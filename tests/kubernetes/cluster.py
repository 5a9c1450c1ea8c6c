"""A real API server with its etcd on loopback, for as long as a test run."""

import base64
import functools
import json
import pathlib
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from audit import Audit
from harness import PATIENCE, ROOT, wait_until

GROUP = "provisioning.balena-clearblade.io"
APIS = f"/apis/{GROUP}/v1alpha1"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def programs():
    """The folder with kube-apiserver, etcd and kubectl; building them is told on the terminal."""
    made = subprocess.run([ROOT / "scripts" / "kubernetes-programs"], stdout=subprocess.PIPE,
                          stderr=sys.__stderr__, text=True)
    assert made.returncode == 0, "no Kubernetes programs"
    return pathlib.Path(made.stdout.strip())


@functools.cache
def crds():
    """The documents in crds/."""
    return [yaml.safe_load(file.read_text()) for file in sorted((ROOT / "crds").glob("*.yaml"))]


class Daemon:
    """A program that can be started again, with what it keeps on disk."""

    def __init__(self, log, command):
        self.log = pathlib.Path(log)
        self.command = command
        self.process = None

    def start(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL)

    def check(self):
        """Fails when it has ended by itself."""
        assert self.process.poll() is None, (
            f"{self.command[0].name} has ended; the end of its log:\n"
            + "\n".join(self.log.read_text(errors="replace").splitlines()[-20:]))

    def freeze(self):
        """It keeps its connections, and answers nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        """At once, as when its machine fails."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(PATIENCE)
            self.process = None


class Answer:
    def __init__(self, status, body):
        self.status = status
        self.body = body

    @property
    def message(self):
        return self.body.get("message", "")


class Cluster:
    """etcd and kube-apiserver with RBAC; our three kinds are established.

    No other program of a cluster runs: what is deleted goes as soon as it has no finalizer, nothing
    collects what a deleted owner leaves, and a namespace that is deleted stays in Terminating."""

    def __init__(self, directory, folder, *flags):
        """`flags`: more of kube-apiserver's."""
        self.directory = pathlib.Path(directory)
        self.folder = pathlib.Path(folder)
        self.admin_token = secrets.token_hex(16)
        self.audit = Audit(self.directory)
        self._trust = None
        self._has_crds = False
        self._write_files()
        self._ports = [reserve_port() for _ in range(3)]
        client, peer, self.port = (each.getsockname()[1] for each in self._ports)
        self.url = f"https://127.0.0.1:{self.port}"
        self.ca_file = self.directory / "certificates" / "apiserver.crt"
        self._etcd_url = f"http://127.0.0.1:{client}"
        self.etcd = Daemon(self.directory / "etcd.log", self._etcd(peer))
        self.server = Daemon(self.directory / "apiserver.log", [*self._apiserver(), *flags])

    def start(self):
        self.etcd.start()
        self.start_server()
        self.admin_kubeconfig = self.kubeconfig(self.admin_token, "admin")
        self.apply_crds()
        return self

    def stop(self):
        """Nothing is kept, so nothing is waited for."""
        self.server.kill()
        self.etcd.kill()
        for each in self._ports:
            each.close()

    # The API server can be frozen, thawed, killed and started again on the same port with the same
    # data: cluster.server.freeze(), .thaw(), .kill(), cluster.start_server().
    def start_server(self):
        self.server.start()
        wait_until(self._is_ready, "the API server's start")
        if self._has_crds:
            for crd in crds():
                wait_until(lambda: self._is_served(crd), f"serving {crd['metadata']['name']} again")

    def _is_ready(self):
        self.etcd.check()
        self.server.check()
        try:
            return self.ca_file.exists() and self.request("GET", "/readyz").status == 200
        except (OSError, ssl.SSLError):
            return False

    def compact(self):
        """Lets etcd forget all that was before now."""
        revision = self._ask_etcd("range", {"key": base64.b64encode(b"/").decode()})["header"]["revision"]
        self._ask_etcd("compaction", {"revision": revision, "physical": True})

    def _ask_etcd(self, what, body):
        request = urllib.request.Request(f"{self._etcd_url}/v3/kv/{what}", data=json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.loads(answer.read())

    def apply_crds(self):
        """What `kubectl apply --server-side -f crds/` does, and until it has taken effect."""
        for crd in crds():
            answer = self.request(
                "PATCH", f"{CRDS}/{crd['metadata']['name']}?fieldManager=tests&force=true"
                         "&fieldValidation=Strict", crd, "apply-patch+yaml")
            assert answer.status in (200, 201), answer.message
        for crd in crds():
            wait_until(lambda: self._is_established(crd), f"serving {crd['metadata']['name']}")
        self._has_crds = True

    def _is_established(self, crd):
        conditions = self.request("GET", f"{CRDS}/{crd['metadata']['name']}").body["status"]["conditions"]
        return any(each["type"] == "Established" and each["status"] == "True"
                   for each in conditions or []) and self._is_served(crd)

    def _is_served(self, crd):
        """A moment after it is established, or the server ready."""
        return self.request("GET", f"{APIS}/{crd['spec']['names']['plural']}").status == 200

    def request(self, method, path, body=None, content_type="json", token=None):
        """As the admin, or as whose token it is."""
        request = urllib.request.Request(
            self.url + path, method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token or self.admin_token}",
                     "Content-Type": f"application/{content_type}"})
        if self._trust is None:
            self._trust = ssl.create_default_context(cafile=self.ca_file)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE, context=self._trust) as answer:
                return Answer(answer.status, parsed(answer.read()))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, parsed(error.read()))

    def kubectl(self, *arguments, input=None, kubeconfig=None, patience=PATIENCE):
        """Its output; it must succeed."""
        done = subprocess.run(
            [self.folder / "kubectl", "--kubeconfig", kubeconfig or self.admin_kubeconfig,
             *arguments], input=input, text=True, capture_output=True, timeout=patience)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def add_namespace(self, name):
        made = self.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        assert made.status == 201, made.message
        return name

    def service_account_token(self, namespace, name, seconds=3600):
        """Of a service account, which is made if need be. It expires after `seconds`, 600 at least."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        made = self.request("POST", path, {"metadata": {"name": name}})
        assert made.status in (201, 409), made.message
        issued = self.request("POST", f"{path}/{name}/token", {"spec": {"expirationSeconds": seconds}})
        assert issued.status == 201, issued.message
        return issued.body["status"]["token"]

    def kubeconfig(self, token, name, namespace="default", url=None):
        """Writes the file with which kubectl and others are whose token it is; its path. `url`: by another way."""
        path = self.directory / f"{name}.kubeconfig"
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "tests",
            "clusters": [{"name": "tests", "cluster": {"server": url or self.url,
                                                       "certificate-authority": str(self.ca_file)}}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": name,
                                                       "namespace": namespace}}]}, indent=1))
        path.chmod(0o600)
        return path

    def _write_files(self):
        key = ec.generate_private_key(ec.SECP256R1())
        (self.directory / "sa.key").write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
        (self.directory / "sa.pub").write_bytes(key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
        (self.directory / "tokens.csv").write_text(f"{self.admin_token},admin,1,system:masters\n")

    def _etcd(self, peer):
        return [self.folder / "etcd", "--data-dir", self.directory / "etcd", "--socket-reuse-port",
                "--listen-client-urls", self._etcd_url, "--advertise-client-urls", self._etcd_url,
                "--listen-peer-urls", f"http://127.0.0.1:{peer}",
                "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
                "--initial-cluster", f"default=http://127.0.0.1:{peer}",
                "--unsafe-no-fsync", "--log-level", "warn"]

    def _apiserver(self):
        return [self.folder / "kube-apiserver", "--etcd-servers", self._etcd_url,
                "--bind-address", "127.0.0.1", "--secure-port", str(self.port), "--permit-port-sharing",
                "--cert-dir", self.directory / "certificates",
                "--token-auth-file", self.directory / "tokens.csv",
                "--service-account-key-file", self.directory / "sa.pub",
                "--service-account-signing-key-file", self.directory / "sa.key",
                "--service-account-issuer", "https://kubernetes.default.svc",
                "--authorization-mode", "RBAC", "--service-cluster-ip-range", "10.96.0.0/16",
                "--disable-admission-plugins", "ServiceAccount", *self.audit.flags()]


def parsed(data):
    """JSON, or else the text as the message."""
    try:
        return json.loads(data)
    except ValueError:
        return {"message": data.decode(errors="replace")}


def reserve_port():
    """A socket whose port of loopback is nobody else's while it is open, but for programs of ours that listen there and
    share ports (SO_REUSEPORT): also while they are down. It does not listen itself."""
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    kept.bind(("127.0.0.1", 0))
    return kept
