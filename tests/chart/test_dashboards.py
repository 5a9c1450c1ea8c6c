"""The dashboards are as their code says, and Prometheus understands what they ask."""

import json
import re
import subprocess
from xml.etree import ElementTree

import pytest
import yaml

from chart import CHART, ROOT, objects, prometheus_programs, values
from dashboards import dashboards, queries

METRICS = ROOT / "docs" / "metrics.md"


def test_they_are_what_their_code_gives():
    done = subprocess.run([ROOT / "scripts" / "dashboards", "--check"], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_the_chart_carries_them_whole():
    made = objects(values("monitoring"))["ConfigMap/balena-clearblade-operator-dashboards"]
    assert made["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert {name.removesuffix(".json"): json.loads(text) for name, text in made["data"].items()} == dashboards()


def test_every_query_is_one_that_prometheus_understands(tmp_path):
    """As rules, for which promtool has a check."""
    found = list(queries())
    assert len(found) > 50
    rules = [{"record": f"query:{number}", "expr": query} for number, (_, _, query) in enumerate(found)]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run([prometheus_programs() / "promtool", "check", "rules", tmp_path / "rules.yaml"], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert f"{len(found)} rules found" in done.stdout


def test_no_variable_is_left_that_nobody_fills_in():
    assert not [query for _, _, query in queries() if "$" in query]
    for board in dashboards().values():
        names = {each["name"] for each in board["templating"]["list"]} | {"__rate_interval"}
        assert set(re.findall(r"\$\{?(\w+)", json.dumps(board["panels"]))) <= names


def test_the_picture_in_the_docs_is_of_the_present_dashboard():
    """Drawn by scripts/dashboard_picture.py, of what the cluster tests leave where DASHBOARD_DATA says."""
    drawn = ElementTree.parse(ROOT / "docs" / "images" / "overview.svg")
    texts = {each.text for each in drawn.iter("{http://www.w3.org/2000/svg}text")}
    assert {panel["title"] for panel in dashboards()["overview"]["panels"]} <= texts
    assert "no data" not in texts


def test_panels_have_places_of_their_own():
    for board in dashboards().values():
        taken = set()
        for panel in board["panels"]:
            place = panel["gridPos"]
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
            assert place["x"] + place["w"] <= 24 and not cells & taken, panel["title"]
            taken |= cells
        assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_two_installations_of_one_name_can_be_told_apart():
    for name, board in dashboards().items():
        variables = {each["name"]: each for each in board["templating"]["list"]}
        assert variables["namespace"]["allValue"] == ".*", "or series without the label would not be shown"
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                selectors = re.findall(r"{(.*?)}", target["expr"])
                assert selectors and all(each.startswith('namespace=~"$namespace",job=~"$job"') for each in selectors), (name, panel["title"])
    leader = next(panel for panel in dashboards()["overview"]["panels"] if panel["title"] == "Leader")
    assert leader["targets"][0]["expr"].startswith("sum by (namespace, job) ")


def test_the_queues_metrics_are_those_of_client_go():
    """By the names that dashboards made for controller-runtime ask for."""
    asked = {"workqueue_depth", "workqueue_adds_total", "workqueue_queue_duration_seconds", "workqueue_work_duration_seconds",
             "workqueue_unfinished_work_seconds", "workqueue_longest_running_processor_seconds", "workqueue_retries_total"}
    assert asked == set(re.findall(r"`(workqueue_\w+)`", METRICS.read_text()))


def test_every_metric_is_a_documented_one():
    documented = set(re.findall(r"`(\w+)`", METRICS.read_text()))
    used = {re.sub(r"_(bucket|sum|count)$", "", name)
            for _, _, query in queries() for name in re.findall(r"(\w+)\{", query)}
    assert used and used <= documented, used - documented


def test_alerts_name_a_runbook_that_is_there():
    alerts = CHART / "files" / "alerts.yaml"
    made = objects(values("monitoring"))["PrometheusRule/balena-clearblade-operator"]["spec"]
    plain = yaml.safe_load(alerts.read_text())
    rules = [rule for group in made["groups"] for rule in group["rules"]]
    assert [rule["alert"] for rule in rules] == [rule["alert"] for group in plain["groups"] for rule in group["rules"]]
    for rule in rules:
        assert rule["labels"]["team"] == "iot" and rule["labels"]["severity"]
        base, _, page = rule["annotations"]["runbook_url"].rpartition("/")
        assert base == "https://wiki.example.com/runbook"
        assert (ROOT / "docs" / "runbook" / page.partition("#")[0]).is_file(), page
