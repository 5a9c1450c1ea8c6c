"""Killed at any point, the operator leaves nothing that its next run does not put right."""

import signal

import pytest

from cells import COMMAND_IDS, COMMAND_TABLE, DEVICES, IDS, SWEEP, TABLE, TOKEN, before
from harness import wait_until

# The variables of one device are written together: killed at each of them.
WRITTEN_TOGETHER = {"balena.variable.create": 4}


def kill(cell, kind, when, number, comes_late, *command):
    hold = cell.sandbox.hold(kind, when, number)
    process = cell.start(*command)
    wait_until(lambda: cell.sandbox.holds()[hold]["held"], f"{kind}, number {number}")
    code, _ = cell.site.finish(process, signal.SIGKILL)
    assert code == -signal.SIGKILL
    # What the dead process has sent is lost on its way, or has arrived all the same.
    cell.sandbox.end_hold(hold, release=comes_late)


@pytest.mark.parametrize(("scenario", "kind"), TABLE, ids=IDS)
def test_the_next_run_converges_wherever_it_was_killed(pool, scenario, kind):
    last = 1 if kind in (*SWEEP, TOKEN) else DEVICES
    if scenario.__name__ == "provision":
        last *= WRITTEN_TOGETHER.get(kind, 1)

    def play(cell, part):
        kill(cell, kind, *part)
        cell.assert_converged(cell.sync())

    pool.run(scenario, play,
             [(when, number, comes_late) for when in ("before", "after")
              for number in range(1, last + 1) for comes_late in (False, True)])


@pytest.mark.parametrize(("command", "kind"), COMMAND_TABLE, ids=COMMAND_IDS)
def test_so_do_the_commands_for_one_device(pool, command, kind):
    last = WRITTEN_TOGETHER.get(kind, 1)

    def play(cell, part):
        kill(cell, kind, *part, command, cell.uuids[0])
        for uuid in cell.uuids:
            done = cell.run(command, uuid)
            assert done.returncode == 0, done.stdout + done.stderr
        cell.assert_converged(done)

    pool.run(before(command), play,
             [(when, number, comes_late) for when in ("before", "after")
              for number in range(1, last + 1) for comes_late in (False, True)])
