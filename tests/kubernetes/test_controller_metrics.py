"""What the replicas of a controller serve at /metrics."""

from harness import wait_until
from scrapes import documented, metrics_url, scrape, scrape_until


def serving(replica):
    return wait_until(lambda: metrics_url(replica.log), "serving")


def test_the_leader_serves_all_that_is_documented_and_no_more(sandbox, installation):
    sandbox.add_devices(3)
    installation.fleet()
    replica = installation.start("--metrics-addr", "127.0.0.1:0", "--metrics-per-device")
    installation.wait_ready(3)
    found = scrape_until(serving(replica), lambda found: found.value("balena_clearblade_devices", state="Ready") == 3,
                         "readiness")
    table = documented()
    assert set(found.types) == set(table)
    for name, labels, _ in found.samples:
        assert set(labels) - {"le"} == table[found.family_of(name)].labels, name
    assert found.value("leader_election_master_status") == 1
    for resource in ("balenadevices", "balenafleets", "clearbladeregistries", "leases"):
        assert 0 <= found.value("balena_clearblade_watch_age_seconds", resource=resource) < 600
    assert found.value("balena_clearblade_upstream_requests_total", upstream="kube", kind="apply", code="200") > 0


def test_who_stands_by_shows_nothing_a_second_time(sandbox, installation):
    sandbox.add_devices(2)
    installation.fleet()
    leader = installation.start("--metrics-addr", "127.0.0.1:0")
    wait_until(leader.leads, "leading")
    other = installation.start("--metrics-addr", "127.0.0.1:0", "--health-addr", "127.0.0.1:0")
    installation.wait_ready(2)
    scrape_until(serving(leader), lambda found: found.value("balena_clearblade_devices", state="Ready") == 2, "readiness")
    wait_until(lambda: other.health("/readyz")[0] == 200, "its caches")
    found = scrape(serving(other))
    assert found.value("leader_election_master_status") == 0
    table = documented()
    assert set(found.types) == {name for name, row in table.items() if row.served_by.startswith("all replicas")}
    assert leader.stop() == 0
    scrape_until(serving(other), lambda found: found.value("balena_clearblade_devices", state="Ready") == 2, "the taking over")
    assert scrape(serving(other)).value("leader_election_master_status") == 1
