"""Stale registrations in a cluster: what the fleet's status says of them, and approval by annotation."""

from cluster import GROUP
from harness import wait_until
from installation import condition

RULES = {"policy": "Delete", "after": "0s", "maxPerSync": 2}


def removal(installation):
    return installation.get("fleet", "sensors")["status"]["removal"]


def delete(sandbox, uuids):
    for uuid in uuids:
        sandbox.call("DELETE", f"devices/{uuid}")


def counted(installation):
    return sum(each["count"] for each in removal(installation).get("recent", []))


def wait_left(sandbox, uuids):
    wait_until(lambda: set(sandbox.registrations()) == {f"balena-{uuid}" for uuid in uuids},
               "the registry's rest")


def test_the_brake_halts_until_its_set_is_approved(installation, sandbox):
    uuids = sandbox.add_devices(50)
    installation.fleet(stale=RULES | {"maxPercent": 100}, syncInterval="1s").start()
    installation.wait_ready(50)
    delete(sandbox, uuids[:3])
    halted = installation.wait_condition("fleet", "sensors", "RemovalHalted", status="True",
                                         reason="TooManyAtOnce")
    seen = removal(installation)
    assert seen["halted"] and seen["candidates"] == 3 and seen["since"]
    assert seen["set"] in halted["message"]
    assert len(sandbox.registrations()) == 50
    assert any(event["reason"] == "RemovalHalted" for event in installation.events("sensors"))

    installation.kubectl("annotate", "bfleet", "sensors", f"{GROUP}/approve-removals=0123456789abcdef")
    installation.wait_condition("fleet", "sensors", "RemovalHalted", status="True")
    assert len(sandbox.registrations()) == 50
    installation.kubectl("annotate", "--overwrite", "bfleet", "sensors",
                         f"{GROUP}/approve-removals={seen['set']}")
    wait_left(sandbox, uuids[3:])
    wait_until(lambda: len(installation.devices()) == 47, "the end of their objects")
    wait_until(lambda: not removal(installation)["halted"], "the end of the halt")
    assert condition(installation.get("fleet", "sensors"), "RemovalHalted") is None
    assert counted(installation) == 0


def test_the_next_leader_knows_what_was_removed_today(installation, sandbox):
    uuids = sandbox.add_devices(50)
    installation.fleet(stale=RULES | {"maxPerDay": 2}, syncInterval="1s")
    first = installation.start()
    installation.wait_ready(50)
    delete(sandbox, uuids[:2])
    wait_left(sandbox, uuids[2:])
    wait_until(lambda: counted(installation) == 2, "the count")
    assert first.stop() == 0
    delete(sandbox, uuids[2:3])
    installation.start()
    installation.wait_condition("fleet", "sensors", "RemovalHalted", status="True",
                                reason="TooManyToday")
    assert len(sandbox.registrations()) == 48
    assert counted(installation) == 2
    installation.fleet(stale=RULES | {"maxPerDay": 3}, syncInterval="1s")
    wait_left(sandbox, uuids[3:])
    assert counted(installation) == 3


def test_declared_devices_say_that_they_have_gone(installation, sandbox):
    uuids = sandbox.add_devices(3)
    installation.fleet(devices="Declared", stale=RULES, syncInterval="1s")
    for uuid in uuids:
        installation.device(uuid)
    installation.start()
    installation.wait_ready(3)
    delete(sandbox, uuids[:1])
    installation.wait_condition("device", f"d-{uuids[0]}", reason="StaleRemoved")
    status = installation.get("device", f"d-{uuids[0]}")["status"]
    assert status["phase"] == "Stale" and status["absentSince"] and "registration" not in status
    wait_left(sandbox, uuids[1:])


def test_deletions_by_the_fleets_policy_are_counted_and_limited(installation, sandbox):
    uuids = sandbox.add_devices(4)
    installation.fleet(devices="Declared", deletionPolicy="Delete", stale={"maxPerDay": 1})
    for uuid in uuids:
        installation.device(uuid)
    installation.device(uuids[3], deletionPolicy="Delete")
    installation.start()
    installation.wait_ready(4)
    installation.delete("device", f"d-{uuids[0]}")
    installation.wait_gone("device", f"d-{uuids[0]}")
    installation.delete("device", f"d-{uuids[1]}")
    installation.wait_condition("device", f"d-{uuids[1]}", reason="RemovalHalted")
    # A person has said Delete of this very device.
    installation.delete("device", f"d-{uuids[3]}")
    installation.wait_gone("device", f"d-{uuids[3]}")
    assert counted(installation) == 1
    wait_left(sandbox, uuids[1:3])
    installation.fleet(devices="Declared", deletionPolicy="Delete", stale={"maxPerDay": 2})
    installation.wait_gone("device", f"d-{uuids[1]}")
    assert counted(installation) == 2
