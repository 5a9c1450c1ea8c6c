"""Values that make no sense are refused before anything is rendered, and it is said which."""

import subprocess

import pytest
import yaml

from chart import BIN, CHART, helm

WRONG = {
    "image/pullPolicy": "Sometimes",
    "image/repository": "",
    "image/digest": "sha256:abc",
    "image/tag": "a tag",
    "imagePullSecrets/0": {"nme": "registry"},
    "scope": "Namespaced",
    "ownerId": 7,
    "replicas": "two",
    "leaderElection/leaseDuration": "1 minute",
    "log/level": "verbose",
    "workers": 0,
    "extraArgs": "--workers=3",
    "proxy/https": "proxy:3128",
    "endpoint/port": 443,
    "endpoint/auth": "basic",
    "endpoint/service/type": "Headless",
    "endpoint/tokenSecretName": "A",
    "endpoint/tls/secretName": "Not A Name",
    "metrics/serviceMonitor/interval": 30,
    "metrics/from/0": {"podSelektor": {}},
    "prometheusRule/runbookBaseUrl": "wiki",
    "prometheusRule/alertLabels/team": 7,
    "podDisruptionBudget/maxUnavailable": "half",
    "networkPolicy/apiServerPorts/0": 70000,
    "terminationGracePeriodSeconds": 0,
    "sandbox/devices": -1,
    "rbac/secretNames": "balena",
    "rbac/createSecretsIn/0": "Not A Name",
    "metrics/port": 8081,
    "podLabels/app.kubernetes.io~1component": "x",
    "commonLabels/app.kubernetes.io~1version": "x",
    "commonLabels/team": "a b c",
    "fullnameOverride": "1st",
    "endpoint/ingress/host": "not a host",
    "sandbox/image/tag": "bad tag",
    "networkPolicy/dnsTo/0/ipBlock/cidr": "192.0.2.1",
    "prometheusRule/job": 'a"b',
}
# Lease times, and further arguments, with which the program would end at once; and the field to change.
LEASES = [
    ({"renewDeadline": "1m"}, [], "leaseDuration"),
    ({"retryPeriod": "0s"}, [], "retryPeriod"),
    ({"renewDeadline": "30s"}, [], "renewDeadline"),
    ({"retryPeriod": "25s"}, [], "renewDeadline"),
    ({"retryPeriod": "33s"}, [], "renewDeadline"),
    ({"retryPeriod": "33s334ms"}, ["--attempt-deadline=1s"], "renewDeadline"),
    ({}, ["--attempt-deadline", "25s"], "renewDeadline"),
    ({}, ["--attempt-deadline=0.5m"], "renewDeadline"),
]
GOOD_LEASES = [
    ({"renewDeadline": "59s999ms"}, []),
    ({"renewDeadline": "30s1ms"}, []),
    ({"retryPeriod": "24s999ms"}, []),
    ({"retryPeriod": "33s333ms"}, ["--attempt-deadline=1s"]),
    ({"renewDeadline": "30s"}, ["--workers=3", "--attempt-deadline", "14.999s"]),
]


def nested(path, value):
    for name in reversed(path.split("/")):
        value = [value] if name == "0" else {name.replace("~1", "/"): value}
    return value


def lint(tmp_path, tree):
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(tree))
    return helm("template", "x", CHART, "--values", file)


@pytest.mark.parametrize("path", WRONG)
def test_a_wrong_value_is_refused_by_name(tmp_path, path):
    done = lint(tmp_path, nested(path, WRONG[path]))
    assert done.returncode != 0
    assert f"'/{path}'" in done.stderr, done.stderr


@pytest.mark.parametrize("name", ["my-team", "1st", "app.kubernetes.io/part-of", "__name__"])
def test_a_label_that_prometheus_would_refuse_is_refused(tmp_path, name):
    """With it, all rules."""
    said = lint(tmp_path, {"prometheusRule": {"alertLabels": {name: "x"}}}).stderr
    assert "'/prometheusRule/alertLabels" in said and name in said, said


@pytest.mark.parametrize("value", [0, "0%", "500%", "101%"])
def test_a_disruption_budget_is_one(tmp_path, value):
    """That is neither none nor more than there are."""
    assert "'/podDisruptionBudget/maxUnavailable'" in lint(tmp_path, {"podDisruptionBudget": {"maxUnavailable": value}}).stderr


@pytest.mark.parametrize("value", [1, "1%", "50%", "100%"])
def test_and_such_are_taken(tmp_path, value):
    assert lint(tmp_path, {"podDisruptionBudget": {"maxUnavailable": value}}).returncode == 0


@pytest.mark.parametrize("release", ["1st", "my.release"])
def test_a_release_after_which_no_service_can_be_named_is_refused(release):
    done = helm("template", release, CHART)
    assert done.returncode != 0 and "'/fullnameOverride'" in done.stderr
    assert helm("template", release, CHART, "--set", "fullnameOverride=first").returncode == 0


@pytest.mark.parametrize("path", ["imge", "image/registry", "networkPolicy/enable", "sandbox/image/digest", "metrics/servicemonitor"])
def test_a_value_that_is_not_there_is_refused_by_name(tmp_path, path):
    done = lint(tmp_path, nested(path, "x"))
    assert done.returncode != 0
    assert f"'{path.rpartition('/')[2]}'" in done.stderr, done.stderr


@pytest.mark.parametrize("tree, said", [
    ({"endpoint": {"ingress": {"enabled": True}}}, "'/endpoint/ingress/host'"),
    ({"endpoint": {"ingress": {"enabled": True, "host": "a.example.com"}}}, "'/endpoint/enabled'"),
    ({"endpoint": {"enabled": True, "port": 8082}}, "'/endpoint/port' and '/metrics/port'"),
    ({"shutdownGrace": "15s1ms"}, "'/shutdownGrace'"),
    ({"shutdownGrace": "1h", "terminationGracePeriodSeconds": 60}, "'/terminationGracePeriodSeconds'"),
    ({"proxy": {"https": "http://proxy:3128"}}, "'/networkPolicy/cloudPorts'"),
    ({"proxy": {"https": "http://proxy"}}, "'/networkPolicy/cloudPorts'"),
    ({"serviceAccount": {"create": False}}, "'/serviceAccount/name'"),
    ({"metrics": {"enabled": False}, "prometheusRule": {"enabled": True}}, "'/prometheusRule/enabled'"),
    ({"metrics": {"enabled": False, "serviceMonitor": {"enabled": True}}}, "'/metrics/serviceMonitor/enabled'"),
    ({"networkPolicy": {"cloudTo": [{"ipBlock": {"cidr": "192.0.2.7/32"}}]}}, "'/networkPolicy/apiServerTo'"),
    ({"endpoint": {"auth": "token"}}, "'/endpoint/tokenSecretName'"),
    ({"scope": "Namespace", "rbac": {"createSecretsIn": ["north"]}}, "'/rbac/createSecretsIn'"),
    ({"leaderElection": {"enabled": False}}, "'/leaderElection/enabled'"),
])
def test_values_that_do_not_go_together_are_refused(tmp_path, tree, said):
    done = lint(tmp_path, tree)
    assert done.returncode != 0 and said in done.stderr, done.stderr


@pytest.mark.parametrize("tree", [
    {"shutdownGrace": "1m15s", "terminationGracePeriodSeconds": 90},
    {"leaderElection": {"enabled": False, "renewDeadline": "1s"}, "replicas": 1},
    {"proxy": {"https": "http://user:1@proxy:3128/"}, "networkPolicy": {"cloudPorts": [443, 3128]}},
    {"proxy": {"https": "http://proxy:3128"}, "networkPolicy": {"extraEgress": [{"ports": [{"port": 3128}]}]}},
    {"proxy": {"https": "http://proxy:3128"}, "networkPolicy": {"enabled": False}},
    {"proxy": {"https": "http://proxy:443"}},
    {"prometheusRule": {"enabled": True, "alertLabels": {"my_team": "x"}}},
    {"networkPolicy": {"cloudTo": [{"ipBlock": {"cidr": "2001:db8::7/128"}}], "apiServerPorts": [6443]}},
    {"endpoint": {"enabled": False, "port": 8082}},
    {"endpoint": {"enabled": True, "ingress": {"enabled": True, "host": "*.example.com"}}},
    {"serviceAccount": {"create": False, "name": "mine"}},
])
def test_values_that_go_together_are_taken(tmp_path, tree):
    done = lint(tmp_path, tree)
    assert done.returncode == 0, done.stderr


def leases(chosen, arguments):
    return {"leaderElection": chosen, "extraArgs": arguments}


@pytest.mark.parametrize("chosen, arguments, field", LEASES)
def test_lease_times_that_the_program_refuses_are_refused(tmp_path, chosen, arguments, field):
    done = lint(tmp_path, leases(chosen, arguments))
    assert done.returncode != 0 and f"'/leaderElection/{field}'" in done.stderr, done.stderr


@pytest.mark.parametrize("chosen, arguments", GOOD_LEASES)
def test_lease_times_that_it_takes_are_taken(tmp_path, chosen, arguments):
    done = lint(tmp_path, leases(chosen, arguments))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("chosen, arguments, taken",
                         [(*each[:2], False) for each in LEASES] + [(*each, True) for each in GOOD_LEASES])
def test_the_program_refuses_the_same_lease_times(tmp_path, chosen, arguments, taken):
    """It looks at them before it looks at where it is to listen."""
    (tmp_path / "config").write_text(yaml.safe_dump({
        "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}], "users": [{"name": "u", "user": {}}]}))
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())["leaderElection"]
    flags = {"leaseDuration": "--lease-duration", "renewDeadline": "--renew-deadline", "retryPeriod": "--retry-period"}
    times = [f"{flag}={(defaults | chosen)[name]}" for name, flag in flags.items()]
    done = subprocess.run([BIN / "balena-clearblade-operator", "controller", "--kubeconfig", tmp_path / "config",
                           "--health-addr=nowhere", *times, *arguments], text=True, capture_output=True, timeout=60)
    assert done.returncode == 2
    assert ("nowhere" in done.stderr) == taken, done.stderr
