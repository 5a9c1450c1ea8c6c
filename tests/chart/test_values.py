"""Values that make no sense are refused before anything is rendered, and it is said which."""

import pytest
import yaml

from chart import CHART, helm

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
}


def nested(path, value):
    for name in reversed(path.split("/")):
        value = [value] if name == "0" else {name: value}
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


@pytest.mark.parametrize("path", ["imge", "image/registry", "networkPolicy/enable", "sandbox/image/digest", "metrics/servicemonitor"])
def test_a_value_that_is_not_there_is_refused_by_name(tmp_path, path):
    done = lint(tmp_path, nested(path, "x"))
    assert done.returncode != 0
    assert f"'{path.rpartition('/')[2]}'" in done.stderr, done.stderr


@pytest.mark.parametrize("tree, said", [
    ({"endpoint": {"ingress": {"enabled": True}}}, "'/endpoint/ingress/host'"),
    ({"endpoint": {"auth": "token"}}, "'/endpoint/tokenSecretName'"),
    ({"leaderElection": {"enabled": False}}, "'/leaderElection/enabled'"),
])
def test_values_that_do_not_go_together_are_refused(tmp_path, tree, said):
    done = lint(tmp_path, tree)
    assert done.returncode != 0 and said in done.stderr, done.stderr
