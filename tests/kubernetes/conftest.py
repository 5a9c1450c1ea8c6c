import itertools
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from cluster import Cluster, programs

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def make_cluster(tmp_path_factory):
    """Starts API servers of their own for tests that stop or freeze them, and ends them all."""
    folder = programs()
    running = []

    def make():
        running.append(Cluster(tmp_path_factory.mktemp("cluster"), folder))
        return running[-1].start()

    yield make
    for cluster in running:
        cluster.stop()


@pytest.fixture(scope="session")
def cluster(make_cluster):
    """One API server for all tests, in namespaces of their own."""
    return make_cluster()


@pytest.fixture
def namespace(cluster):
    return cluster.add_namespace(f"test-{next(_numbers)}")
