"""Two processes with one seed at work on one fleet, which a hand-over may bring about."""

import pytest

from harness import Site, assert_provisioned, wait_until


@pytest.mark.concurrent
def test_two_processes_with_one_seed_do_each_other_no_harm(tmp_path, make_sandbox):
    sandbox = make_sandbox()
    sandbox.call("PATCH", "settings", {"devices": {"publishInterval": "200ms"}})
    uuids = sandbox.add_devices(200)

    def summary():
        return sandbox.get("summary")

    # Their containers run, so that every change of a variable is seen.
    wait_until(lambda: summary()["starts"] >= 200, "the devices' start")
    sites = [Site(tmp_path / name, sandbox).registry().fleet() for name in ("one", "other")]
    # Both have read that there are no registrations before either goes on.
    holds = [sandbox.hold("clearblade.device.list", "after", number) for number in (1, 2)]
    processes = [site.start("sync", "--once", "--timeout", "60s") for site in sites]
    wait_until(lambda: all(sandbox.holds()[hold]["held"] for hold in holds), "both sweeps")
    for hold in holds:
        sandbox.end_hold(hold)
    ends = [site.finish(process, how=0) for site, process in zip(sites, processes)]
    for code, text in ends:
        assert code == 0, text
    creates = sandbox.get("traffic")["kinds"]["clearblade.device.create"]["statuses"]
    assert creates["200"] == 200 and creates["409"] > 0, "they have been in each other's way"
    assert_provisioned(sandbox, uuids)
    registrations = sandbox.registrations()
    assert len(registrations) == 200

    # Every device publishes, with the key it was given first, and none was ever refused.
    wait_until(lambda: summary()["relays"] == {"running": 200}, "the devices' restart")
    already = summary()["publishes"]["accepted"]
    wait_until(lambda: summary()["publishes"]["accepted"] >= already + 400, "publishes")
    assert sandbox.get("refusals")["refusals"] == []
    assert summary()["publishes"]["refused"] == {}
    assert summary()["maxRestarts"] == 1
