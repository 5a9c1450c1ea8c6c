"""What only a person can put right is said clearly, with the fleet, and keeps no other fleet from converging."""

import json

import pytest

from harness import Site, assert_provisioned, wait_until

MAX_IN_FLIGHT = 8  # of a fleet's callBudget, by default
WRONG_TOKEN = "not-a-token-that-balena-knows"


def bad_token(sandbox, site):
    sandbox.give_secret("wrong", "token", WRONG_TOKEN)
    site.fleet("ill", "acme/gateways", "main", tokenSecretRef={"name": "wrong"})
    return "Unauthenticated", "balena does not accept the token"


def unknown_fleet(sandbox, site):
    site.fleet("ill", "acme/nowhere")
    return "NotFound", "reading fleet acme/nowhere: there is none"


def unknown_service(sandbox, site):
    site.fleet("ill", "acme/gateways", "mian")
    return "Invalid", 'fleet acme/gateways has no service "mian"; it has: main'


def account_of_another_project(sandbox, site):
    account = dict(sandbox.ready["service_account"], project="their-project")
    sandbox.give_secret("theirs", "service-account.json", json.dumps(account))
    site.registry("theirs", serviceAccountSecretRef={"name": "theirs"})
    site.fleet("ill", "acme/gateways", "main", registryRef={"name": "theirs"})
    return "Invalid", "serviceAccountSecretRef: ", "their-project", "my-project"


def quota(sandbox, site):
    key = sandbox.add_registry("full")
    sandbox.call("POST", "faults", {
        "route": f"/api/v/4/webhook/execute/{key}/", "kind": "clearblade.device.create",
        "type": "status", "status": 400, "contentType": "application/json",
        "body": '{"error": {"code": 400, "message": "Device quota of the registry is exhausted",'
                ' "status": "FAILED_PRECONDITION"}}'})
    site.registry("full", registry="full")
    site.fleet("ill", "acme/gateways", "main", registryRef={"name": "full"})
    return "Device quota of the registry is exhausted", "create registration"


def unreachable(sandbox, site):
    site.fleet("ill", "acme/gateways", "main", apiUrl="http://127.0.0.1:1")
    return "Unavailable", "127.0.0.1:1"


def nobody_at_the_exchange(sandbox, site):
    account = dict(sandbox.ready["service_account"], url="http://127.0.0.1:1")
    sandbox.give_secret("away", "service-account.json", json.dumps(account))
    site.registry("away", serviceAccountSecretRef={"name": "away"})
    site.fleet("ill", "acme/gateways", "main", registryRef={"name": "away"})
    return "Unavailable", "127.0.0.1:1"


ILLS = [bad_token, unknown_fleet, unknown_service, account_of_another_project, quota, unreachable,
        nobody_at_the_exchange]


@pytest.mark.parametrize("ill", ILLS, ids=[each.__name__ for each in ILLS])
def test_one_fleet_that_fails_is_named_with_the_cause_and_the_other_converges(
        tmp_path, sandbox, ill):
    site = Site(tmp_path / "site", sandbox).registry().fleet()
    uuids = sandbox.add_devices(10)
    others = sandbox.add_devices(10, "acme/gateways")
    said = ill(sandbox, site)
    done = site.run("sync", "--once", "--timeout", "3s")
    assert done.returncode == 1, done.stdout + done.stderr
    for text in said:
        assert text in done.stdout, done.stdout + done.stderr
    assert "default/ill" in done.stdout or others[0] in done.stdout
    assert "default/sensors" not in done.stdout, "nothing is wrong with this one"
    assert_provisioned(sandbox, uuids)
    # No key anywhere for those that can't be registered.
    for uuid in others:
        assert sandbox.variable(uuid, "GCP_PRIVATE_KEY", "main") is None
        assert sandbox.variable(uuid, "GCP_PRIVATE_KEY") is None
    # The healthy fleet has cost what it costs alone.
    requests = sandbox.requests()
    assert requests["balena.variable.create"] == 4 * 10
    if ill is not quota:
        assert requests["balena.device.get"] == requests["clearblade.device.create"] == 10


@pytest.mark.parametrize("kind", ["balena.", "balena.device.get"], ids=["sweep", "devices"])
def test_a_cloud_that_never_answers_holds_nobody_else_up(tmp_path, make_sandbox, kind):
    sandbox = make_sandbox("--no-devices")
    silent = make_sandbox("--no-devices", "--seed", "2")  # other devices than the first one's
    uuids = sandbox.add_devices(40)
    silent.add_devices(40, "acme/gateways")
    fault = silent.fault(kind, "hang")
    site = Site(tmp_path / "site", sandbox).registry()
    sandbox.give_secret("silent", "token", silent.ready["token"])
    site.fleet("silent", "acme/gateways", "main", apiUrl=silent.http_url, tokenSecretRef={"name": "silent"})
    # No request to the silent cloud comes to an end: not in this test's lifetime, nor by itself.
    process = site.start("sync", "--attempt-deadline", "10m", "--call-deadline", "10m",
                         "--shutdown-grace", "100ms")
    try:
        many = 1 if kind == "balena." else MAX_IN_FLIGHT
        wait_until(lambda: silent.faults()[fault]["struck"] >= many, "the requests that hang")
        site.fleet()
        wait_until(lambda: len(sandbox.registrations()) == 40, "the other fleet")
        wait_until(lambda: all(sandbox.variable(uuid, "GCP_PRIVATE_KEY", "relay") for uuid in uuids))
    finally:
        code, _ = site.finish(process)
    assert code == 0, "a stop does not wait for the silent cloud either"
    assert_provisioned(sandbox, uuids)
