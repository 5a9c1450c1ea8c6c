"""What protects the programs that ship from their own mistakes is in the files, not only in the build's flags."""

import re
import subprocess

import pytest

from harness import BIN, SANITIZED

pytestmark = pytest.mark.skipif(SANITIZED, reason="the sanitizers' builds have checks of their own")
PROGRAMS = ("balena-clearblade-operator", "cloud-sandbox")


def readelf(program, what):
    return subprocess.run(["readelf", "--wide", what, BIN / program], text=True, check=True,
                          capture_output=True).stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_is_loaded_at_a_random_address(program):
    assert re.search(r"Type: +DYN ", readelf(program, "--file-header"))
    assert re.search(r"FLAGS_1.*\bPIE\b", readelf(program, "--dynamic"))


@pytest.mark.parametrize("program", PROGRAMS)
def test_has_no_table_that_can_be_overwritten(program):
    assert "GNU_RELRO" in readelf(program, "--program-headers")
    assert re.search(r"\bBIND_NOW\b|FLAGS_1.*\bNOW\b", readelf(program, "--dynamic"))


@pytest.mark.parametrize("program", PROGRAMS)
def test_has_a_stack_that_runs_no_code_and_notices_an_overflow(program):
    stack = re.search(r"GNU_STACK .*", readelf(program, "--program-headers")).group()
    assert re.search(r" RW +0x", stack), stack
    assert "__stack_chk_fail" in readelf(program, "--dyn-syms")


@pytest.mark.parametrize("program", PROGRAMS)
def test_calls_the_checking_forms_of_the_library(program):
    assert re.search(r"__(mem|str|v?s?n?print|read|recv)\w*_chk", readelf(program, "--dyn-syms"))
