"""What the scripts say to a slip of the pen."""

import os
import subprocess

import pytest

from harness import ROOT


@pytest.mark.parametrize("parts", [["unti"], ["unit", "e3e"], ["unit e2e"], []])
def test_a_part_of_the_tests_that_is_none_is_told_and_nothing_is_run(parts):
    done = subprocess.run([ROOT / "scripts" / "test", "--only", *parts], text=True,
                          capture_output=True)
    assert done.returncode == 1
    for known in ("format", "unit", "e2e", "kubernetes", "tsan"):
        assert known in done.stderr.split()
    assert done.stdout == ""


@pytest.fixture
def without_namespaces(tmp_path):
    """A machine on which no cluster can run, whoever is asking."""
    (tmp_path / "unshare").write_text("#!/bin/sh\necho not here >&2\nexit 1\n")
    (tmp_path / "unshare").chmod(0o755)
    return os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}


def run_the_cluster_part(environment):
    return subprocess.run([ROOT / "scripts" / "test", "--only", "cluster"], text=True, capture_output=True, env=environment)


def test_a_part_that_can_not_run_is_not_called_passed(without_namespaces):
    without_namespaces.pop("REQUIRE_CLUSTER", None)
    done = run_the_cluster_part(without_namespaces)
    last = done.stdout.splitlines()[-1]
    assert done.returncode == 0 and last.startswith("NOT RUN: cluster (") and "passed" not in last


def test_where_it_is_required_it_fails_instead(without_namespaces):
    done = run_the_cluster_part(without_namespaces | {"REQUIRE_CLUSTER": "1"})
    assert done.returncode == 1 and done.stdout.splitlines()[-1] == "FAILED: cluster"


def test_before_a_change_lands_it_is_required():
    assert "export REQUIRE_CLUSTER=1\n" in (ROOT / ".ci" / "run").read_text()
