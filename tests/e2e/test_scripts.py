"""What the scripts say to a slip of the pen."""

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
