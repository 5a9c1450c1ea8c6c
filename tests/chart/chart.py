"""The chart as Helm renders it."""

import functools
import os
import pathlib
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / os.environ.get("BUILD_DIR", "build") / "bin"
CHART = ROOT / "charts" / "balena-clearblade-operator"
VALUES = sorted((pathlib.Path(__file__).parent / "values").glob("*.yaml"))
# Named so that full names are those of the plain manifests in deploy/.
RELEASE, NAMESPACE = "balena-clearblade-operator", "balena-clearblade"
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def folder(script):
    """That a script prints, with programs in it; making them is told on the terminal."""
    made = subprocess.run([ROOT / "scripts" / script], stdout=subprocess.PIPE, stderr=sys.__stderr__, text=True)
    assert made.returncode == 0, f"{script} has failed"
    return pathlib.Path(made.stdout.strip())


@functools.cache
def programs():
    """The folder with helm, kubeconform and schemas."""
    return folder("chart-programs")


@functools.cache
def prometheus_programs():
    """The folder with prometheus and promtool."""
    return folder("prometheus-programs")


def helm(*arguments, input=None):
    return subprocess.run([programs() / "helm", *arguments], input=input, text=True, capture_output=True)


@functools.cache
def rendered(*values, chart=CHART, release=RELEASE):
    """All of a release's documents, as text, with these files of values."""
    flags = [flag for file in values for flag in ("--values", file)]
    done = helm("template", release, chart, "--namespace", NAMESPACE, *flags)
    assert done.returncode == 0, done.stderr
    return done.stdout


def documents(text):
    return [each for each in yaml.load_all(text, Loader) if each]


def objects(*values, **options):
    """By kind and name, and in other namespaces than the release's by that too."""
    found = {}
    for each in documents(rendered(*values, **options)):
        space = each["metadata"].get("namespace", NAMESPACE)
        key = "/".join([each["kind"], *([space] if space != NAMESPACE else []), each["metadata"]["name"]])
        assert key not in found, f"{key} is there twice"
        found[key] = each
    return found


def values(name):
    return pathlib.Path(__file__).parent / "values" / f"{name}.yaml"
