"""What is in the chart and elsewhere too is the same."""

import json
import os
import pathlib
import re
import subprocess

import pytest
import yaml

from chart import CHART, NAMESPACE, ROOT, VALUES, documents, helm, objects, values

BIN = ROOT / os.environ.get("BUILD_DIR", "build") / "bin"
NAME = "balena-clearblade-operator"
CRDS = sorted((ROOT / "crds").glob("*.yaml"))


def test_the_charts_crds_are_those_of_the_project():
    assert {file.name: file.read_text() for file in (CHART / "files" / "crds").iterdir()} == {
        file.name: file.read_text() for file in CRDS}


@pytest.mark.parametrize("file", CRDS, ids=lambda file: file.stem)
def test_a_crd_is_rendered_whole_and_kept(file):
    crd = yaml.safe_load(file.read_text())
    made = objects()[f"CustomResourceDefinition/{crd['metadata']['name']}"]
    assert made["spec"] == crd["spec"]
    assert made["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def rules(documents):
    """What may be done, whatever object says so."""
    return sorted((json.dumps(rule, sort_keys=True), "cluster" if each["kind"] == "ClusterRole" else "namespace")
                  for each in documents if each["kind"] in ("Role", "ClusterRole") for rule in each["rules"])


@pytest.mark.parametrize("scope, file", [("Cluster", "rbac.yaml"), ("Namespace", "rbac-namespaced.yaml")])
def test_the_charts_rights_are_those_of_the_plain_manifests(tmp_path, scope, file):
    chosen = tmp_path / "values.yaml"
    chosen.write_text(f"scope: {scope}\n")
    assert rules(objects(chosen).values()) == rules(documents((ROOT / "deploy" / file).read_text()))


def test_the_plain_manifest_is_what_the_chart_gives():
    done = subprocess.run([ROOT / "scripts" / "plain-manifest", "--check"], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_the_plain_manifests_belong_together():
    plain = {each["kind"]: each for each in documents((ROOT / "deploy" / "operator.yaml").read_text())}
    assert plain.keys() == {"Deployment", "Service", "PodDisruptionBudget"}
    pod = plain["Deployment"]["spec"]["template"]
    assert plain["Service"]["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    for file in ("rbac.yaml", "rbac-namespaced.yaml"):
        rights = documents((ROOT / "deploy" / file).read_text())
        account = next(each for each in rights if each["kind"] == "ServiceAccount")["metadata"]
        assert account["name"] == pod["spec"]["serviceAccountName"]
        assert account["namespace"] == plain["Deployment"]["metadata"]["namespace"]
        leases = [name for each in rights if each["kind"] == "Role" for rule in each["rules"]
                  if rule["resources"] == ["leases"] for name in rule.get("resourceNames", [])]
        assert [f"--lease-name={name}" for name in leases] == [
            each for each in pod["spec"]["containers"][0]["args"] if each.startswith("--lease-name")]


def test_named_secrets_are_the_only_ones_that_may_be_read():
    made = objects(values("namespaced"))["Role/balena-clearblade-operator"]["rules"]
    secrets = [rule for rule in made if rule["resources"] == ["secrets"]]
    assert secrets == [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list", "watch"],
                        "resourceNames": ["balena", "clearblade", "bco-key-seed"]}]


@pytest.mark.parametrize("file", VALUES, ids=lambda file: file.stem)
def test_secrets_are_created_in_single_namespaces_alone(file):
    """Who may create them everywhere, and read them, may be anybody."""
    made = objects(file).values()
    create = [each for each in made for rule in each.get("rules", []) if "secrets" in rule["resources"] and "create" in rule["verbs"]]
    assert {each["kind"] for each in create} <= {"Role"}
    named = yaml.safe_load(file.read_text()).get("rbac", {}).get("createSecretsIn", [])
    assert {each["metadata"]["namespace"] for each in create} <= {NAMESPACE, *named}
    bound = {(each["metadata"]["namespace"], each["roleRef"]["name"]) for each in made if each["kind"] == "RoleBinding"}
    assert {(each["metadata"]["namespace"], each["metadata"]["name"]) for each in create} <= bound
    assert {each["metadata"]["namespace"] for each in create} >= set(named)


def test_the_values_reference_is_current():
    done = subprocess.run([ROOT / "scripts" / "chart-values", "--check"], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_the_values_and_their_schema_name_the_same():
    def paths(tree, schema, root, here=""):
        for name, value in tree.items():
            field = schema.get("properties", {}).get(name)
            assert field is not None, f"the schema lacks {here}{name}"
            field = root["definitions"][field["$ref"].rpartition("/")[2]] if "$ref" in field else field
            yield f"{here}{name}"
            if isinstance(value, dict) and "properties" in field and not name == "resources":
                assert field["additionalProperties"] is False
                assert field["properties"].keys() == value.keys(), f"{here}{name}"
                yield from paths(value, field, root, f"{here}{name}.")

    schema = json.loads((CHART / "values.schema.json").read_text())
    tree = yaml.safe_load((CHART / "values.yaml").read_text())
    assert len(list(paths(tree, schema, schema))) > 80
    assert schema["properties"].keys() - {"global"} == tree.keys()


def test_one_version_everywhere():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = next(line for line in (ROOT / "CMakeLists.txt").read_text().splitlines() if line.startswith("project("))
    assert f" VERSION {chart['version']} " in project
    assert chart["appVersion"] == chart["version"]


def test_the_package_is_whole(tmp_path):
    done = helm("package", CHART, "--destination", tmp_path)
    assert done.returncode == 0, done.stderr
    package = next(tmp_path.glob("*.tgz"))
    assert objects(chart=package).keys() == objects().keys()


def test_the_systemd_unit_calls_the_program_as_it_is():
    unit = (ROOT / "deploy" / "systemd" / "balena-clearblade-operator.service").read_text()
    program, command, *arguments = re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE)[1].split()
    told = subprocess.run([BIN / pathlib.Path(program).name, command, "--help"], check=True, text=True, capture_output=True).stdout
    flags = [each for each in arguments if each.startswith("--")]
    assert flags and set(flags) <= set(re.findall(r"--[a-z-]+", told))
    for path in (program, *(each for each in arguments if each.startswith("/"))):
        assert path.removesuffix("/" + NAME) in (ROOT / "docs" / "install" / "systemd.md").read_text()


def owner(library):
    """The Debian package of a library that the loader finds."""
    for path in (library.resolve(), library):
        # Some are known by their path before /usr was merged.
        for name in (str(path), str(path).removeprefix("/usr")):
            done = subprocess.run(["dpkg", "-S", name], text=True, capture_output=True)
            if done.returncode == 0:
                return done.stdout.partition(":")[0]
    raise AssertionError(f"no package has {library}")


def test_the_systemd_page_has_every_package_installed_that_the_program_loads():
    """Those that it names itself as needed; apt brings what they need in their turn. libc and gcc's are on every Debian."""
    program = BIN / NAME
    needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", subprocess.run(["readelf", "-d", program], check=True, text=True, capture_output=True).stdout))
    loaded = dict(re.findall(r"^\t(\S+) => (\S+)", subprocess.run(["ldd", program], check=True, text=True, capture_output=True).stdout, re.MULTILINE))
    page = (ROOT / "docs" / "install" / "systemd.md").read_text()
    listed = set(re.search(r"^apt-get install --no-install-recommends (.*)$", page, re.MULTILINE)[1].split())
    owners = {owner(pathlib.Path(loaded[name])) for name in needed if name in loaded}
    assert listed == owners - {"libc6", "libgcc-s1"} | {"ca-certificates", "tzdata"}


@pytest.mark.parametrize("page", ["README.md", "docs/install/helm.md"])
def test_the_demos_commands_install_an_image_that_a_node_can_pull(page, tmp_path):
    """And wait for long enough: kubectl gives up after 30 s."""
    text = (ROOT / page).read_text()
    command = re.search(r"^helm install bco (.*)$", text, re.MULTILINE)[1]
    chosen = dict(each.split("=") for each in re.findall(r"--set (\S+)", command))
    done = helm("template", "bco", CHART, *(flag for name, value in chosen.items() for flag in ("--set", f"{name}={value}")))
    images = re.findall(r"^\s*image: \"?([^\s\"]+)", done.stdout, re.MULTILINE)
    assert len(images) >= 2 and not [image for image in images if image.startswith("localhost/")]
    for line in re.findall(r"^kubectl .*\bwait\b.*$", text, re.MULTILINE):
        assert "--timeout=" in line
