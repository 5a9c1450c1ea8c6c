"""The demo's story: provision a fleet, break it behind the operator's back, watch it heal. Run by scripts/demo."""

import base64
import json
import os
import pathlib
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

BIN, COUNT = pathlib.Path(sys.argv[1]), int(sys.argv[2])
PATIENCE = 120  # seconds that any step may take before the demo gives up


class Failure(Exception):
    pass


def wait_for(what, ready):
    deadline = time.monotonic() + PATIENCE
    while not (value := ready()):
        if time.monotonic() > deadline:
            raise Failure(f"{what}: not within {PATIENCE} s")
        time.sleep(0.1)
    print(f"   ✓ {what}")
    return value


def control(url, path, method="GET", body=None):
    request = urllib.request.Request(
        f"{url}/_sandbox/{path}", method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.loads(answer.read())


def write_site(directory, url):
    """The YAML that a user would write, for one fleet."""
    text = f"""\
apiVersion: provisioning.balena-clearblade.io/v1alpha1
kind: ClearBladeRegistry
metadata: {{name: main}}
spec:
  project: my-project
  region: us-central1
  registry: devices
  ownerId: demo
  serviceAccountSecretRef: {{name: clearblade}}
  caSecretRef: {{name: ca}}
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
  syncInterval: 2s
"""
    directory.mkdir()
    (directory / "fleet.yaml").write_text(text)
    print("".join("   │ " + line + "\n" for line in text.splitlines()), end="")


def is_publishing(device):
    return device["relay"] == "running" and device["publishes"]["accepted"] > 0


def story(work, processes):
    sandbox = subprocess.Popen(
        [BIN / "cloud-sandbox", "--devices", str(COUNT), "--ready-file", work / "ready.json",
         "--ca-file", work / "ca.crt", "--write-secrets", work / "secrets"],
        stdout=subprocess.DEVNULL)
    processes.append(sandbox)
    print(f"1. Two clouds on this machine, and a fleet of {COUNT} devices that nobody has provisioned")
    wait_for("the sandbox is up", (work / "ready.json").exists)
    ready = json.loads((work / "ready.json").read_text())
    url = ready["http_url"]
    seed = work / "secrets" / "bco-key-seed" / "seed"
    seed.parent.mkdir()
    seed.write_text(base64.b64encode(secrets.token_bytes(32)).decode())
    control(url, "settings", "PATCH", {"devices": {"publishInterval": "500ms"}})

    def devices():
        return control(url, "devices?fleet=acme/sensors")["devices"]

    wait_for("their containers run, without a key", lambda: all(each["starts"] for each in devices()))

    print("2. The YAML")
    write_site(work / "site", ready["https_url"])

    print("3. balena-clearblade-operator sync -f site --secrets-dir secrets")
    log = (work / "operator.log").open("w")
    operator = subprocess.Popen(
        [BIN / "balena-clearblade-operator", "sync", "-f", work / "site", "--secrets-dir",
         work / "secrets"], stdout=log, stderr=log)
    processes.append(operator)
    wait_for(f"all {COUNT} devices are provisioned and publish",
             lambda: all(is_publishing(each) for each in devices()))
    restarts = {each["restarts"] for each in devices()}
    print(f"   container restarts for it, after the first start: {max(restarts)}")
    if restarts != {1}:
        raise Failure(f"expected one restart of each container, not {sorted(restarts)}")

    print("4. Behind its back: a key variable destroyed, a variable edited, a registration deleted")
    uuids = [each["uuid"] for each in devices()][:3]
    before = {each["uuid"]: each for each in devices()}
    control(url, f"devices/{uuids[0]}/variables/GCP_PRIVATE_KEY?service=relay", "DELETE")
    control(url, f"devices/{uuids[1]}/variables/GCP_PROJECT_ID?service=relay", "PUT", {"value": "wrong"})
    control(url, f"registrations/balena-{uuids[2]}", "DELETE")

    def value(uuid, name):
        return control(url, f"devices/{uuid}/variables/{name}?service=relay")["value"]

    wait_for("the key is back", lambda: value(uuids[0], "GCP_PRIVATE_KEY"))
    wait_for("the variable is right again", lambda: value(uuids[1], "GCP_PROJECT_ID") == "my-project")

    def publishes_again(uuid):
        now = next(each for each in devices() if each["uuid"] == uuid)
        return now["relay"] == "running" and \
            now["publishes"]["accepted"] > before[uuid]["publishes"]["accepted"]

    wait_for("all three publish again", lambda: all(publishes_again(uuid) for uuid in uuids))

    print("5. Nothing else happens")
    operator.send_signal(signal.SIGTERM)
    if operator.wait(PATIENCE) != 0:
        raise Failure("the operator did not end well")
    again = subprocess.run(
        [BIN / "balena-clearblade-operator", "plan", "-f", work / "site", "--secrets-dir",
         work / "secrets"], capture_output=True, text=True, timeout=PATIENCE)
    print("   balena-clearblade-operator plan: " + again.stdout.strip().splitlines()[-1])
    if again.returncode != 0 or not again.stdout.strip().endswith(f"0 of {COUNT} devices to be changed"):
        raise Failure(again.stdout + again.stderr)
    print("The demo's claims are true.")


def main():
    processes = []
    with tempfile.TemporaryDirectory(prefix="bco-demo-") as directory:
        work = pathlib.Path(directory)
        try:
            story(work, processes)
        except Failure as failure:
            print(f"   ✗ {failure}", file=sys.stderr)
            if (work / "operator.log").exists():
                print((work / "operator.log").read_text()[-4000:], file=sys.stderr)
            return 1
        finally:
            for process in processes:
                if process.poll() is None:
                    process.terminate()
                process.wait()
    return 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
