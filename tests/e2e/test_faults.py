"""Whatever goes wrong with any request: the operator converges, with one registration and one working key a device."""

import pytest

from cells import BY_COMMAND, COMMAND_IDS, COMMAND_TABLE, IDS, SCENARIOS, SWEEP, TABLE, TOKEN, before
from harness import SANITIZED

LATE = "200ms"
FAULTS = {
    "500 before": {"type": "status", "status": 500},
    "500 after": {"type": "status", "status": 500, "when": "after"},
    "reset before": {"type": "reset"},
    "reset after": {"type": "reset", "when": "after"},
    "hang": {"type": "hang"},
    "late effect": {"type": "late", "delay": LATE},
    "429 with Retry-After": {"type": "status", "status": 429, "retryAfter": "1"},
    "429 without": {"type": "status", "status": 429},
    "HTML 502": {"type": "status", "status": 502, "body": "html", "when": "after"},
}
# Which of the requests of the kind. Two devices are worked on at once, four variables written; a
# sweep sends one of each, and then one more because of the fault.
STRIKES = {
    "the first": {"count": 1},
    "the first two": {"count": 2},
    "the second": {"skip": 1, "count": 1},
}


def play(cell, kind, fault, strike):
    rule = cell.sandbox.fault(kind, **FAULTS[fault], **STRIKES[strike])
    done = cell.sync()
    seen = cell.sandbox.faults()[rule]
    assert seen["struck"] > 0, "the fault has not been tried"
    if fault == "late effect":
        # What comes late may undo what was made meanwhile: the next run sees to it.
        cell.sandbox.outwait(LATE)
        done = cell.sync()
    cell.assert_converged(done)


@pytest.mark.parametrize(("scenario", "kind"), TABLE, ids=IDS)
def test_converges_whatever_goes_wrong(pool, scenario, kind):
    strikes = ["the first two"] if SANITIZED or kind in (*SWEEP, TOKEN) else list(STRIKES)
    pool.run(scenario, lambda cell, part: play(cell, kind, *part),
             [(fault, strike) for fault in FAULTS for strike in strikes])


@pytest.mark.parametrize(("command", "kind"), COMMAND_TABLE, ids=COMMAND_IDS)
def test_the_commands_for_one_device_converge_too(pool, command, kind):
    def strike(cell, fault):
        rule = cell.sandbox.fault(kind, **FAULTS[fault], count=1)
        for uuid in cell.uuids:
            done = cell.run(command, uuid)
            assert done.returncode == 0, done.stdout + done.stderr
        assert cell.sandbox.faults()[rule]["struck"] == 1, "the fault has not been tried"
        if fault == "late effect":
            cell.sandbox.outwait(LATE)
            done = cell.sync()
        cell.assert_converged(done)

    pool.run(before(command), strike, list(FAULTS))


@pytest.mark.parametrize("command", BY_COMMAND)
def test_the_table_of_the_commands_is_complete(pool, command):
    def unharmed(cell, _):
        cell.sandbox.reset_traffic()
        for uuid in cell.uuids:
            done = cell.run(command, uuid)
            assert done.returncode == 0, done.stdout + done.stderr
        assert set(cell.sandbox.requests()) == set(BY_COMMAND[command])

    pool.run(before(command), unharmed, ["unharmed"])


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[each.__name__ for each in SCENARIOS])
def test_the_table_is_complete(pool, scenario):
    def unharmed(cell, _):
        cell.sandbox.reset_traffic()
        cell.assert_converged(cell.sync())
        assert set(cell.sandbox.requests()) == {*SCENARIOS[scenario], TOKEN}

    pool.run(scenario, unharmed, ["unharmed"])
