"""Bad input never brings it down, and is told with its place or its cause."""

import json
import os
import re
import shutil
import subprocess
import tempfile

import pytest

from harness import BIN, PATIENCE, VARIABLES, Site, assert_provisioned, wait_until

OPERATOR = BIN / "balena-clearblade-operator"
GROUP = "apiVersion: provisioning.balena-clearblade.io/v1alpha1\n"
FLEET = GROUP + """kind: BalenaFleet
metadata: {name: broken}
spec:
  fleet: acme/sensors
  tokenSecretRef: {name: balena}
  registryRef: {name: main}
"""
DEVICE = GROUP + """kind: BalenaDevice
metadata: {name: broken}
spec:
  uuid: 7cf02a69e4d34c9da573914963cf54fd
  fleetRef: {name: sensors}
"""
FILES = {
    "unknown field": (FLEET + "  colour: red\n", r":8:3: spec.colour: unknown field"),
    "wrong type": (FLEET + "  suspend: 3\n", r":8:12: spec.suspend: "),
    "bad duration": (FLEET + "  syncInterval: 5 minutes\n", r":8:17: spec.syncInterval: "),
    "bad choice": (FLEET + "  devices: Some\n", r":8:12: spec.devices: expected one of Declared, All"),
    "missing field": (FLEET.replace("  fleet: acme/sensors\n", ""), r":\d+:\d+: spec.fleet: "),
    "bad UUID": (DEVICE.replace("7cf02a69", "7CF02A69"), r":5:9: spec.uuid: "),
    "a tab": (FLEET + "\tsuspend: true\n", r":8:2: .*; a tab indents this line: use spaces"),
    "an unknown time zone": (FLEET + "  keys: {windows: [{start: '02:00', duration: 1h, timeZone: Europe/Berlni}]}\n",
                             r":8:61: spec.keys.windows\[\].timeZone: there is no time zone Europe/Berlni"),
    "dangling reference": (FLEET.replace("{name: main}", "{name: mian}"),
                           r":7:23: spec.registryRef.name: there is no ClearBladeRegistry default/mian"),
    "missing secret": (FLEET.replace("{name: balena}", "{name: balema}"),
                       r":6:26: spec.tokenSecretRef.name: there is no Secret default/balema"),
    "duplicate": (FLEET.replace("broken", "sensors"), r":\d+:\d+: metadata.name: duplicate"),
    "declared twice": (DEVICE + "---\n" + DEVICE.replace("broken", "broken-too"),
                       r":\d+:9: spec.uuid: duplicate: this device is declared already at "),
    "unknown kind": (GROUP + "kind: BalenaShip\nmetadata: {name: a}\n", r":2:7: kind: "),
    "an ambiguous word": (FLEET + "  suspend: yes\n", r":8:12: "),
    "broken YAML": ("kind: [", r":1:\d+: "),
    "an anchor": (FLEET + "  selector: &a {}\n", r":8:13: "),
    "deep nesting": ("[" * 100000, r":1:\d+: "),
    "no text": ("\0\1\2\377\376", r":1:1: a control character"),
    "not of ours": ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", r":\d+:\d+: "),
}


@pytest.mark.parametrize("case", FILES)
def test_a_broken_file_is_told_with_its_place_and_nothing_is_started(sandbox, site, case):
    text, told = FILES[case]
    sandbox.add_devices(1)
    path = site.directory / "the-last.yaml"
    path.write_bytes(text.encode("latin-1"))
    for command in (["plan"], ["sync", "--once"], ["sync"], ["provision", "0" * 32]):
        done = site.run(*command)
        assert done.returncode == 2, done.stdout + done.stderr
        assert re.search(re.escape(str(path)) + told, done.stderr), done.stderr
    assert sandbox.requests() == {}


def test_all_that_is_wrong_is_told_at_once(sandbox, site):
    (site.directory / "broken.yaml").write_text(FLEET + "  suspend: 3\n  colour: red\n")
    (site.directory / "broken-too.yaml").write_text("kind: [")
    done = site.run("plan")
    assert len(done.stderr.splitlines()) == 3, done.stderr


@pytest.mark.parametrize(("arguments", "told"), [
    ([], "subcommand"),
    (["frobnicate"], 'unknown command "frobnicate"'),
    (["sync"], "--filename"),
    (["sync", "-f", "/nonexistent", "--token", "x"], "--token"),
    (["sync", "-f", "/nonexistent"], "/nonexistent"),
    (["sync", "-f", "/", "--timeout", "1d"], "--timeout"),
    (["sync", "-f", "/", "--timeout", "1m"], "--once"),
    (["sync", "-f", "/", "--workers", "0"], "--workers"),
    (["sync", "-f", "/", "--log-level", "loud"], "--log-level"),
    (["provision", "-f", "/"], "uuid"),
    (["provision", "7CF02A69E4D34C9DA573914963CF54FD", "-f", "/"], "UUID"),
    (["plan", "-f", "/", "-o", "xml"], "--output"),
    (["sync", "-f", "/", "--verify"], "--once"),
    (["sync", "-f", "/", "--attempt-deadline", "0s"], "--attempt-deadline"),
    (["sync", "-f", "/", "--call-deadline", "0s"], "--call-deadline"),
    (["sync", "-f", "/", "--retry-initial", "0s"], "--retry-initial"),
    (["handover", "-f", "/", "--from", ""], "--from"),
])
def test_a_wrong_command_line_is_refused(arguments, told):
    done = subprocess.run([OPERATOR, *arguments], text=True, capture_output=True)
    assert done.returncode == 2
    assert told in done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["sync", "--help"], ["plan", "--help"],
                                       ["provision", "--help"], ["version"],
                                       ["--version"]])
def test_help_and_version_are_no_errors(arguments):
    done = subprocess.run([OPERATOR, *arguments], text=True, capture_output=True)
    assert done.returncode == 0 and done.stdout and not done.stderr


@pytest.mark.parametrize("arguments", [["version"], ["--help"]])
def test_a_result_that_nobody_gets_is_no_success(arguments):
    with open("/dev/full", "w") as full:
        done = subprocess.run([OPERATOR, *arguments], text=True, stdout=full,
                              stderr=subprocess.PIPE)
    assert done.returncode == 1 and "could not be written" in done.stderr


def test_a_plan_that_nobody_gets_is_no_success(sandbox, site):
    with open("/dev/full", "w") as full:
        done = subprocess.run(site._command("plan"), text=True, stdout=full,
                              stderr=subprocess.PIPE)
    assert done.returncode == 1 and "could not be written" in done.stderr


def test_it_runs_with_its_standard_streams_closed(sandbox, site):
    uuids = sandbox.add_devices(2)
    command = [str(part) for part in site._command("sync", "--once")]
    done = subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command], timeout=PATIENCE)
    assert done.returncode == 0
    assert_provisioned(sandbox, uuids)


@pytest.mark.parametrize("devices", ["-1", "99999999999", "many"])
def test_the_sandbox_refuses_what_is_no_number_of_devices(devices):
    done = subprocess.run([BIN / "cloud-sandbox", "--devices", devices], text=True,
                          capture_output=True, timeout=PATIENCE)
    assert done.returncode == 2 and "--devices" in done.stderr


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "f.yaml")
    done = subprocess.run([OPERATOR, "plan", "-f", tmp_path], text=True, capture_output=True,
                          timeout=PATIENCE)
    assert done.returncode == 2 and "f.yaml: not a regular file" in done.stderr


def test_a_declared_devices_fleet_is_not_another_one(sandbox, site):
    uuid = sandbox.add_devices(1)[0]
    site.device(uuid).fleet("gateways", "acme/gateways", "main")
    done = site.run("provision", uuid, "--fleet", "gateways")
    assert done.returncode == 2 and "declares this device in default/sensors" in done.stderr
    assert not sandbox.registrations()


def test_a_directory_without_documents_is_refused(tmp_path):
    done = subprocess.run([OPERATOR, "sync", "-f", tmp_path], text=True, capture_output=True)
    assert done.returncode == 2 and str(tmp_path) in done.stderr


def test_only_one_sync_may_work_on_a_directory(sandbox, site):
    process = site.start("sync")
    try:
        wait_until(lambda: sandbox.requests(), "the first one's start")
        second = site.run("sync", "--once")
        assert second.returncode == 2
        assert "another process is syncing files of this directory" in second.stderr
        third = subprocess.run([OPERATOR, "sync", "-f", next(site.directory.glob("*.json"))],
                               text=True, capture_output=True, timeout=PATIENCE)
        assert third.returncode == 2, "one file of the directory alone"
        assert "another process is syncing files of this directory" in third.stderr
        assert process.poll() is None
    finally:
        code, text = site.finish(process)
    assert code == 0, text
    assert site.sync_once().returncode == 0, "the lock has gone with its holder"


def test_a_file_with_secrets_that_everybody_can_read_draws_a_warning(sandbox, site):
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        secrets = shutil.copytree(sandbox.secrets, f"{directory}/secrets")
        os.chmod(f"{secrets}/bco-key-seed/seed", 0o600)
        done = site.sync_once(secrets_dir=secrets)
        assert done.returncode == 0 and "can read" not in done.stderr, done.stderr
        token = f"{secrets}/balena/token"
        os.chmod(token, 0o644)
        done = site.sync_once(secrets_dir=secrets)
        assert done.returncode == 0 and done.stderr.count("can read a file that holds secrets") == 1, done.stderr
        assert f"chmod 600 {token}" in done.stderr
        shutil.copytree(site.directory, f"{directory}/site")
        document = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "other"}, "stringData": {"token": "x"}}
        with open(f"{directory}/site/secret.json", "w") as file:
            json.dump(document, file)
        done = Site(f"{directory}/site", sandbox).sync_once(secrets_dir=secrets)
        assert f"chmod 600 {directory}/site/secret.json" in done.stderr


def test_an_unreadable_directory_keeps_the_last_good_set(sandbox, site):
    away = site.directory.with_name("away")
    process = site.start("sync")
    try:
        first = sandbox.add_devices(1)[0]
        wait_until(lambda: f"balena-{first}" in sandbox.registrations(), "provisioning")
        site.directory.rename(away)
        wait_until(lambda: "what was read before stays in force" in site.log_of(process), "the complaint")
        later = sandbox.add_devices(1)[0]
        wait_until(lambda: f"balena-{later}" in sandbox.registrations(), "work with the old set")
        away.rename(site.directory)
        other = sandbox.add_devices(1, "acme/gateways")[0]
        site.fleet("gateways", "acme/gateways", "main")
        wait_until(lambda: f"balena-{other}" in sandbox.registrations(), "the new document")
    finally:
        code, text = site.finish(process)
    assert code == 0, text
    assert text.count("what was read before stays in force") == 1, text


def test_an_edit_takes_effect_when_the_secret_it_lacked_comes(sandbox, site):
    other = sandbox.add_devices(1, "acme/gateways")[0]
    process = site.start("sync")
    try:
        wait_until(lambda: sandbox.requests(), "the first look")
        site.fleet("gateways", "acme/gateways", "main", tokenSecretRef={"name": "late"})
        wait_until(lambda: "late/token" in site.log_of(process), "the complaint")
        sandbox.give_secret("late", "token", sandbox.ready["token"])
        wait_until(lambda: f"balena-{other}" in sandbox.registrations(), "the new document")
    finally:
        code, text = site.finish(process)
    assert code == 0, text
    assert text.count("what was read before stays in force") == 1, text


def test_a_wrong_token_is_said_once_and_its_correction_takes_effect(sandbox, site):
    uuid = sandbox.add_devices(1)[0]
    right = sandbox.ready["token"]
    sandbox.give_secret("balena", "token", "not-a-token-that-balena-knows")
    process = site.start("sync")
    try:
        wait_until(lambda: sandbox.requests().get("balena.whoami", 0) >= 4, "several sweeps")
        sandbox.give_secret("balena", "token", right)
        wait_until(lambda: sandbox.registrations(), "provisioning")
        wait_until(lambda: sandbox.variable(uuid, "GCP_PRIVATE_KEY", "relay"))
    finally:
        code, text = site.finish(process)
    assert code == 0, text
    said = [line for line in text.splitlines() if "does not accept the token" in line]
    assert len(said) == 1, text
    assert_provisioned(sandbox, [uuid])


def test_a_wrong_token_is_retried_with_patience(sandbox, site):
    sandbox.give_secret("balena", "token", "not-a-token-that-balena-knows")
    done = site.sync_once()
    assert done.returncode == 1, "it gives up at once, for waiting won't help"
    assert sandbox.requests()["balena.whoami"] == 1


def test_a_missing_service_install_is_waited_for(tmp_path, make_sandbox):
    sandbox = make_sandbox("--no-devices", "--clock", "manual")
    sandbox.call("PATCH", "settings", {"balena": {"installDelay": "5s"}})
    site = Site(tmp_path / "site", sandbox).registry().fleet()
    uuid = sandbox.add_devices(1)[0]
    process = site.start("sync")
    try:
        wait_until(lambda: "ServiceNotInstalled" in site.log_of(process), "its waiting")
        assert sandbox.registrations() == {}, "not before its key can be stored"
        sandbox.post("clock/advance", duration="5s")
        wait_until(lambda: sandbox.variable(uuid, "GCP_PRIVATE_KEY", "relay"), "provisioning")
    finally:
        code, text = site.finish(process)
    assert code == 0, text
    assert_provisioned(sandbox, [uuid])


def state_of(sandbox, uuid, service):
    """All that the operator might change of a device."""
    return (sandbox.registrations().get(f"balena-{uuid}"),
            [sandbox.variable(uuid, name, service) for name in VARIABLES],
            [sandbox.variable(uuid, name) for name in VARIABLES])


def test_a_device_of_another_fleet_is_refused(tmp_path, sandbox):
    uuid = sandbox.add_devices(1, "acme/gateways")[0]
    site = Site(tmp_path / "site", sandbox).registry().fleet(devices="Declared").device(uuid)
    before = state_of(sandbox, uuid, "main")
    for command in (["sync", "--once"], ["provision", uuid]):
        done = site.run(*command)
        assert done.returncode == 1
        assert "WrongFleet: balena has this device in another fleet" in done.stdout + done.stderr
    assert state_of(sandbox, uuid, "main") == before


def test_a_device_that_balena_does_not_have_is_waited_for(tmp_path, sandbox):
    site = Site(tmp_path / "site", sandbox).registry().fleet(devices="Declared").device("0" * 32)
    done = site.sync_once()
    assert done.returncode == 1 and "DeviceNotFound: balena has no such device" in done.stdout
    assert sandbox.registrations() == {}


def test_another_owners_registration_is_left_alone(tmp_path, sandbox, site):
    uuid = sandbox.add_devices(1)[0]
    assert site.sync_once().returncode == 0
    before = state_of(sandbox, uuid, "relay")
    other = Site(tmp_path / "other", sandbox).registry(ownerId="site-b").fleet(adoption="Always")
    done = other.sync_once()
    assert done.returncode == 1
    assert 'NotOurs: the registration belongs to owner "site-a", not to "site-b"' in done.stdout
    assert state_of(sandbox, uuid, "relay") == before
    # Not even when it is to be absent, and not when its variables are gone.
    other.device(uuid, state="Absent")
    assert other.sync_once().returncode == 1
    assert state_of(sandbox, uuid, "relay") == before


@pytest.mark.parametrize("state", ["Present", "Absent"])
def test_a_registration_without_our_mark_is_left_alone(tmp_path, sandbox, state):
    uuid = sandbox.add_devices(1)[0]
    sandbox.call("POST", "registrations", {"id": f"balena-{uuid}", "metadata": {"made-by": "hand"}})
    site = Site(tmp_path / "site", sandbox).registry().fleet().device(uuid, state=state)
    before = state_of(sandbox, uuid, "relay")
    done = site.sync_once()
    assert done.returncode == 1
    assert ("KeyMismatch: a registration without our mark exists" if state == "Present" else
            "NotOurs: the registration carries no mark of ours") in done.stdout
    assert state_of(sandbox, uuid, "relay") == before


def test_a_blocked_registration_stays_blocked(sandbox, site):
    uuid = sandbox.add_devices(1)[0]
    assert site.sync_once().returncode == 0
    sandbox.call("PATCH", f"registrations/balena-{uuid}", {"blocked": True})
    before = state_of(sandbox, uuid, "relay")
    assert site.sync_once().returncode == 0
    assert state_of(sandbox, uuid, "relay") == before
    # What else is wrong is put right, and it stays blocked.
    sandbox.remove_variable(uuid, "GCP_PRIVATE_KEY", "relay")
    assert site.sync_once().returncode == 0
    assert_provisioned(sandbox, [uuid])
    assert sandbox.registrations()[f"balena-{uuid}"]["blocked"] is True


def test_a_seed_secret_without_its_key_is_no_wish_for_a_random_one(sandbox, site):
    sandbox.add_devices(1)
    seed = sandbox.secrets / "bco-key-seed" / "seed"
    seed.rename(seed.with_name("sede"))
    done = site.sync_once()
    assert done.returncode == 2
    assert re.search(r"registry-main\.json:\d+:\d+: spec\.keySeedSecretRef.*: there is no readable "
                     r"file .*/bco-key-seed/seed", done.stderr), done.stderr
    assert sandbox.requests() == {}
