"""What the Dockerfile gives, as it is."""

import os
import subprocess

import pytest

from chart import ROOT
from harness import BIN
from images import NEXT, build, manifest_digest

PROGRAMS = ("balena-clearblade-operator", "cloud-sandbox")


@pytest.fixture(scope="module")
def rootfs(images, tmp_path_factory):
    return images["a"].unpack(tmp_path_factory.mktemp("rootfs"))


def test_it_is_small(images, record_property):
    sizes = {tag: image.archive.stat().st_size for tag, image in images.items()}
    record_property("image_bytes", sizes["a"])
    print(f"\nimage: {sizes['a'] / 1e6:.1f} MB")
    assert max(sizes.values()) <= 40e6


def test_it_says_what_it_is_and_runs_without_rights(images):
    for tag, version in (("a", None), ("b", NEXT)):
        configuration = images[tag].configuration["config"]
        labels = {name.removeprefix("org.opencontainers.image."): value for name, value in configuration["Labels"].items()}
        assert {"title", "description", "licenses", "version", "revision", "created"} <= labels.keys()
        assert labels["created"] == images[tag].configuration["created"]
        assert (labels["version"] == NEXT) == (version == NEXT)
        assert configuration["User"] == "65532:65532"
        assert configuration["Entrypoint"] == ["/usr/bin/balena-clearblade-operator"]
    assert images["a"].digest != images["b"].digest


def test_nothing_of_its_building_is_in_it(images, rootfs):
    assert len(images["a"].manifest["Layers"]) == 1
    assert sorted(each.name for each in (rootfs / "usr" / "bin").iterdir()) == sorted(PROGRAMS)
    assert not [each for each in ("src", "root", "usr/include", "usr/bin/sh", "bin", "usr/lib/gcc") if (rootfs / each).exists()]


@pytest.mark.parametrize("name", PROGRAMS)
def test_its_programs_are_those_that_are_tested(rootfs, name, tmp_path):
    """To the last byte, though compiled in another place: so anybody can make the same again."""
    subprocess.run(["strip", "-o", tmp_path / name, BIN / name], check=True)
    assert (rootfs / "usr" / "bin" / name).read_bytes() == (tmp_path / name).read_bytes(), \
        f"{BIN / name} is of other sources or another compiler: build it, and look at what the base image installs"


def test_the_same_programs_give_the_same_digest(rootfs, tmp_path):
    """Packed twice, by way of files with other names and times. It is that of the archive's manifest, which is what a registry goes by."""
    digests = set()
    for number in range(2):
        # As a build directory is: the programs, and what ninja knows of them.
        folder, archive = tmp_path / f"build-{number}" / "bin", tmp_path / f"{number}.oci.tar"
        folder.mkdir(parents=True)
        for file in ("build.ninja", ".ninja_deps", "CMakeFiles"):
            (folder.parent / file).symlink_to(BIN.parent / file)
        for name in PROGRAMS:
            (folder / name).write_bytes((rootfs / "usr" / "bin" / name).read_bytes())
            (folder / name).chmod(0o755)
            os.utime(folder / name, (1e9 + number, 1e9 + number))
        digests.add(build(f"packed-{number}", tmp_path, ROOT, "--bin", folder, "--oci", archive).digest)
        assert {manifest_digest(archive)} == digests
