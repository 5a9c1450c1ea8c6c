"""The chart as it is now, installed where there was nothing: the demo, what is seen of it, and how it is removed again. Told in
order: each test goes on where the one before it ended."""

import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from chart import CHART, ROOT, programs
from dashboards import chosen, dashboards, queries
from harness import PATIENCE, wait_until
from machine import Prometheus, run
from pages import commands
from story import NAME, Callers, installed, sweep

NAMESPACE, DEVICES = "iot", 100


@pytest.fixture(scope="module")
def release(machine, tmp_path_factory):
    for crd in (programs() / "crds").glob("*.yaml"):
        machine.kubectl("apply", "--server-side", "-f", crd)
    return installed(machine, NAMESPACE, CHART, DEVICES, tmp_path_factory.mktemp("endpoint"))


def seconds_to_ready(pod):
    def at(text):
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))

    ready = next(each for each in pod["status"]["conditions"] if each["type"] == "Ready")
    return (at(ready["lastTransitionTime"]) - at(pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"])).seconds


def test_the_demo_connects_every_device(release, record_property):
    """In a namespace that enforces the restricted level: no Pod would have been made otherwise. The API tells whole seconds."""
    slowest = max(map(seconds_to_ready, release.pods().values()))
    record_property("install_to_ready_s", round(release.took, 1))
    record_property("start_to_ready_s", slowest)
    print(f"\nhelm install to {DEVICES} devices ready: {release.took:.1f} s; container's start to ready: {slowest} s at most")
    assert release.took <= 60 and slowest <= 3
    assert len(release.pods()) == 2
    release.kubectl("wait", "--for=condition=Ready", "bfleet/sensors", "--timeout=60s")
    assert len(release.sandbox.registrations()) == DEVICES


def test_the_restricted_level_is_enforced_here(release):
    """Or the test before this one would tell nothing."""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "careless"},
           "spec": {"containers": [{"name": "careless", "image": "localhost/balena-clearblade-operator:a"}]}}
    with pytest.raises(AssertionError, match="violates PodSecurity"):
        release.kubectl("apply", "-f", "-", input=json.dumps(pod))


def test_helm_test_passes(release):
    said = release.machine.helm("test", NAME, "-n", NAMESPACE)
    assert "Phase:          Succeeded" in said


def targets(release):
    """What the ServiceMonitor leads to, as the Prometheus operator would find it: its selector gives Services, its port's name
    their endpoints."""
    monitor = release.get("servicemonitor", NAME)["spec"]
    assert monitor["namespaceSelector"] == {"matchNames": [NAMESPACE]}
    labels = ",".join(f"{key}={value}" for key, value in monitor["selector"]["matchLabels"].items())
    for service in release.get("services", "-l", labels)["items"]:
        name = service["metadata"]["name"]
        for slice in release.get("endpointslices", "-l", f"kubernetes.io/service-name={name}")["items"]:
            port = next(each["port"] for each in slice["ports"] if each["name"] == monitor["endpoints"][0]["port"])
            for endpoint in slice["endpoints"]:
                yield {"targets": [f"{address}:{port}" for address in endpoint["addresses"]],
                       "labels": {"namespace": NAMESPACE, "service": name, "pod": endpoint["targetRef"]["name"]}}


@pytest.fixture(scope="module")
def callers(release):
    """While Prometheus is asked, devices come, ask for their registration and publish."""
    running = Callers(release)
    running.start()
    yield running
    running.end()


@pytest.fixture(scope="module")
def prometheus(release, callers, tmp_path_factory):
    """It scrapes every replica, while there is something to see: a conflict, a token that will end, work."""
    sandbox = release.sandbox
    uuid = sandbox.add_devices(1)[0]
    key = subprocess.run("openssl ecparam -name prime256v1 -genkey -noout | openssl ec -pubout", shell=True, check=True, text=True,
                         capture_output=True).stdout
    sandbox.post("registrations", id=f"balena-{uuid}", credentials=[{"publicKey": {"format": "ES256_PEM", "key": key}}])
    rules = release.get("prometheusrule", NAME)["spec"]
    running = Prometheus(release.machine, tmp_path_factory.mktemp("prometheus"), list(targets(release)), rules)
    yield running
    running.stop()


def test_prometheus_scrapes_every_replica(release, prometheus):
    wait_until(lambda: len(prometheus.query("up == 1")) == 2, "both scrapes")
    assert {each["metric"]["pod"] for each in prometheus.query("up == 1")} == release.pods().keys()
    leading = wait_until(lambda: prometheus.query("leader_election_master_status == 1"), "a leader")
    assert [each["metric"]["pod"] for each in leading] == [release.leader()]


def test_every_panel_of_every_dashboard_shows_something(release, prometheus):
    sweep(release, "for the panels")
    left = {f"{board}: {title}: {query}" for board, title, query in queries()}

    def all_answered():
        left.difference_update([each for each in left if prometheus.query(each.split(": ", 2)[2])])
        return not left

    try:
        wait_until(all_answered, "data in every panel", 2 * PATIENCE)
    except AssertionError:
        raise AssertionError("no data: " + "\n".join(sorted(left))) from None


def test_every_dashboard_can_be_drawn(prometheus, tmp_path):
    """With scripts/dashboard_picture.py, as the README's picture is. DASHBOARD_DATA names a folder that keeps what it takes."""
    for name, board in dashboards().items():
        for panel in board["panels"]:
            panel["answers"] = [
                [{"legend": legend(target["legendFormat"], each["metric"]), "points": [[at, float(value)] for at, value in each["values"]]}
                 for each in prometheus.history(chosen(target["expr"]))] for target in panel.get("targets", [])]
        data = pathlib.Path(os.environ.get("DASHBOARD_DATA", tmp_path)) / f"{name}.json"
        data.write_text(json.dumps({"title": board["title"], "panels": board["panels"]}))
        drawn = ElementTree.fromstring(run(sys.executable, ROOT / "scripts" / "dashboard_picture.py", data))
        texts = {each.text for each in drawn.iter("{http://www.w3.org/2000/svg}text")}
        assert {panel["title"] for panel in board["panels"]} | {board["title"]} <= texts
        assert "no data" not in texts


def legend(format, labels):
    if not format:
        return " ".join(labels.values())
    return re.sub(r"{{(\w+)}}", lambda found: labels.get(found[1], ""), format)


def rules(prometheus):
    return [rule for group in prometheus.api("rules")["groups"] for rule in group["rules"]]


def test_every_alert_can_be_evaluated(prometheus):
    assert rules(prometheus)
    wait_until(lambda: all(rule["health"] != "unknown" for rule in rules(prometheus)), "every rule's first evaluation")
    assert {rule["name"]: rule.get("lastError") for rule in rules(prometheus) if rule["health"] != "ok"} == {}


def test_every_alert_has_data_to_judge_by(prometheus):
    """An expression answers nothing while all is well; so what it is made of has to be there, with the labels that it looks at."""
    for rule in rules(prometheus):
        for metric, matchers in re.findall(r"\b((?:balena_clearblade|workqueue|leader_election)_\w+)(?:{(.*?)})?", rule["query"]):
            labels = re.findall(r'(\w+)[=!]~?"', matchers)
            found = prometheus.query(metric)
            assert found and all(set(labels) <= each["metric"].keys() for each in found), f"{rule['name']}: {metric}"


def test_an_alert_comes_when_there_is_a_reason(prometheus):
    """The conflict that was made."""
    wait_until(lambda: "BalenaClearBladeConflicts" in {rule["name"] for rule in rules(prometheus) if rule["state"] != "inactive"}, "the alert")


def test_the_endpoint_answers_through_its_service(release, callers):
    """It has done so to those who were the load all the time; and nobody was turned away for another reason than his own."""
    wait_until(lambda: len(callers.statuses) >= 3, "all their answers")
    callers.end()
    assert callers.statuses.keys() == {201, 401, 409}
    uuid = next(uuid for uuid, each in release.devices().items() if each["status"].get("phase") == "Ready")
    # It is provisioned already, which the Cloud Relay takes for "ask the supervisor".
    status, text = release.endpoint.ask(uuid)
    assert (status, json.loads(text)["code"]) == (409, 6)


def test_no_publish_was_refused(release):
    assert release.sandbox.publishes()["refused"] == {}


def test_everything_is_removed_as_the_page_says(release):
    """By its commands, to the letter but for the names."""
    keys = release.sandbox.keys()
    assert keys
    said = commands(ROOT / "docs" / "install" / "helm.md", "Removing everything")[0]
    release.machine.shell(said.replace("balena-clearblade-operator -n", f"{NAME} -n").replace("lease/balena-clearblade-operator", f"lease/{NAME}")
                          .replace("-n balena-clearblade", f"-n {NAMESPACE}"))
    assert release.machine.get("crds", "-l", "app.kubernetes.io/name=balena-clearblade-operator")["items"] == []
    kinds = "deployment,service,secret,configmap,networkpolicy,lease,serviceaccount,poddisruptionbudget,role,rolebinding"
    assert {each["metadata"]["name"] for each in release.get(kinds)["items"]} == {
        "default", "kube-root-ca.crt", "endpoint-tls", "endpoint-tokens"}
    for kind in ("clusterrole", "clusterrolebinding"):
        assert not [each for each in release.machine.get(kind)["items"] if NAME in each["metadata"]["name"]]
