"""The main job on real input: files in, a fleet provisioned and able to publish."""

import json

from harness import VARIABLES, Site, assert_provisioned, wait_until


def test_provisions_a_discovered_fleet(sandbox, site):
    uuids = sandbox.add_devices(20)
    done = site.sync_once()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "20 of 20 devices in sync" in done.stdout
    assert_provisioned(sandbox, uuids)
    assert len(sandbox.registrations()) == 20


def test_provisions_declared_devices_with_device_variables(tmp_path, sandbox):
    uuids = sandbox.add_devices(5, "acme/gateways")
    site = Site(tmp_path / "declared", sandbox).registry()
    site.fleet("gateways", "acme/gateways", service=None, devices="Declared")
    for uuid in uuids[:3]:
        site.device(uuid, fleet="gateways")
    done = site.sync_once()
    assert done.returncode == 0, done.stdout + done.stderr
    assert_provisioned(sandbox, uuids[:3], service=None)
    assert len(sandbox.registrations()) == 3, "the others were not declared"


def test_works_over_tls(tmp_path, sandbox):
    uuids = sandbox.add_devices(3)
    site = Site(tmp_path / "tls", sandbox, tls=True).registry().fleet()
    done = site.sync_once()
    assert done.returncode == 0, done.stdout + done.stderr
    assert_provisioned(sandbox, uuids)


def test_a_second_run_changes_nothing(sandbox, site):
    sandbox.add_devices(10)
    assert site.sync_once().returncode == 0
    sandbox.reset_traffic()
    assert site.sync_once().returncode == 0
    writes = [kind for kind in sandbox.requests()
              if kind.endswith((".create", ".update", ".delete", ".patch"))]
    assert writes == []


def test_plan_shows_what_sync_would_do_and_writes_nothing(sandbox, site):
    uuids = sandbox.add_devices(2)
    table = site.run("plan")
    assert table.returncode == 0, table.stderr
    assert "2 of 2 devices to be changed" in table.stdout
    plan = json.loads(site.run("plan", "-o", "json").stdout)
    assert {device["uuid"] for device in plan["devices"]} == set(uuids)
    for device in plan["devices"]:
        assert device["verdict"] == "Act" and device["reason"] == "NotRegistered"
        assert len(device["steps"]) == 2
    assert sandbox.registrations() == {}


def test_plan_adopt_shows_what_somebody_else_has_registered_and_what_is_half_done(sandbox, site):
    whole, half, expired, ours = sandbox.add_devices(4)
    assert site.sync_once().returncode == 0
    # As the cloud function leaves them: without a mark; and where it broke off, without the key.
    for uuid in (whole, half, expired):
        name = f"balena-{uuid}"
        credentials = sandbox.registrations()[name]["credentials"]
        if uuid == expired:
            credentials[0]["expirationTime"] = "2026-01-31T00:00:00Z"
        sandbox.call("PATCH", f"registrations/{name}", {"metadata": {}, "credentials": credentials})
    sandbox.remove_variable(half, "GCP_PRIVATE_KEY", "relay")
    new, = sandbox.add_devices(1)
    before = sandbox.registrations()

    def planned():
        done = site.run("plan", "--adopt", "-o", "json")
        assert done.returncode == 0, done.stderr
        return {each["uuid"]: (each["verdict"], each["reason"])
                for each in json.loads(done.stdout)["devices"]}

    assert planned() == {whole: ("Act", "Adopted"), half: ("Refuse", "KeyMismatch"),
                         expired: ("Refuse", "KeyMismatch")}
    assert {ours, new}.isdisjoint(planned())
    table = site.run("plan", "--adopt").stdout
    assert f"{half}  Refuse   KeyMismatch: " in table and "no key is stored on the device" in table
    assert "1 of 3 devices to be changed" in table
    site.fleet(adoption="Always")
    assert planned() == {uuid: ("Act", "Adopted") for uuid in (whole, half, expired)}
    site.fleet(adoption="Never")
    assert planned() == {uuid: ("Refuse", "AdoptionDisabled") for uuid in (whole, half, expired)}
    assert sandbox.registrations() == before, "nothing was written"


def test_provision_and_deprovision_one_device(tmp_path, sandbox):
    uuids = sandbox.add_devices(2)
    site = Site(tmp_path / "one", sandbox).registry().fleet(devices="Declared")
    done = site.run("provision", uuids[0])
    assert done.returncode == 0, done.stderr
    assert_provisioned(sandbox, uuids[:1])
    assert len(sandbox.registrations()) == 1
    done = site.run("deprovision", uuids[0])
    assert done.returncode == 0, done.stderr
    assert sandbox.registrations() == {}
    assert [sandbox.variable(uuids[0], name, "relay") for name in VARIABLES] == [None] * 4


def test_deprovisioning_what_the_files_desire_is_refused(sandbox, site):
    uuid = sandbox.add_devices(1)[0]
    assert site.sync_once().returncode == 0
    refused = site.run("deprovision", uuid)
    assert refused.returncode == 2
    assert "state: Absent" in refused.stderr
    assert_provisioned(sandbox, [uuid])


def test_absent_removes_and_keeps_away(sandbox, site):
    uuids = sandbox.add_devices(2)
    assert site.sync_once().returncode == 0
    site.device(uuids[0], state="Absent")
    assert site.sync_once().returncode == 0
    assert list(sandbox.registrations()) == [f"balena-{uuids[1]}"]
    assert sandbox.variable(uuids[0], "GCP_PRIVATE_KEY", "relay") is None


def test_a_changed_file_takes_effect_and_a_broken_one_does_not(sandbox, site):
    process = site.start("sync")
    try:
        first = sandbox.add_devices(1)[0]
        wait_until(lambda: f"balena-{first}" in sandbox.registrations(), "provisioning")
        other = sandbox.add_devices(1, "acme/gateways")[0]
        site.fleet("gateways", "acme/gateways", service="main", devices="Declared")
        site.device(other, fleet="gateways")
        wait_until(lambda: f"balena-{other}" in sandbox.registrations(), "the new document")
        (site.directory / "broken.yaml").write_text("kind: [")
        later = sandbox.add_devices(1)[0]
        wait_until(lambda: f"balena-{later}" in sandbox.registrations(), "work with the old set")
        wait_until(lambda: "broken.yaml:" in (site.directory.parent / process.log.name).read_text(),
                   "the complaint")
    finally:
        code, text = site.finish(process)
    assert code == 0, text


def test_removing_a_document_changes_nothing_in_the_clouds(tmp_path, sandbox):
    uuid = sandbox.add_devices(1)[0]
    site = Site(tmp_path / "removed", sandbox).registry().fleet(devices="Declared").device(uuid)
    assert site.sync_once().returncode == 0
    (site.directory / f"device-{uuid}.json").unlink()
    assert site.sync_once().returncode == 0
    assert_provisioned(sandbox, [uuid])


def test_a_suspended_fleet_is_left_alone_and_counted(sandbox, site):
    uuids = sandbox.add_devices(3)
    done = site.fleet(suspend=True).sync_once()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 of 3 devices in sync, 3 suspended" in done.stdout
    assert not sandbox.registrations()
    done = site.fleet().sync_once()
    assert "3 of 3 devices in sync\n" in done.stdout
    assert_provisioned(sandbox, uuids)
