"""A log that nobody reads holds nothing up."""

import fcntl
import os
import signal
import subprocess

from harness import PATIENCE, wait_until


def test_who_does_not_read_the_log_holds_up_neither_work_nor_end(sandbox, site):
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 16384)
    process = subprocess.Popen(site._command("sync", "--log-level", "debug"), stdout=subprocess.DEVNULL, stderr=writing)
    os.close(writing)
    try:
        uuids = sandbox.add_devices(60)
        wait_until(lambda: sandbox.registrations().keys() == {f"balena-{uuid}" for uuid in uuids}, "all registrations")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
    with os.fdopen(reading) as log:
        said = log.read()
    assert 0 < len(said) <= 16384
    sandbox.outputs.append(said)
