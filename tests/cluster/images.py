"""The container images, built by the Dockerfile as it is, where no registry is reachable."""

import functools
import hashlib
import json
import pathlib
import shutil
import subprocess
import tarfile

from chart import CHART, ROOT
from machine import HERE, run

REPOSITORY = "localhost/balena-clearblade-operator"
NEXT = "99.0.0"
# Nothing is compiled yet where the cache of compiled files is empty.
PATIENCE = 1800


def base_image():
    """Makes what `FROM debian:bookworm-slim` names, unless it is there."""
    found = subprocess.run(["buildah", "inspect", "--type", "image", "docker.io/library/debian:bookworm-slim"], capture_output=True) \
        if shutil.which("buildah") else None
    if found is None or found.returncode != 0:
        run(HERE / "base-image", patience=PATIENCE)


def next_release(sources):
    """A copy of the sources, prepared as scripts/release would."""
    shutil.copytree(ROOT, sources, symlinks=True, ignore=shutil.ignore_patterns("build", "dist", ".git"))
    run(sources / "scripts" / "release", "prepare", NEXT)
    return sources


def build(tag, directory, sources=ROOT, *options):
    """With `--oci` among the options the digest is the OCI archive's."""
    archive = pathlib.Path(directory) / f"{tag}.tar"
    digest = run(sources / "scripts" / "image", *options, "--tag", f"{REPOSITORY}:{tag}", "--archive", archive, patience=PATIENCE)
    return Image(archive, digest.split()[-1], sources / "charts" / CHART.name)


def manifest_digest(archive):
    """Computed from the manifest itself, which the archive's index names."""
    with tarfile.open(archive) as files:
        named, = json.load(files.extractfile("index.json"))["manifests"]
        algorithm, _, value = named["digest"].partition(":")
        return f"{algorithm}:{hashlib.new(algorithm, files.extractfile(f'blobs/{algorithm}/{value}').read()).hexdigest()}"


class Image:
    """As an archive, such as `docker load` takes; `chart` is the one of the same release."""

    def __init__(self, archive, digest, chart):
        self.archive, self.digest, self.chart = archive, digest, chart

    def read(self, name):
        with tarfile.open(self.archive) as archive:
            return archive.extractfile(name).read()

    @functools.cached_property
    def manifest(self):
        return json.loads(self.read("manifest.json"))[0]

    @functools.cached_property
    def configuration(self):
        return json.loads(self.read(self.manifest["Config"]))

    def unpack(self, directory):
        """Its file system."""
        for layer in self.manifest["Layers"]:
            with tarfile.open(self.archive) as archive, tarfile.open(fileobj=archive.extractfile(layer)) as files:
                files.extractall(directory)
        return pathlib.Path(directory)
