"""What people write: typing errors, questions, Secrets, and a fleet that is to be looked at only."""

import base64

import pytest

from harness import VARIABLES, assert_provisioned, wait_until
from installation import GROUP, condition, writes

WRONG_TOKEN = "not-a-token-that-balena-knows"


def fleet_yaml(text):
    return f"""apiVersion: {GROUP}/v1alpha1
kind: BalenaFleet
metadata: {{name: sensors}}
spec:
  fleet: acme/sensors
  tokenSecretRef: {{name: balena}}
  registryRef: {{name: main}}
  {text}
"""


@pytest.mark.parametrize("text, told", {
    "unknown field": ("variable: {target: Device}", 'unknown field "spec.variable"'),
    "unknown field below": ("keys: {lifetimes: 1h}", 'unknown field "spec.keys.lifetimes"'),
    "no such choice": ("devices: Any", 'spec.devices: Unsupported value: "Any"'),
    "no duration": ("syncInterval: 5 minutes", "spec.syncInterval"),
    "too short": ("keys: {lifetime: 1h, rotateBefore: 2h}", "spec.keys"),
}.values())
def test_kubectl_names_the_field_that_is_wrong(installation, text, told):
    with pytest.raises(AssertionError) as refused:
        installation.kubectl("apply", "-f", "-", input=fleet_yaml(text))
    assert told in str(refused.value)
    assert installation.gone("fleet", "sensors")


def answered(installation, kind, name, token):
    item = installation.get(kind, name)
    return item["status"].get("lastHandledReconcileAt") == token


def test_a_question_is_answered_on_each_kind_of_object(installation, sandbox):
    uuid, = sandbox.add_devices(1)
    installation.fleet(syncInterval="1h").start()
    installation.wait_ready(1)
    sandbox.set_variable(uuid, "GCP_PROJECT_ID", "edited", "relay")
    for kind, name in (("device", f"sensors-{uuid}"), ("fleet", "sensors"), ("registry", "main")):
        sandbox.reset_traffic()
        installation.annotate(kind, name, reconcile_requested_at=f"now-{kind}")
        wait_until(lambda: answered(installation, kind, name, f"now-{kind}"), f"the answer of {kind}")
        assert sum(sandbox.requests().values()) > 0
    assert_provisioned(sandbox, [uuid])


def test_what_is_ready_causes_neither_writes_nor_requests_but_sweeps(installation, sandbox):
    sandbox.add_devices(20)
    installation.fleet(syncInterval="1s").start()
    installation.wait_ready(20)

    def sweep_time():
        return installation.get("fleet", "sensors")["status"]["lastCompleteSync"]["balena"]

    def next_sweep():
        last = sweep_time()
        wait_until(lambda: sweep_time() != last, "a sweep")

    def versions():
        return {item["metadata"]["name"]: item["metadata"]["resourceVersion"]
                for kind in ("device", "registry")
                for item in installation.cluster.request("GET", installation.path(kind)).body["items"]}

    next_sweep()  # after the last device: all is said
    next_sweep()
    sandbox.reset_traffic()
    before, fleet = versions(), installation.get("fleet", "sensors")
    for _ in range(3):
        next_sweep()
    requests = sandbox.requests()
    assert versions() == before
    assert writes(sandbox) == {}
    # A sweep lists; a look at a device would get it, or its registration.
    assert requests.keys() == {"balena.fleet.list", "balena.device.list", "balena.device.count",
                               "balena.install.list", "clearblade.device.list"}
    assert max(requests.values()) <= 4, requests
    # Of the fleet nothing but the times of its sweeps.
    after = installation.get("fleet", "sensors")
    for each in (fleet, after):
        del each["status"]["lastCompleteSync"], each["metadata"]["resourceVersion"]
        del each["metadata"]["managedFields"]
    assert after == fleet


def give_token(installation, token):
    installation.sandbox.forbidden.add(token)
    installation.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "balena"},
                        "stringData": {"token": token}})


def test_a_new_token_is_taken_up_without_a_restart(installation, sandbox):
    sandbox.add_devices(1)
    installation.fleet(syncInterval="1s").start()
    installation.wait_ready(1)
    token = sandbox.post("tokens", name="second", fleets=["acme/sensors"])["token"]
    give_token(installation, token)
    sandbox.call("DELETE", f"tokens/{sandbox.ready['token']}")
    sandbox.add_devices(1)
    installation.wait_ready(2)
    assert condition(installation.get("fleet", "sensors"), "Ready")["status"] == "True"


def test_a_wrong_token_is_said_once_and_a_right_one_heals_at_once(installation, sandbox):
    sandbox.add_devices(1)
    give_token(installation, WRONG_TOKEN)
    replica = installation.fleet(syncInterval="1s").start()
    told = installation.wait_condition("fleet", "sensors", status="False", reason="Unauthenticated")
    assert "balena does not accept the token" in told["message"]
    installation.wait_condition("fleet", "sensors", "Stalled", status="True")
    looks = sandbox.requests()["balena.whoami"]
    wait_until(lambda: sandbox.requests()["balena.whoami"] >= looks + 2, "further looks")
    assert replica.log.count("fleet can't be synced") == 1
    event, = wait_until(lambda: installation.events("sensors"), "an event")
    assert (event["type"], event["reason"], event["count"]) == ("Warning", "Unauthenticated", 1)
    give_token(installation, sandbox.ready["token"])
    installation.wait_ready(1)
    assert condition(installation.get("fleet", "sensors"), "Stalled") is None


def test_observing_says_what_would_be_done_and_does_nothing(installation, sandbox):
    new, = sandbox.add_devices(1)
    registered, = sandbox.add_devices(1)
    sandbox.call("POST", "registrations", {"id": f"balena-{registered}", "metadata": {"made-by": "hand"}})
    sandbox.reset_traffic()
    installation.fleet(mode="Observe").start()
    told = installation.wait_condition("device", f"sensors-{new}", status="False", reason="NotRegistered")
    assert told["message"].startswith("would "), told
    installation.wait_condition("device", f"sensors-{registered}", status="False", reason="KeyMismatch")
    installation.wait_condition("fleet", "sensors", status="True")
    assert writes(sandbox) == {}
    assert not any("finalizers" in item["metadata"] for item in installation.devices().values())
    installation.kubectl("delete", "bfleet", "sensors", "--timeout=30s")
    wait_until(lambda: installation.devices() == {}, "the end of what the fleet had discovered")
    assert not any(sandbox.variable(new, name, "relay") for name in VARIABLES)


def test_observing_reports_what_the_old_function_left(installation, sandbox):
    """Provisioned, and its mark removed: what a function leaves that knows no marks."""
    uuid, = sandbox.add_devices(1)
    first = installation.fleet().start()
    installation.wait_ready(1)
    sandbox.call("PATCH", f"registrations/balena-{uuid}", {"metadata": {}})
    first.stop()
    installation.annotate("device", f"sensors-{uuid}", release="true")
    installation.delete("device", f"sensors-{uuid}")
    sandbox.reset_traffic()
    installation.fleet(mode="Observe").start()
    told = wait_until(lambda: (found := condition(installation.get("device", f"sensors-{uuid}"), "Ready"))
                      and found["reason"] == "Adopted" and found, "the plan to adopt it")
    assert told["status"] == "False" and told["message"].startswith("would ")
    assert writes(sandbox) == {}
    installation.fleet(mode="Enforce")
    installation.wait_ready(1)
    assert_provisioned(sandbox, [uuid])
