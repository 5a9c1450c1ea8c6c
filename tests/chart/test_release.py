"""A release writes its version everywhere, and is made of committed, tagged sources alone."""

import re
import shutil
import subprocess

import pytest
import yaml

from chart import ROOT


@pytest.fixture
def checkout(tmp_path):
    """A repository with what `prepare` touches."""
    for path in ("CMakeLists.txt", "CHANGELOG.md", "Dockerfile", "scripts/release", "scripts/lib.sh", "docs/install/helm.md",
                 "charts/balena-clearblade-operator/Chart.yaml", "deploy/argocd/application.yaml", "deploy/flux/release.yaml",
                 "deploy/operator.yaml"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    for command in ("init -q", "add -A", "-c user.name=t -c user.email=t@example.com commit -qm x"):
        subprocess.run(["git", *command.split()], cwd=tmp_path, check=True)
    return tmp_path


def release(checkout, *arguments):
    return subprocess.run([checkout / "scripts" / "release", *arguments], text=True, capture_output=True)


def versions(root):
    chart = yaml.safe_load((root / "charts/balena-clearblade-operator/Chart.yaml").read_text())
    applications = list(yaml.safe_load_all((root / "deploy/argocd/application.yaml").read_text()))
    repository = next(yaml.safe_load_all((root / "deploy/flux/release.yaml").read_text()))
    return {re.search(r"^project\(\S+ VERSION (\S+)", (root / "CMakeLists.txt").read_text(), re.M)[1],
            chart["version"], chart["appVersion"],
            re.search(r"^ARG VERSION=(.*)", (root / "Dockerfile").read_text(), re.M)[1],
            applications[0]["spec"]["source"]["targetRevision"].removeprefix("v"),
            repository["spec"]["ref"]["tag"].removeprefix("v"),
            *re.findall(r"operator:(\d\S+)", (root / "docs/install/helm.md").read_text()),
            *re.findall(r'(?:operator:|/version: ")(\d[\d.]*)', (root / "deploy/operator.yaml").read_text())}


def test_there_is_one_version():
    assert len(versions(ROOT)) == 1


def test_prepare_writes_it_everywhere(checkout):
    done = release(checkout, "prepare", "7.8.9")
    assert done.returncode == 0, done.stderr
    assert versions(checkout) == {"7.8.9"}
    assert re.search(r"^## Unreleased\n\n## 7\.8\.9, \d{4}-\d\d-\d\d\n", (checkout / "CHANGELOG.md").read_text(), re.M)


@pytest.mark.parametrize("version", ["v1.2.3", "1.2", "1.2.3-rc1", ""])
def test_what_is_no_version_is_refused(checkout, version):
    assert release(checkout, "prepare", version).returncode != 0
    assert versions(checkout) == versions(ROOT)


def test_nothing_is_built_of_what_is_not_tagged_or_not_committed(checkout):
    assert "not tagged" in release(checkout, "build").stderr
    (checkout / "CMakeLists.txt").write_text("")
    assert "not committed" in release(checkout, "build").stderr


def test_nothing_is_built_of_which_the_changelog_says_nothing(checkout):
    assert release(checkout, "prepare", "7.8.9").returncode == 0
    log = checkout / "CHANGELOG.md"
    log.write_text(re.sub(r"(## 7\.8\.9, [^\n]*\n).*", r"\1", log.read_text(), flags=re.S))
    for command in ("add -A", "-c user.name=t -c user.email=t@example.com commit -qm x", "tag v7.8.9"):
        subprocess.run(["git", *command.split()], cwd=checkout, check=True)
    assert "CHANGELOG.md says nothing of 7.8.9" in release(checkout, "build").stderr
