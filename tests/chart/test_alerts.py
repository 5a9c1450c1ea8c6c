"""The chart's alerts: valid, tested to fire and not to, and each with a page that helps."""

import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from chart import NAMESPACE, RELEASE, objects

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "chart"
ALERTS = ROOT / "charts" / "balena-clearblade-operator" / "files" / "alerts.yaml"
PREFIX = "BalenaClearBlade"
RULES = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
TESTS = yaml.safe_load((HERE / "alerts_test.yaml").read_text())["tests"]

sys.path.insert(0, str(ROOT / "tests" / "e2e"))
from scrapes import documented, prometheus_programs  # noqa: E402


def made(folder, **chosen):
    """The objects of these values."""
    (folder / "values.yaml").write_text(yaml.safe_dump(chosen))
    return objects(folder / "values.yaml")


def rules_of(folder, **chosen):
    """As the chart renders them, of a release as tests/chart has them: of the names that alerts_test.yaml knows."""
    found = made(folder, prometheusRule={"enabled": True} | chosen.pop("prometheusRule", {}), **chosen)
    return next(each["spec"] for key, each in found.items() if key.startswith("PrometheusRule/"))


@pytest.fixture
def promtool(tmp_path):
    """Runs it where the rendered rules and their tests are; it must succeed."""
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules_of(tmp_path)))
    shutil.copy(HERE / "alerts_test.yaml", tmp_path)

    def run(*arguments):
        done = subprocess.run([prometheus_programs() / "promtool", *arguments], cwd=tmp_path, text=True, capture_output=True)
        assert done.returncode == 0, done.stdout + done.stderr

    return run


def test_the_rules_are_valid(promtool):
    promtool("check", "rules", "--lint-fatal", "rules.yaml")


def test_each_fires_when_it_must_and_else_does_not(promtool):
    promtool("test", "rules", "alerts_test.yaml")


def test_every_series_that_an_alert_looks_at_is_of_its_own_installation(tmp_path):
    for job, release in ((f"{RELEASE}-metrics", {}), ("provisioning-metrics", {"fullnameOverride": "provisioning"}),
                         ("by-hand", {"prometheusRule": {"job": "by-hand"}})):
        folder = tmp_path / job
        folder.mkdir()
        for rule in [rule for group in rules_of(folder, **release)["groups"] for rule in group["rules"]]:
            series = re.findall(r"\b(?:balena_clearblade|workqueue|leader_election)_\w+(?:{(.*?)})?", rule["expr"])
            ours = f'namespace="{NAMESPACE}",job="{job}"'
            assert series and all(matchers == ours or matchers.startswith(f"{ours},") for matchers in series), rule["expr"]


def test_a_release_that_runs_nothing_is_not_missed(tmp_path):
    assert not [key for key in made(tmp_path, replicas=0, prometheusRule={"enabled": True}) if key.startswith("PrometheusRule/")]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
class TestAlert:
    def test_is_tested_both_ways(self, rule):
        fired = {sample["labels"] for test in TESTS for sample in test["promql_expr_test"][0]["exp_samples"]}
        assert [labels for labels in fired if f'alertname="{rule["alert"]}"' in labels]
        name = rule["alert"].removeprefix(PREFIX)
        silent = [test for test in TESTS if test["name"].startswith(f"{name} does not fire")]
        assert silent and not any(test["promql_expr_test"][0]["exp_samples"] for test in silent)

    def test_tells_how_bad_it_is_and_what_to_do(self, rule):
        assert rule["alert"].startswith(PREFIX)
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
        page = ROOT / "docs" / "runbook" / rule["annotations"]["runbook_url"].removeprefix("RUNBOOKS/")
        text = page.read_text()
        assert rule["alert"] in text.splitlines()[0]
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["What it means", "How to see", "What to do"]
        assert f"({page.name})" in (page.parent / "README.md").read_text()

    def test_rests_on_metrics_that_are_documented(self, rule):
        used = set(re.findall(r"\b(balena_clearblade_\w+|controller_runtime_\w+|workqueue_\w+|leader_election_\w+)",
                              rule["expr"]))
        known = documented(endpoint=True)
        assert used
        assert {re.sub(r"_(count|sum|bucket)$", "", name) for name in used} <= set(known)

    def test_shows_labels_that_its_expression_keeps(self, rule):
        shown = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        kept = set(re.findall(r"\w+", " ".join(re.findall(r"by \((.*?)\)", rule["expr"]))))
        assert shown <= kept


def test_there_is_no_page_without_an_alert():
    pages = {page.name for page in (ROOT / "docs" / "runbook").glob("*.md")} - {"README.md"}
    assert pages == {rule["annotations"]["runbook_url"].removeprefix("RUNBOOKS/") for rule in RULES}
