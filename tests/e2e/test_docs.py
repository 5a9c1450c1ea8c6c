"""What README, docs and examples show is accepted as it stands."""

import base64
import json
import os
import re
import shlex
import socket
import subprocess
import textwrap

import pytest
import yaml

from endpoints import TOKEN, Endpoint
from harness import BIN, PATIENCE, ROOT, Site

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md")),
         *sorted((ROOT / "examples").glob("**/*.md"))]
OPERATOR, SANDBOX = "balena-clearblade-operator", "cloud-sandbox"
# To these our programs' names are charts, objects and files.
OTHERS = ("helm", "kubectl", "systemctl", "journalctl", "install", "useradd")
GROUP = "apiVersion: provisioning.balena-clearblade.io/v1alpha1\n"
# What a page's blocks refer to and another page shows.
STUBS = {
    "ClearBladeRegistry": GROUP + """kind: ClearBladeRegistry
metadata: {name: main}
spec: {project: my-project, region: us-central1, registry: devices, ownerId: site-a,
       serviceAccountSecretRef: {name: clearblade}}
""",
    "BalenaFleet": GROUP + """kind: BalenaFleet
metadata: {name: sensors}
spec: {fleet: acme/sensors, tokenSecretRef: {name: balena}, registryRef: {name: main}}
""",
}


def blocks(page, language):
    """The page's code blocks of a language."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", page.read_text(), re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(text) for _, text in found]


@pytest.fixture
def secrets_dir(tmp_path):
    account = {"systemKey": "k", "token": "t", "url": "https://iot.example.com", "project": "my-project"}
    for path, value in {"balena/token": "token", "clearblade/service-account.json": json.dumps(account),
                        "bco-key-seed/seed": base64.b64encode(bytes(range(32))).decode()}.items():
        (tmp_path / "secrets" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "secrets" / path).write_text(value)
    (tmp_path / "secrets" / "ca").mkdir()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", "/dev/null", "-subj", "/CN=nobody", "-out", tmp_path / "secrets/ca/ca.crt"],
                   check=True, capture_output=True)
    return tmp_path / "secrets"


def plan(path, secrets_dir):
    """Exit code 2 when anything is wrong with the files; nothing is reached."""
    nobody = "http://127.0.0.1:1"
    done = subprocess.run(
        [BIN / OPERATOR, "plan", "-f", path, "--secrets-dir", secrets_dir, "--retry-initial", "1ms"],
        text=True, capture_output=True, env=os.environ | {"HTTPS_PROXY": nobody, "NO_PROXY": ""})
    assert done.returncode == 1, done.stdout + done.stderr
    assert "can't be planned: Unavailable" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "yaml")],
                         ids=lambda page: str(page.relative_to(ROOT)))
def test_a_pages_yaml_is_accepted(tmp_path, secrets_dir, page):
    shown = blocks(page, "yaml")
    shown += [stub for kind, stub in STUBS.items()
              if not re.search(rf"^kind: {kind}$", "\n".join(shown), re.MULTILINE)]
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "page.yaml").write_text("\n---\n".join(shown))
    plan(tmp_path / "site", secrets_dir)


@pytest.mark.parametrize("example", [path for path in sorted((ROOT / "examples").iterdir())
                                     if path.is_dir() and not (path / "docker-compose.yml").exists()],
                         ids=lambda path: path.name)
def test_an_example_is_accepted(secrets_dir, example):
    plan(example, secrets_dir)


def commands(program):
    """Every command line of a program in the pages, as (page, arguments)."""
    for page in PAGES:
        for block in blocks(page, "(?:sh|bash|console)"):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line.removeprefix("$ "), comments=True)
                names = [word.rpartition("/")[2] for word in words]
                if program not in names or names[0] in OTHERS:
                    continue
                rest = words[names.index(program) + 1:]
                end = next((i for i, word in enumerate(rest) if re.fullmatch(r"[|&;<>0-9]+.*", word)
                            and not word[0].isdigit()), len(rest))
                yield pytest.param(rest[:end], id=f"{page.name}: {' '.join(rest[:end])}")


@pytest.mark.parametrize("arguments", commands(OPERATOR))
def test_the_operators_commands_are_valid(arguments):
    words = [re.sub(r"^(\$?UUID|\"?\$\{?UUID\}?\"?|<uuid>)$", "0" * 32, word) for word in arguments]
    for flag in ("-f", "--filename", "--kubeconfig"):  # ends it right after the flags
        words = ["/nonexistent" if before == flag else word
                 for before, word in zip([None, *words], words)]
    done = subprocess.run([BIN / OPERATOR, *words], text=True, capture_output=True, timeout=30)
    assert "Run with --help" not in done.stderr, done.stderr
    assert done.returncode == (2 if "/nonexistent" in words else 0), done.stderr


@pytest.mark.parametrize("arguments", commands(SANDBOX))
def test_the_sandboxs_commands_are_valid(arguments):
    if "--world" in arguments:
        at = arguments.index("--world")
        arguments = arguments[:at] + arguments[at + 2:]
    done = subprocess.run([BIN / SANDBOX, *arguments, "--world", "/nonexistent"], text=True,
                          capture_output=True, timeout=30)
    assert done.returncode == 2 and "can't read /nonexistent" in done.stderr, done.stderr


def test_every_reason_and_condition_is_explained():
    sources = [*(ROOT / "controller" / "reconcile").glob("*.cc"), *(ROOT / "controller" / "reconcile").glob("*.h"),
               *(ROOT / "controller" / "plan" / name for name in ("reason.cc", "notice.h", "notice.cc")),
               ROOT / "src" / "core" / "error.cc", ROOT / "src" / "clearblade" / "api.h"]
    said = set().union(*(re.findall(r'"([A-Z][a-z]+(?:[A-Z][a-z]+)*)"', source.read_text())
                         for source in sources)) - {"BalenaDevice", "BalenaFleet", "ClearBladeRegistry",
                                              "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}
    assert len(said) > 40
    table = "\n".join(line for line in (ROOT / "docs" / "troubleshooting.md").read_text().splitlines()
                      if line.startswith("| `"))
    assert said <= set(re.findall(r"`(\w+)`", table))


def flags_of(program, *arguments):
    help_text = subprocess.run([BIN / program, *arguments, "--help"], text=True, capture_output=True,
                               check=True).stdout
    return set(re.findall(r"(--[a-z][a-z-]+)", help_text)) - {"--help"}


def test_the_operators_flags_are_documented_and_no_others():
    there = set().union(*(flags_of(OPERATOR, command)
                          for command in ("sync", "serve", "plan", "provision", "deprovision", "handover",
                                          "controller")))
    text = (ROOT / "docs" / "configuration.md").read_text()
    table = "\n".join(line for line in text.splitlines() if line.startswith("| `-"))
    assert there - {"--output", "--adopt"} == set(re.findall(r"(--[a-z][a-z-]+)", table))
    assert "`-o json`" in text and "`--adopt`" in text


def test_the_sandboxs_flags_are_documented_and_no_others():
    table = [line for line in (ROOT / "docs" / "sandbox.md").read_text().splitlines()
             if line.startswith("| `--")]
    mentioned = {"--secrets-dir"}  # the operator's
    assert flags_of(SANDBOX) - mentioned == set(
        re.findall(r"(--[a-z][a-z-]+)", "\n".join(table))) - mentioned


def test_the_sandboxs_control_calls_work(tmp_path, make_sandbox):
    page = ROOT / "docs" / "sandbox.md"
    calls = [line for block in blocks(page, "sh") for line in block.splitlines()
             if line.startswith("curl ")]
    assert len(calls) >= 10
    sandbox = make_sandbox("--clock", "manual", "--no-devices")
    uuid = re.search(r"devices/([0-9a-f]{32})", page.read_text()).group(1)
    sandbox.post("devices", fleet="acme/sensors", uuid=uuid)
    site = Site(tmp_path / "site", sandbox).registry().fleet()
    assert site.sync_once().returncode == 0
    for call in calls:
        done = subprocess.run(["bash", "-c", call], text=True, capture_output=True,
                              env=os.environ | {"U": sandbox.http_url, "UUID": uuid})
        assert done.returncode == 0, call + done.stderr
        if "holds/1" in call and "no such hold point" in done.stdout:
            continue  # released by the line before
        assert '"error"' not in done.stdout, call + done.stdout


def test_the_endpoints_calls_work_as_shown(tmp_path, make_sandbox):
    """Each command of the page, in its order, prints what the page says."""
    shown = re.findall(r"^\$ (curl .*)\n((?:[^$\n].*\n)*)", blocks(ROOT / "docs" / "endpoint.md", "console")[0],
                       re.MULTILINE)
    assert len(shown) == 4
    sandbox = make_sandbox("--no-devices")
    uuid = sandbox.add_devices(1)[0]
    endpoint = Endpoint(Site(tmp_path / "site", sandbox).registry().fleet())
    try:
        for call, answer in shown:
            done = subprocess.run(["bash", "-c", call], text=True, capture_output=True,
                                  env=os.environ | {"E": f"http://127.0.0.1:{endpoint.port}", "UUID": uuid,
                                                    "TOKEN": TOKEN})
            assert done.returncode == 0, call + done.stderr
            if answer:
                assert done.stdout.strip() == answer.strip(), call
            else:
                assert json.loads(done.stdout)["openapi"].startswith("3.1")
    finally:
        endpoint.stop()


def test_what_devices_run_asks_for_its_keys_where_the_operator_puts_them():
    compose = yaml.safe_load((ROOT / "examples" / "device" / "docker-compose.yml").read_text())
    relay = compose["services"]["cloud-relay"]
    assert "cloudfunctions.net" in relay["environment"]["PROVISION_URL"] or (
        relay["environment"]["CLOUD_PROVIDER"] == "GCP")
    assert relay["labels"]["io.balena.features.supervisor-api"] == "1"
    assert "service: cloud-relay" in (ROOT / "examples" / "device" / "README.md").read_text()
    for service in compose["services"].values():
        folder = ROOT / "examples" / "device" / service.get("build", ".")
        assert service.get("image") or folder.name == "cloud-relay" or (folder / "Dockerfile").exists()


def test_the_quick_start_on_the_sandbox_works(tmp_path):
    page = (ROOT / "docs" / "quick-start.md").read_text()
    story = re.search(r"^## On the sandbox\n(.*?)^## ", page, re.DOTALL | re.MULTILINE).group(1)
    script = "\n".join(re.findall(r"^```sh\n(.*?)^```", story, re.DOTALL | re.MULTILINE))
    # Another port than that of the page, which may be taken; and who types waits by himself.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        here = f"127.0.0.1:{taken.getsockname()[1]}"
    assert "$PWD/build/bin" in script
    script = script.replace("$PWD/build/bin", str(BIN)).replace("secrets &\n", """secrets &
until curl -s -o ready 127.0.0.1:8080/_sandbox/devices; do :; done
""").replace("127.0.0.1:8080", here)
    # Whoever reads before he goes on finds the devices with their keys.
    running = (f'until curl -s "{here}/_sandbox/devices?fleet=acme/sensors" | grep -q \'"key": "[0-9a-f]\'; '
               "do :; done\n")
    assert "UUID=" in script
    script = script.replace("UUID=", running + "UUID=")
    for example in [ROOT / "examples" / "sandbox.json", *(ROOT / "examples" / "standalone").glob("*.yaml")]:
        copy = tmp_path / example.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(example.read_text().replace("127.0.0.1:8080", here))
    done = subprocess.run(["bash", "-ec", "trap 'kill %1' EXIT\n" + script], cwd=tmp_path, text=True,
                          capture_output=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "22 of 22 devices to be changed" in done.stdout
    assert "1 of 22 devices to be changed" in done.stdout
    assert done.stdout.count("22 of 22 devices in sync") == 2
