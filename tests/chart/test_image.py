"""What is in the image, as scripts/rootfs makes it of the programs under test; the cluster tests run it."""

import hashlib
import json
import os
import pathlib
import re
import subprocess

import pytest
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from chart import BIN, ROOT

PROGRAMS = ("balena-clearblade-operator", "cloud-sandbox")


def make(out):
    subprocess.run([ROOT / "scripts" / "rootfs", BIN, out], check=True, env=os.environ | {"SOURCE_DATE_EPOCH": "1700000000"})
    return out


@pytest.fixture(scope="module")
def rootfs(tmp_path_factory):
    return make(tmp_path_factory.mktemp("image") / "rootfs")


def tree(root):
    """Everything that a layer holds of each file."""
    found = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        content = os.readlink(path) if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path.relative_to(root))] = (oct(status.st_mode), status.st_mtime_ns, content)
    return found


def test_the_same_programs_give_the_same_image(rootfs, tmp_path):
    assert tree(make(tmp_path / "again")) == tree(rootfs)


def test_it_is_small(rootfs):
    assert sum(path.lstat().st_size for path in rootfs.rglob("*") if path.is_file()) < 40e6


def test_it_holds_no_shell_and_no_other_program(rootfs):
    executable = {str(path.relative_to(rootfs)) for path in rootfs.rglob("*")
                  if path.is_file() and not path.is_symlink() and path.stat().st_mode & 0o111 and ".so" not in path.name}
    assert executable == {f"usr/bin/{name}" for name in PROGRAMS}


def test_nothing_is_writable_for_its_user(rootfs):
    assert not [path for path in rootfs.rglob("*") if not path.is_symlink() and path.lstat().st_mode & 0o022]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_hardened_and_stripped(rootfs, name):
    said = subprocess.run(["readelf", "--wide", "-h", "-l", "-d", "-S", "--dyn-syms", rootfs / "usr" / "bin" / name],
                          check=True, text=True, capture_output=True).stdout
    assert re.search(r"Type:\s+DYN \(Position-Independent Executable file\)", said)
    assert "GNU_RELRO" in said and re.search(r"FLAGS_1.*NOW.*PIE", said)
    assert re.search(r"GNU_STACK .* RW ", said)
    assert "__stack_chk_fail" in said
    assert re.search(r"__(memcpy|memmove|memset|snprintf|vsnprintf|fprintf|printf|read|recv|strcpy|strcat|strncpy|fdelt|readlink|poll)_chk", said)
    assert ".symtab" not in said and ".debug_info" not in said


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_the_same_wherever_it_is_built(rootfs, name):
    """So none may name a folder of this machine; the cluster tests compare it with the one that the Dockerfile builds."""
    assert bytes(ROOT) not in (rootfs / "usr" / "bin" / name).read_bytes()


def test_every_library_that_is_needed_is_there(rootfs):
    libraries = {path.name for path in rootfs.rglob("*.so*")}
    for file in [*(rootfs / "usr" / "bin").iterdir(), *rootfs.rglob("*.so*")]:
        said = subprocess.run(["readelf", "-d", file], check=True, text=True, capture_output=True).stdout
        assert set(re.findall(r"Shared library: \[(.*?)\]", said)) <= libraries, file


def test_certificates_and_time_zones_are_there(rootfs):
    assert (rootfs / "etc/ssl/certs/ca-certificates.crt").read_text().count("BEGIN CERTIFICATE") > 100
    assert (rootfs / "usr/share/zoneinfo/Europe/Berlin").exists()


SBOM = "usr/share/sbom/balena-clearblade-operator.spdx.json"


@pytest.fixture(scope="module")
def sbom(rootfs):
    return json.loads((rootfs / SBOM).read_text())


def test_the_sbom_is_one(rootfs):
    """By the rules of SPDX 2.3, as its own tools know them."""
    assert [each.validation_message for each in validate_full_spdx_document(parse_file(str(rootfs / SBOM)))] == []


def compiled_in(sbom):
    """The packages of which code is within our programs."""
    linked = {each["relatedSpdxElement"] for each in sbom["relationships"] if each["relationshipType"] == "STATIC_LINK"}
    return {each["name"] for each in sbom["packages"] if each["SPDXID"] in linked}


def test_the_sbom_names_what_is_compiled_in(rootfs, sbom):
    """Templates and inline functions, of which no library tells: Boost's parse what callers send."""
    found = compiled_in(sbom)
    assert {"nlohmann-json3-dev", "libcli11-dev", "libexpected-dev", "libstdc++-12-dev", "libcpprest-dev"} <= found
    assert [name for name in found if re.fullmatch(r"libboost[\d.]+-dev", name)]
    assert not [name for name in found if name.startswith(("libgtest", "libgmock", "libbenchmark"))]
    for name in found:
        assert (rootfs / "usr/share/doc" / name / "copyright").stat().st_size > 200


def test_the_sbom_names_what_is_in_it(rootfs, sbom):
    assert sbom["spdxVersion"] == "SPDX-2.3"
    for file in sbom["files"]:
        checksums = {each["algorithm"]: each["checksumValue"] for each in file["checksums"]}
        assert checksums["SHA256"] == hashlib.sha256((rootfs / file["fileName"]).read_bytes()).hexdigest()
    assert {pathlib.Path(file["fileName"]).name for file in sbom["files"]} == set(PROGRAMS)
    packages = {each["name"] for each in sbom["packages"]}
    # Libraries' packages are known by their records in the image, which scanners read.
    assert packages - compiled_in(sbom) - {"balena-clearblade-operator"} == {path.name for path in (rootfs / "var/lib/dpkg/status.d").iterdir()}
    assert {"libc6", "libssl3", "libcpprest2.10", "ca-certificates", "tzdata"} <= packages
    assert all(each["versionInfo"] for each in sbom["packages"])
    ids = {each["SPDXID"] for each in [*sbom["packages"], *sbom["files"]]} | {"SPDXRef-DOCUMENT"}
    assert all({each["spdxElementId"], each["relatedSpdxElement"]} <= ids for each in sbom["relationships"])


def test_every_package_comes_with_its_licence(rootfs):
    for record in (rootfs / "var/lib/dpkg/status.d").iterdir():
        assert (rootfs / "usr/share/doc" / record.name / "copyright").stat().st_size > 200
