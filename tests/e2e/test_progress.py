"""What `sync --once` shows while it works: a live line on a terminal, log lines everywhere else."""

import os
import pty
import re
import subprocess

from harness import PATIENCE, wait_until

# An escape sequence, or the return that lets the line be drawn over itself.
CONTROL = re.compile(r"\r|\x1b\[")
COMMAND = ("sync", "--once", "--timeout", f"{PATIENCE}s")


class Terminal:
    """A terminal for somebody's stderr, and all that was written to it."""

    def __init__(self):
        self.ours, self.theirs = pty.openpty()
        os.set_blocking(self.ours, False)
        self.text = ""

    def read(self):
        try:
            while piece := os.read(self.ours, 65536):
                self.text += piece.decode()
        except BlockingIOError:
            pass
        except OSError:  # nobody holds the other end any more
            pass
        return self.text

    def close(self):
        for end in (self.ours, self.theirs):
            os.close(end)


def test_a_terminal_shows_a_line_that_draws_over_itself(sandbox, site):
    sandbox.add_devices(2)
    # One device is ready and the other is not for as long as we look.
    hold = sandbox.hold("clearblade.device.create", "before", 2)
    terminal = Terminal()
    process = subprocess.Popen(site._command(*COMMAND), stdout=subprocess.PIPE,
                               stderr=terminal.theirs, text=True)
    try:
        wait_until(lambda: re.search(r"\r1/2 ready, \d+/s, \w+ left\x1b\[K", terminal.read()),
                   "the line with done, total, pace and time left")
        sandbox.end_hold(hold)
        told, _ = process.communicate(timeout=PATIENCE)
        terminal.read()
    finally:
        process.kill()
        process.wait()
        terminal.close()
    assert process.returncode == 0
    assert told == "2 of 2 devices in sync\n"
    assert terminal.text.endswith("\r\x1b[K"), "the line is gone in the end"
    assert "level" not in terminal.text and "info" not in terminal.text, "no log line between"
    assert "\n" not in terminal.text


def test_the_line_counts_what_fails(sandbox, site):
    uuids = sandbox.add_devices(2)
    assert site.sync_once().returncode == 0
    # Somebody else's now; and the other device is held, so that there is time to look.
    sandbox.call("PATCH", f"registrations/balena-{uuids[0]}", {"metadata": {"bco-owner": "x"}})
    sandbox.remove_variable(uuids[1], "GCP_PRIVATE_KEY", "relay")
    hold = sandbox.hold("balena.variable.create", "before", 1)
    terminal = Terminal()
    process = subprocess.Popen(site._command(*COMMAND), stdout=subprocess.DEVNULL,
                               stderr=terminal.theirs)
    try:
        wait_until(lambda: re.search(r"\r0/2 ready, 1 failed\x1b\[K", terminal.read()),
                   "the failure in the line")
        sandbox.end_hold(hold)
        assert process.wait(PATIENCE) == 1
    finally:
        process.kill()
        process.wait()
        terminal.close()


def test_without_a_terminal_there_are_log_lines(sandbox, site):
    sandbox.add_devices(1)
    done = site.sync_once()
    assert done.returncode == 0
    assert not CONTROL.search(done.stdout + done.stderr)
    assert re.search(r"info +acted .*reason=NotRegistered", done.stdout + done.stderr)
