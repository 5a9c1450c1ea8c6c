"""A sync that stays: what it says of itself, how it is told to read again, and how it ends."""

import signal

from harness import PATIENCE, assert_provisioned, wait_until


def wait_for_log(site, process, text):
    wait_until(lambda: text in site.log_of(process), f"{text!r} in the log")


def test_it_says_what_it_looks_after_and_that_it_ends(sandbox, site):
    process = site.start("sync")
    wait_for_log(site, process, "looking after a fleet")
    code, log = site.finish(process)
    assert code == 0
    assert "started" in log and "acme/sensors" in log and "stopping" in log


def test_sighup_has_all_read_again(sandbox, site):
    process = site.start("sync")
    wait_for_log(site, process, "looking after a fleet")
    process.send_signal(signal.SIGHUP)
    wait_for_log(site, process, "files read again")
    code, log = site.finish(process)
    assert code == 0 and "secrets read again" in log


def test_a_renewed_secret_takes_effect_without_a_sweep_being_due(sandbox, site):
    uuids = sandbox.add_devices(2)
    site.fleet(syncInterval="24h")
    sandbox.give_secret("balena", "token", "not-the-token")
    process = site.start("sync")
    wait_for_log(site, process, "Secret default/balena")
    sandbox.give_secret("balena", "token", sandbox.ready["token"])
    wait_until(lambda: len(sandbox.registrations()) == 2, "the devices' provisioning")
    wait_until(lambda: all(sandbox.variable(uuid, "GCP_PRIVATE_KEY", "relay") for uuid in uuids))
    site.finish(process)
    assert_provisioned(sandbox, uuids)


def test_a_bad_edit_that_vanishes_is_said_to_have(sandbox, site):
    process = site.start("sync")
    wait_for_log(site, process, "looking after a fleet")
    broken = site.directory / "broken.yaml"
    broken.write_text("kind: [")
    wait_for_log(site, process, "the changed files are not used")
    broken.unlink()
    wait_for_log(site, process, "files are again what is in force")
    site.finish(process)


def test_a_second_signal_ends_it_at_once(sandbox, site):
    sandbox.add_devices(1)
    hold = sandbox.hold("clearblade.device.create")
    process = site.start("sync", "--shutdown-grace", "10m")
    try:
        wait_until(lambda: sandbox.holds()[hold]["held"], "the hold")
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: process.send_signal(signal.SIGTERM) or process.poll() is not None,
                   "its end", PATIENCE / 2)
        assert process.returncode == 128 + signal.SIGTERM
    finally:
        process.kill()
        sandbox.end_hold(hold, release=False)


def test_without_a_seed_no_second_process_writes_keys(sandbox, site):
    uuid = sandbox.add_devices(1)[0]
    (sandbox.secrets / "bco-key-seed" / "seed").unlink()
    (sandbox.secrets / "bco-key-seed").rmdir()
    process = site.start("sync")
    wait_for_log(site, process, "looking after a fleet")
    done = site.run("provision", uuid)
    assert done.returncode == 2 and "without a key seed" in done.stderr
    site.finish(process)
    assert site.run("provision", uuid).returncode == 0
