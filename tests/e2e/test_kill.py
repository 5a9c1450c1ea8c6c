"""Killed at any point, the operator leaves nothing that its next run does not put right."""

import signal

import pytest

from cells import DEVICES, IDS, SWEEP, TABLE
from harness import wait_until

# The variables of one device are written together: killed at each of them.
WRITTEN_TOGETHER = {"balena.variable.create": 4}


def play(scenario, cell, kind, when, number, comes_late):
    hold = cell.sandbox.hold(kind, when, number)
    process = cell.start()
    wait_until(lambda: cell.sandbox.holds()[hold]["held"], f"{kind}, number {number}")
    code, _ = cell.site.finish(process, signal.SIGKILL)
    assert code == -signal.SIGKILL
    # What the dead process has sent is lost on its way, or has arrived all the same.
    cell.sandbox.end_hold(hold, release=comes_late)
    cell.assert_converged(cell.sync())


@pytest.mark.parametrize(("scenario", "kind"), TABLE, ids=IDS)
def test_the_next_run_converges_wherever_it_was_killed(pool, scenario, kind):
    last = 1 if kind in SWEEP else DEVICES
    if scenario.__name__ == "provision":
        last *= WRITTEN_TOGETHER.get(kind, 1)
    pool.run(scenario, lambda cell, part: play(scenario, cell, kind, *part),
             [(when, number, comes_late) for when in ("before", "after")
              for number in range(1, last + 1) for comes_late in (False, True)])
