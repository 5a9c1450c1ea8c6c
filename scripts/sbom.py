"""sbom.py ROOTFS PACKAGES COMPILED_IN: prints what is in the image as SPDX 2.3: our programs with their checksums, Debian's packages
that files are of, and those whose headers are compiled into our programs.

Both files have a name a line; the rest is asked of the package database. Nothing depends on when or where it is run."""

import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
NAME = "balena-clearblade-operator"
FIELDS = ("Package", "Version", "Architecture", "source:Package", "source:Version", "Maintainer", "Homepage")


def project_version():
    return re.search(r"^project\(\S+ VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text(), re.MULTILINE)[1]


def debian(name):
    shown = "\\n".join(f"${{{field}}}" for field in FIELDS)
    # The first, where it is there for several architectures.
    lines = subprocess.run(["dpkg-query", "-W", "-f", shown + "\\n", name], check=True, text=True, capture_output=True).stdout.split("\n")
    found = dict(zip(FIELDS, lines))
    version = found["Version"].replace(":", "%3A").replace("+", "%2B").replace("~", "%7E")
    return {
        "SPDXID": f"SPDXRef-Package-{re.sub('[^A-Za-z0-9.-]', '-', name)}", "name": name, "versionInfo": found["Version"],
        "supplier": f"Organization: {found['Maintainer']}", "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
        "homepage": found["Homepage"] or "NOASSERTION", "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION", "comment": f"/usr/share/doc/{name}/copyright",
        "sourceInfo": f"built from {found['source:Package']} {found['source:Version']}",
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                          "referenceLocator": f"pkg:deb/debian/{name}@{version}?arch={found['Architecture']}&distro=debian-12"}]}


def program(path):
    data = path.read_bytes()
    return {"SPDXID": f"SPDXRef-File-{path.name}", "fileName": f"./usr/bin/{path.name}", "fileTypes": ["BINARY"],
            "checksums": [{"algorithm": algorithm, "checksumValue": hashlib.new(algorithm, data).hexdigest()}
                          for algorithm in ("SHA1", "SHA256")],
            "licenseConcluded": "Apache-2.0", "copyrightText": "NOASSERTION"}


def document(rootfs, names, compiled_in):
    files = [program(path) for path in sorted((rootfs / "usr" / "bin").iterdir())]
    sha1 = sorted(each["checksums"][0]["checksumValue"] for each in files)
    ours = {"SPDXID": "SPDXRef-Package-project", "name": NAME, "versionInfo": project_version(), "downloadLocation": "NOASSERTION",
            "filesAnalyzed": True, "licenseConcluded": "Apache-2.0", "licenseDeclared": "Apache-2.0", "copyrightText": "NOASSERTION",
            "packageVerificationCode": {"packageVerificationCodeValue": hashlib.sha1("".join(sha1).encode()).hexdigest()},
            "licenseInfoFromFiles": ["Apache-2.0"]}
    for each in files:
        each["licenseInfoInFiles"] = ["Apache-2.0"]
    present, compiled_in = [debian(name) for name in names], [debian(name) for name in compiled_in]
    packages = [*present, *compiled_in]
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", ours["SPDXID"]),
                 *((ours["SPDXID"], "CONTAINS", each["SPDXID"]) for each in files),
                 *((ours["SPDXID"], "DEPENDS_ON", each["SPDXID"]) for each in present),
                 *((ours["SPDXID"], "STATIC_LINK", each["SPDXID"]) for each in compiled_in)]
    time = datetime.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), datetime.timezone.utc)
    content = hashlib.sha256(json.dumps([files, packages], sort_keys=True).encode()).hexdigest()
    return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"{NAME}-{ours['versionInfo']}",
            "documentNamespace": f"https://spdx.org/spdxdocs/{NAME}-{ours['versionInfo']}-{content[:32]}",
            "creationInfo": {"created": time.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: scripts/sbom.py"]},
            "packages": [ours, *packages], "files": files,
            "relationships": [{"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b} for a, kind, b in relations]}


def main(rootfs, *lists):
    names = [pathlib.Path(each).read_text().split() for each in lists]
    print(json.dumps(document(pathlib.Path(rootfs), *names), indent=1, sort_keys=True))


main(*sys.argv[1:])
