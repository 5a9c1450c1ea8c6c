"""Argo CD's health checks, and kstatus's own rules, make of a status what docs/kubernetes.md says that they do."""

import re

import lupa
import pytest
import yaml

from chart import ROOT

CHECKS = yaml.safe_load((ROOT / "deploy" / "argocd" / "health.yaml").read_text())["data"]
KINDS = {"device": "BalenaDevice", "fleet": "BalenaFleet", "registry": "ClearBladeRegistry"}
STANDING = ("Ready", "Reconciling", "Stalled")


def rows():
    """Each row of the table: the kind, the one condition that is true, its reason, and what is made of it."""
    text = (ROOT / "docs" / "kubernetes.md").read_text()
    section = text.split("## What a status says\n")[1].split("\n## ")[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| ") or cells[0] in ("object", "---"):
            continue
        kinds = [cells[0]] if cells[0] in KINDS else list(KINDS)
        true, reason = re.fullmatch(r"(any|`\w+`)(?: \(`(\w+)`\))?", cells[2]).groups()
        for kind in kinds:
            for type in STANDING if true == "any" else [true.strip("`")]:
                yield pytest.param(kind, type, reason or "Because", true != "any", cells[3], cells[4],
                                   id=f"{kind}: {cells[1][:60]}: {type}")


def status(true, reason, is_seen):
    """As the operator writes it: Ready always, the others only while true."""
    conditions = [{"type": "Ready", "status": "True" if true == "Ready" else "False"}]
    if true != "Ready":
        conditions.append({"type": true, "status": "True"})
    return {"metadata": {"generation": 2},
            "status": {"observedGeneration": 2 if is_seen else 1,
                       "conditions": [each | {"reason": reason, "message": "words"} for each in conditions]}}


def kstatus(item):
    """The rules of sigs.k8s.io/cli-utils/pkg/kstatus for custom resources."""
    if item["status"]["observedGeneration"] != item["metadata"]["generation"]:
        return "InProgress"
    has = {each["type"]: each["status"] for each in item["status"]["conditions"]}
    if has.get("Reconciling") == "True":
        return "InProgress"
    if has.get("Stalled") == "True":
        return "Failed"
    return "Current" if has.get("Ready", "True") == "True" else "InProgress"


def argocd(kind, item):
    """Status and message of the kind's check, run as Argo CD does."""
    lua = lupa.LuaRuntime()

    def table(value):
        if isinstance(value, dict):
            return lua.table_from({key: table(each) for key, each in value.items()})
        return lua.table_from(map(table, value)) if isinstance(value, list) else value

    check = CHECKS[f"resource.customizations.health.provisioning.balena-clearblade.io_{KINDS[kind]}"]
    found = lua.eval(f"function(obj) {check} end")(table(item))
    return found.status, found.message


@pytest.mark.parametrize("kind, true, reason, is_seen, in_kstatus, in_argocd", rows())
def test_each_row_is_read_as_the_table_says(kind, true, reason, is_seen, in_kstatus, in_argocd):
    item = status(true, reason, is_seen)
    assert kstatus(item) == in_kstatus
    assert argocd(kind, item) == (in_argocd, "words" if is_seen else "not looked at yet")


def test_all_kinds_and_conditions_are_in_the_table():
    said = {(row.values[0], row.values[1]) for row in rows() if row.values[3]}
    assert said == {(kind, type) for kind in KINDS for type in STANDING}


@pytest.mark.parametrize("kind", KINDS)
def test_what_has_no_status_yet_is_progressing(kind):
    for item in ({"metadata": {"generation": 1}}, {"metadata": {"generation": 1}, "status": {"observedGeneration": -1}}):
        assert argocd(kind, item) == ("Progressing", "not looked at yet")
