import os
import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "cluster"), str(TESTS / "chart"), str(TESTS / "e2e")]

import pytest

from chart import ROOT
from harness import BIN
from machine import Machine, run, why_not

REPOSITORY = "localhost/balena-clearblade-operator"


@pytest.fixture(scope="session")
def machine(tmp_path_factory):
    """The cluster, with the image of the programs under test as tags `a` and `b`, which differ in nothing but their digests."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    directory = tmp_path_factory.mktemp("cluster")
    archives = []
    for tag, time in (("a", 1700000000), ("b", 1700000001)):
        archives.append(directory / f"{tag}.tar")
        run(ROOT / "scripts" / "image", "--bin", BIN, "--tag", f"{REPOSITORY}:{tag}", "--archive", archives[-1], patience=300,
            SOURCE_DATE_EPOCH=str(time))
    machine = Machine(directory)
    try:
        machine.up()
        for archive in archives:
            machine.load(archive)
        yield machine
    finally:
        if not os.environ.get("KEEP_CLUSTER"):
            machine.down()
