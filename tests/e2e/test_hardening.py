"""What protects the programs that ship from their own mistakes is in the files, not only in the build's flags."""

import os
import re
import resource
import signal
import socket
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


def dumps_core(command, is_running, directory):
    """Whether the kernel has written one, or handed one to whoever collects them, after the program was ended by SIGABRT."""
    def with_cores():
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))

    process = subprocess.Popen(command, cwd=directory, preexec_fn=with_cores, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    is_running()
    process.send_signal(signal.SIGABRT)
    _, status = os.waitpid(process.pid, 0)
    process.returncode = -os.WTERMSIG(status)
    assert os.WTERMSIG(status) == signal.SIGABRT
    return os.WCOREDUMP(status)


def test_leaves_no_core_with_keys_in_it(tmp_path):
    if not dumps_core(["sleep", "60"], lambda: None, tmp_path):
        pytest.skip("nothing dumps core here: see ulimit -Hc and /proc/sys/kernel/core_pattern")
    with socket.create_server(("127.0.0.1", 0)) as mute:
        asking = [BIN / "balena-clearblade-operator", "healthcheck", f"http://127.0.0.1:{mute.getsockname()[1]}/readyz"]
        # It has been asked something, so all that comes first is done.
        assert not dumps_core(asking, mute.accept, tmp_path)
