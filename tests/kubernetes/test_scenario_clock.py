"""The machine's clock is set while the operator runs: to a wrong time, and back."""

import ctypes.util
import pathlib

import pytest

from harness import assert_provisioned, wait_until
from installation import condition, writes


class SteppedClock:
    """A process started with `environment` reads the system's time as it is set here; what only counts on does so."""

    LIBRARY = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")

    def __init__(self, directory):
        self._file = pathlib.Path(directory) / "clock"
        self.step("+0")
        self.environment = {"LD_PRELOAD": str(self.LIBRARY), "FAKETIME_TIMESTAMP_FILE": str(self._file),
                            "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}

    def step(self, offset):
        """From the right time."""
        part = self._file.with_suffix(".part")
        part.write_text(offset + "\n")
        part.rename(self._file)


@pytest.fixture
def clock(tmp_path):
    assert SteppedClock.LIBRARY.exists(), "needs Debian's faketime"
    return SteppedClock(tmp_path)


def sweeps(installation, count):
    """Returns when so many sweeps have come, by what the sandbox was asked."""
    asked = installation.sandbox.requests().get("balena.device.list", 0) + count
    wait_until(lambda: installation.sandbox.requests()["balena.device.list"] >= asked, "sweeps")


@pytest.mark.parametrize("step", ["+1h", "-1h"])
def test_a_clock_that_is_set_wrong_costs_neither_lease_nor_key_nor_registration(installation, sandbox, clock, step):
    gone, *uuids = sandbox.add_devices(5)
    # Within the hour that the clock jumps, each key is due for rotation, and what has gone for removal.
    installation.fleet(syncInterval="1s", stale={"policy": "Delete", "after": "30m", "maxPercent": 100},
                       keys={"lifetime": "2h", "rotateBefore": "90m"})
    replica = installation.start(environment=clock.environment)
    installation.wait_ready(5)
    lease = installation.lease()
    sandbox.call("DELETE", f"devices/{gone}")
    wait_until(lambda: installation.get("device", f"sensors-{gone}")["status"].get("absentSince"), "its absence")
    sandbox.reset_traffic()

    clock.step(step)
    told = installation.wait_condition("fleet", "sensors", "ClockSkew", status="True", reason="ClocksDiffer")
    assert "this machine's clock and ClearBlade's are" in told["message"], told
    new, = sandbox.add_devices(1)
    waits = installation.wait_condition("device", f"sensors-{new}", status="False", reason="ClockSkew")
    assert "set the clock" in waits["message"], waits
    for uuid in uuids:
        installation.annotate("device", f"sensors-{uuid}", reconcile_requested_at="now")
        wait_until(lambda: installation.get("device", f"sensors-{uuid}")["status"].get("lastHandledReconcileAt") == "now",
                   "a pass")
    sweeps(installation, 3)
    assert writes(sandbox) == {}

    clock.step("+0")
    wait_until(lambda: condition(installation.get("fleet", "sensors"), "ClockSkew") is None, "the condition's end")
    installation.wait_condition("device", f"sensors-{new}", status="True")
    sweeps(installation, 3)
    assert_provisioned(sandbox, [new, *uuids])
    assert writes(sandbox) == {"clearblade.device.create": 1, "balena.variable.create": 4}
    assert f"balena-{gone}" in sandbox.registrations()
    for uuid in (new, *uuids):
        installation.wait_condition("device", f"sensors-{uuid}", status="True")
        assert installation.get("device", f"sensors-{uuid}")["status"]["key"]["generation"] == 0
    now = installation.lease()
    assert (now["holderIdentity"], now["leaseTransitions"]) == (lease["holderIdentity"], lease["leaseTransitions"])
    assert replica.leads() and "the lease is lost" not in replica.log
