"""What a kubelet is told: a process is ready when its caches are filled, and alive while its loops come round."""

import json
import os
import threading

from harness import wait_until
from scrapes import metrics_url, scrape
from test_scenario_outage import change_rights, give_rights, without

HEALTH = ("--health-addr", "127.0.0.1:0", "--shutdown-grace", "1s")
# A loop that has not come round for 20 s beyond the renew deadline hangs.
SHORT_DEADLINES = ("--renew-deadline", "2s", "--retry-period", "500ms", "--attempt-deadline", "500ms")
OK, NOT_FILLED = (200, "ok\n"), (503, "the caches have not been filled yet\n")


class SlowToken:
    """A kubeconfig whose token is read from a file that gives nothing until told to, as on a file server that hangs."""

    def __init__(self, kubeconfig):
        text = json.loads(kubeconfig.read_text())
        user = text["users"][0]["user"]
        self._token = user.pop("token")
        self._pipe = kubeconfig.with_suffix(".token")
        os.mkfifo(self._pipe)
        user["tokenFile"] = str(self._pipe)
        self.kubeconfig = kubeconfig.with_suffix(".slow")
        self.kubeconfig.write_text(json.dumps(text))

    def give(self):
        self._pipe.write_text(self._token)


def test_a_hanging_loop_ends_its_life_and_a_silent_api_server_does_not(make_cluster, make_installation, sandbox):
    cluster = make_cluster()
    installation = make_installation(cluster, cluster.add_namespace("test"), sandbox).registry()
    kubeconfig = installation.operator_kubeconfig()
    token = SlowToken(kubeconfig)
    cluster.server.freeze()
    try:
        waiting = installation.start(*HEALTH, *SHORT_DEADLINES, kubeconfig=kubeconfig)
        assert waiting.health("/livez") == OK
        hanging = installation.start(*HEALTH, *SHORT_DEADLINES, kubeconfig=token.kubeconfig)
        assert hanging.health("/livez") == OK
        wait_until(lambda: hanging.health("/livez") == (503, "leader election hangs\n"), "the end of life")
        # It has waited for as long, and is right to: no restart brings the API server back.
        assert waiting.health("/livez") == OK
        for each in (waiting, hanging):
            assert each.health("/readyz") == NOT_FILLED
    finally:
        cluster.server.thaw()
    threading.Thread(target=token.give, daemon=True).start()  # its file is open once both sides have opened it
    for each in (waiting, hanging):
        wait_until(lambda: each.health("/readyz") == OK and each.health("/livez") == OK, "readiness")
    assert [each.leads() for each in (waiting, hanging)].count(True) <= 1


def test_who_may_not_see_all_that_it_needs_lives_and_is_not_ready_and_its_metrics_say_since_when(installation, sandbox):
    kubeconfig = installation.operator_kubeconfig()
    change_rights(installation, without("balenafleets"))
    replica = installation.start(*HEALTH, "--metrics-addr", "127.0.0.1:0", kubeconfig=kubeconfig)
    wait_until(lambda: "balenafleets" in replica.log, "a word about it")
    assert replica.health("/readyz") == NOT_FILLED
    assert replica.health("/livez") == OK

    def age():
        return scrape(metrics_url(replica.log)).value("balena_clearblade_watch_age_seconds", resource="balenafleets")

    first = age()
    wait_until(lambda: age() > first + 1, "the growing age of a watch that has never been answered")
    give_rights(installation)
    wait_until(lambda: replica.health("/readyz") == OK, "readiness")
    assert age() < first + 1
