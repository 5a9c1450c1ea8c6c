"""Fixtures that start sandboxes."""

import pytest

from harness import Sandbox


@pytest.fixture
def make_sandbox(tmp_path):
    """Starts sandboxes and ends them with the test, which fails if any secret has been printed."""
    running = []

    def make(*arguments):
        directory = tmp_path / f"sandbox-{len(running)}"
        directory.mkdir()
        running.append(Sandbox(directory, *arguments))
        return running[-1]

    yield make
    leaks = [leak for sandbox in running if sandbox.outputs for leak in sandbox.leaks()]
    for sandbox in running:
        sandbox.stop()
    assert not leaks, "secrets in what the operator printed"


@pytest.fixture
def sandbox(make_sandbox):
    """Without simulated devices."""
    return make_sandbox("--no-devices")
