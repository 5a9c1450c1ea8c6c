import os
import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "cluster"), str(TESTS / "chart"), str(TESTS / "e2e")]

import pytest

from images import base_image, build, next_release
from machine import Machine
from why_not import why_not


@pytest.fixture(scope="session")
def able():
    """This machine can do it, or REQUIRE_CLUSTER says that it has to."""
    reason = why_not()
    if reason and os.environ.get("REQUIRE_CLUSTER"):
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def images(able, tmp_path_factory):
    """Both by the Dockerfile as it is: `a` of these sources, `b` of those that the next release will have."""
    base_image()
    directory = tmp_path_factory.mktemp("images")
    return {"a": build("a", directory), "b": build("b", directory, next_release(directory / "sources"))}


@pytest.fixture(scope="session")
def machine(images, tmp_path_factory):
    """The cluster, with both images."""
    machine = Machine(tmp_path_factory.mktemp("cluster"))
    try:
        machine.up()
        for image in images.values():
            machine.load(image.archive)
        yield machine
    finally:
        if not os.environ.get("KEEP_CLUSTER"):
            machine.down()
