"""The chart's alerts: valid, tested to fire and not to, and each with a page that helps."""

import pathlib
import re
import subprocess
import sys

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "chart"
ALERTS = ROOT / "charts" / "balena-clearblade-operator" / "files" / "alerts.yaml"
PREFIX = "BalenaClearBlade"
RULES = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
TESTS = yaml.safe_load((HERE / "alerts_test.yaml").read_text())["tests"]

sys.path.insert(0, str(ROOT / "tests" / "e2e"))
from scrapes import documented, prometheus_programs  # noqa: E402


@pytest.fixture(scope="session")
def promtool():
    return prometheus_programs() / "promtool"


def check(promtool, *arguments):
    done = subprocess.run([promtool, *arguments], cwd=HERE, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_are_valid(promtool):
    check(promtool, "check", "rules", "--lint-fatal", ALERTS)


def test_each_fires_when_it_must_and_else_does_not(promtool):
    check(promtool, "test", "rules", "alerts_test.yaml")


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
