"""What `scripts/release build` makes of a commit that is tagged."""

import hashlib
import re
import subprocess
import tarfile

import pytest

from chart import ROOT, objects
from images import PATIENCE, manifest_digest
from machine import run

VERSION = "7.8.9"


@pytest.fixture(scope="module")
def dist(able, tmp_path_factory):
    """Of a clone with what is in the working tree, as the release after this one."""
    clone = tmp_path_factory.mktemp("release") / "clone"
    run("git", "clone", "-q", ROOT, clone)
    # What is not committed yet, too.
    changed = subprocess.run(["git", "diff", "HEAD", "--binary"], cwd=ROOT, check=True, capture_output=True).stdout
    if changed:
        subprocess.run(["git", "apply", "-"], cwd=clone, input=changed, check=True)
    run(clone / "scripts" / "release", "prepare", VERSION)
    git = ("git", "-C", clone, "-c", "user.name=t", "-c", "user.email=t@example.com")
    run(*git, "add", "-A")
    run(*git, "commit", "-qm", "A release")
    run(*git, "tag", f"v{VERSION}")
    build(clone)
    return clone / "dist"


def build(clone):
    """With what has been compiled before, wherever that was."""
    run(clone / "scripts" / "release", "build", patience=PATIENCE, CMAKE_ARGS="-DBUILD_TESTING=OFF", CCACHE_BASEDIR=str(clone))


def test_it_is_whole(dist):
    files = {re.sub(r"-linux-\w+", "-linux", each.name.replace(VERSION, "V")) for each in dist.iterdir()}
    name = "balena-clearblade-operator"
    assert files == {f"{name}-V-linux.tar.gz", f"{name}-image-V.oci.tar", "image-digest.txt", f"{name}-V.spdx.json", f"{name}-V.tgz",
                     "notes.md", "SHA256SUMS"}
    sums = dict(reversed(line.split()) for line in (dist / "SHA256SUMS").read_text().splitlines())
    assert sums == {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in dist.iterdir() if each.name != "SHA256SUMS"}
    assert (dist / "notes.md").read_text().strip()


def test_its_programs_say_its_version_and_its_pages_lead_somewhere(dist, tmp_path):
    with tarfile.open(next(dist.glob("*-linux-*.tar.gz"))) as archive:
        archive.extractall(tmp_path)
    tree, = tmp_path.iterdir()
    assert run(tree / "balena-clearblade-operator", "version").split()[-1] == VERSION
    links = [(page, link) for page in [tree / "README.md", *(tree / "docs").glob("**/*.md")]
             for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())]
    assert len(links) > 50
    assert not [f"{page.relative_to(tree)}: {link}" for page, link in links if not (page.parent / link).exists()]


def test_its_digest_is_the_images(dist):
    """The one that a registry will give it: `image.digest` of the chart."""
    assert (dist / "image-digest.txt").read_text() == manifest_digest(next(dist.glob("*.oci.tar"))) + "\n"


def test_its_chart_is_the_same_each_time(dist, tmp_path):
    packed = next(dist.glob("*.tgz"))
    with tarfile.open(packed) as archive:
        assert {each.mtime for each in archive} == {int(run("git", "-C", dist.parent, "log", "-1", "--format=%ct"))}
    assert objects(chart=packed).keys() == objects().keys()
    first = packed.read_bytes()
    build(dist.parent)
    assert packed.read_bytes() == first
