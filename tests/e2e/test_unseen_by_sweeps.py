"""What a sweep's lists do not show by themselves: said all the same, or found when asked to."""

import json

from harness import VARIABLES, assert_provisioned, wait_until


def test_a_blocked_registration_is_shown_and_left_blocked(sandbox, site):
    blocked, other = sandbox.add_devices(2)
    assert site.sync_once().returncode == 0
    sandbox.call("PATCH", f"registrations/balena-{blocked}", {"blocked": True})
    plan = site.run("plan")
    assert f"{blocked}  Blocked  BlockedInRegistry" in plan.stdout and other not in plan.stdout
    once = site.sync_once()
    assert once.returncode == 0
    assert f"{blocked}  Ready  BlockedInRegistry" in once.stdout and other not in once.stdout
    process = site.start("sync")
    wait_until(lambda: "BlockedInRegistry" in site.log_of(process), "the word of it in the log")
    sandbox.call("PATCH", f"registrations/balena-{blocked}", {"blocked": False})
    wait_until(lambda: "Unblocked" in site.log_of(process), "the word of its end")
    _, log = site.finish(process)
    assert log.count("BlockedInRegistry") == 1


def test_a_key_that_is_at_another_place_too_is_told_of(sandbox, site):
    copied, other = sandbox.add_devices(2)
    assert site.sync_once().returncode == 0
    key = sandbox.variable(copied, "GCP_PRIVATE_KEY", "relay")
    sandbox.set_variable(copied, "GCP_PRIVATE_KEY", key)
    assert "CopyOfKey" not in site.run("plan").stdout  # a sweep does not see keys
    plan = site.run("plan", "--verify")
    assert f"{copied}  KeyElsewhere  CopyOfKey: " in plan.stdout and other not in plan.stdout
    listed = {each["uuid"]: each["notices"] for each in json.loads(site.run("plan", "--verify", "-o", "json").stdout)["devices"]}
    assert listed[copied].keys() == {"KeyElsewhere"} and listed[other] == {}
    once = site.sync_once("--verify")
    assert once.returncode == 0
    assert f"{copied}  Ready  CopyOfKey" in once.stdout and other not in once.stdout
    assert sandbox.variable(copied, "GCP_PRIVATE_KEY") == key


def test_an_edited_key_is_found_by_a_run_that_verifies(sandbox, site):
    edited, other = sandbox.add_devices(2)
    assert site.sync_once().returncode == 0
    key = sandbox.variable(other, "GCP_PRIVATE_KEY", "relay")
    sandbox.set_variable(edited, "GCP_PRIVATE_KEY", key, "relay")
    assert "0 of 2 devices" in site.run("plan").stdout
    assert "1 of 2 devices" in site.run("plan", "--verify").stdout
    assert site.sync_once("--verify").returncode == 0
    assert_provisioned(sandbox, [edited, other])


def test_an_emptied_fleet_is_believed_once_its_devices_are_declared_absent(sandbox, site):
    uuids = sandbox.add_devices(2)
    assert site.sync_once().returncode == 0
    for uuid in uuids:
        sandbox.call("DELETE", f"devices/{uuid}")
    told = site.run("plan")
    assert told.returncode == 1 and "not believed" in told.stdout
    assert all(uuid in told.stdout for uuid in uuids)
    for uuid in uuids:
        site.device(uuid, state="Absent")
    done = site.sync_once()
    assert done.returncode == 0, done.stdout
    assert sandbox.registrations() == {}


def test_a_removal_knows_variables_without_a_path_by_their_key(sandbox, site):
    uuid = sandbox.add_devices(1)[0]
    assert site.sync_once().returncode == 0
    sandbox.remove_variable(uuid, "GCP_CLIENT_PATH", "relay")
    site.device(uuid, state="Absent")
    assert site.sync_once().returncode == 0
    assert sandbox.registrations() == {}
    assert not any(sandbox.variable(uuid, name, "relay") for name in VARIABLES)


def test_a_removal_names_a_key_of_which_nobody_knows_whose_it_is(sandbox, site):
    uuid = sandbox.add_devices(1)[0]
    site.fleet(devices="Declared").device(uuid)
    assert site.sync_once().returncode == 0
    sandbox.remove_variable(uuid, "GCP_CLIENT_PATH", "relay")
    sandbox.set_variable(uuid, "GCP_PRIVATE_KEY", "somebody's", "relay")
    (site.directory / f"device-{uuid}.json").unlink()
    for _ in range(2):  # while there is a registration, and without
        done = site.run("deprovision", uuid)
        assert done.returncode == 1 and "VariablesLeft" in done.stderr, done.stdout + done.stderr
        assert sandbox.registrations() == {}
    site.device(uuid, state="Absent")
    once = site.sync_once()
    assert once.returncode == 1 and "GCP_PRIVATE_KEY" in once.stdout
    assert sandbox.variable(uuid, "GCP_PRIVATE_KEY", "relay") == "somebody's"


def test_a_service_that_is_renamed_gets_the_key_and_the_old_one_is_told_of(sandbox, site):
    uuids = sandbox.add_devices(2)
    assert site.sync_once().returncode == 0
    before = sandbox.registrations()
    sandbox.call("PATCH", "fleets/acme/sensors", {"addService": "relay-2", "release": True})
    site.fleet(service="relay-2")
    done = site.sync_once("--verify")
    assert done.returncode == 0, done.stdout
    assert_provisioned(sandbox, uuids, service="relay-2")
    for id, registration in sandbox.registrations().items():
        assert registration["credentials"] == before[id]["credentials"], "the same key, and no other"
    again = site.sync_once("--verify")
    assert again.stdout.count("CopyOfKey: a registered key of this device is also on service relay,") == len(uuids)
