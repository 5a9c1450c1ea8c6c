"""An installation with a new owner id takes over what the former one has made."""

from harness import Site, assert_provisioned, wait_until


def owners(sandbox):
    return {id: each["metadata"].get("bco-owner") for id, each in sandbox.registrations().items()}


def test_a_new_owner_id_comes_in_after_a_dry_run_without_a_restart(tmp_path, sandbox):
    uuids = sandbox.add_devices(3)
    foreign = sandbox.add_devices(1, "acme/gateways")
    site = Site(tmp_path / "site", sandbox).registry(ownerId="old-cluster").fleet()
    site.fleet("gateways", "acme/gateways", "main")
    assert site.sync_once().returncode == 0
    sandbox.call("PATCH", f"registrations/balena-{uuids[0]}", {"metadata": {
        **sandbox.registrations()[f"balena-{uuids[0]}"]["metadata"], "site": "roof"}})
    before = sandbox.registrations()
    keys = [sandbox.variable(uuid, "GCP_PRIVATE_KEY", "relay") for uuid in uuids]

    # The new cluster looks after one of the two fleets.
    rebuilt = Site(tmp_path / "rebuilt", sandbox).registry(ownerId="new-cluster").fleet()
    done = rebuilt.sync_once()
    assert done.returncode == 1 and "NotOurs" in done.stdout

    sandbox.reset_traffic()
    done = rebuilt.run("handover", "--from", "old-cluster", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "3 would be handed over, 1 left alone, 0 failed" in done.stdout
    assert f"balena-{foreign[0]}  left alone" in done.stdout
    assert "clearblade.device.patch" not in sandbox.requests()
    assert sandbox.registrations() == before

    # One fails, and comes with the next run.
    sandbox.fault("clearblade.device.patch", "status", status=400, count=1)
    done = rebuilt.run("handover", "--from", "old-cluster")
    assert done.returncode == 1
    assert "2 handed over, 1 left alone, 1 failed" in done.stdout
    done = rebuilt.run("handover", "--from", "old-cluster")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 handed over, 1 left alone, 0 failed" in done.stdout
    assert owners(sandbox) == {f"balena-{uuid}": "new-cluster" for uuid in uuids} | {
        f"balena-{foreign[0]}": "old-cluster"}
    after = sandbox.registrations()
    for id, registration in after.items():
        assert registration["credentials"] == before[id]["credentials"]
        expected = dict(before[id]["metadata"]) | {"bco-owner": registration["metadata"]["bco-owner"]}
        assert registration["metadata"] == expected

    done = rebuilt.sync_once()
    assert done.returncode == 0, done.stdout
    assert_provisioned(sandbox, uuids)
    assert keys == [sandbox.variable(uuid, "GCP_PRIVATE_KEY", "relay") for uuid in uuids]


def test_what_can_not_be_handed_over_is_said_before_anything_is_written(tmp_path, sandbox):
    sandbox.add_devices(1)
    site = Site(tmp_path / "site", sandbox).registry().fleet()
    assert site.sync_once().returncode == 0
    done = site.run("handover", "--from", "site-a")
    assert done.returncode == 2 and "already" in done.stderr
    broken = Site(tmp_path / "broken", sandbox).registry(ownerId="b").fleet(slug="acme/none")
    done = broken.run("handover", "--from", "site-a")
    assert done.returncode == 1 and "acme/none" in done.stderr
    assert set(owners(sandbox).values()) == {"site-a"}
    done = site.run("handover")
    assert done.returncode == 2 and "--from" in done.stderr


def test_it_does_not_write_beside_a_sync_of_the_same_files(tmp_path, sandbox):
    sandbox.add_devices(1)
    assert Site(tmp_path / "old", sandbox).registry(ownerId="old").fleet().sync_once().returncode == 0
    site = Site(tmp_path / "site", sandbox).registry(ownerId="new").fleet()
    process = site.start("sync")
    try:
        wait_until(lambda: "NotOurs" in site.log_of(process), "the first sweep")
        done = site.run("handover", "--from", "old")
        assert done.returncode == 2 and "another process is syncing files of this directory" in done.stderr
        assert set(owners(sandbox).values()) == {"old"}
        done = site.run("handover", "--from", "old", "--dry-run")
        assert done.returncode == 0 and "1 would be handed over" in done.stdout, "which only reads"
    finally:
        code, text = site.finish(process)
    assert code == 0, text
