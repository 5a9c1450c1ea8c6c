"""What the chart makes of values: compared with what was once looked at, and with the kinds' own schemas."""

import copy
import os
import pathlib
import shutil
import subprocess

import pytest
import yaml

from chart import CHART, NAMESPACE, RELEASE, ROOT, VALUES, documents, helm, objects, programs, rendered, values

SNAPSHOTS = pathlib.Path(__file__).parent / "snapshots"
GITOPS = sorted((ROOT / "deploy").glob("*/*.yaml"))
PLAIN = sorted((ROOT / "deploy").glob("*.yaml"))


def shown(document):
    """Without what other tests look at, or what is another at each rendering."""
    document = copy.deepcopy(document)
    if document["kind"] == "CustomResourceDefinition":
        document["spec"] = "as in crds/"
    if document["kind"] == "PrometheusRule":
        document["spec"] = "as in files/alerts.yaml"
    if document["kind"] == "ConfigMap" and document["metadata"]["name"].endswith("-dashboards"):
        document["data"] = "as in files/dashboards/"
    for key in ("ca.crt", "tls.crt", "tls.key"):
        if document["kind"] == "Secret" and key in document.get("data", {}):
            document["data"][key] = "made by Helm"
    return document


@pytest.mark.parametrize("file", VALUES, ids=lambda file: file.stem)
def test_it_renders_as_before(file):
    found = yaml.safe_dump_all([shown(each) for _, each in sorted(objects(file).items())], sort_keys=False, width=140)
    snapshot = SNAPSHOTS / file.name
    if os.environ.get("UPDATE_SNAPSHOTS"):
        snapshot.write_text(found)
    assert found == snapshot.read_text(), "look at the difference, then UPDATE_SNAPSHOTS=1 ./scripts/pytest tests/chart"


def test_each_snapshot_has_its_values():
    assert len(VALUES) >= 10
    assert {file.name for file in SNAPSHOTS.iterdir()} == {file.name for file in VALUES}


@pytest.mark.parametrize("file", VALUES, ids=lambda file: file.stem)
def test_helm_lint_has_nothing_to_say(file):
    done = helm("lint", "--strict", CHART, "--values", file)
    assert done.returncode == 0, done.stdout
    assert "[WARNING]" not in done.stdout and "[ERROR]" not in done.stdout


def conform(text):
    """What kubeconform finds wrong; a kind that it has no schema of is wrong as well."""
    done = subprocess.run(
        [programs() / "kubeconform", "-strict", "-summary", "-schema-location",
         f"{programs()}/schemas/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"],
        input=text, text=True, capture_output=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("file", VALUES, ids=lambda file: file.stem)
def test_every_object_is_as_its_kind_has_it(file):
    assert conform(rendered(file)) == ""


@pytest.mark.parametrize("file", GITOPS, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_gitops_example_is_as_its_kind_has_it(file):
    assert conform(file.read_text()) == ""


@pytest.mark.parametrize("file", PLAIN, ids=lambda file: file.name)
def test_every_plain_manifest_is_as_its_kind_has_it(file):
    assert conform(file.read_text()) == ""


def test_there_are_plain_manifests():
    assert {file.name for file in PLAIN} == {"operator.yaml", "rbac.yaml", "rbac-namespaced.yaml"}


def test_there_are_gitops_examples():
    assert {"Application", "HelmRelease", "Kustomization", "Certificate", "ExternalSecret"} <= {
        each["kind"] for file in GITOPS for each in documents(file.read_text())}


def test_flux_finds_what_it_is_told_to_use():
    """The namespace of the release is made, with the level of Pod security; fleets are not pruned; each source is there."""
    found = {(each["kind"], each["metadata"]["name"]): each for each in documents((ROOT / "deploy" / "flux" / "release.yaml").read_text())}
    release = found["HelmRelease", RELEASE]
    namespace = found["Namespace", release["metadata"]["namespace"]]
    assert namespace["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}
    fleets = found["Kustomization", "balena-clearblade-fleets"]
    assert fleets["spec"]["prune"] is False and fleets["spec"]["wait"] is True
    assert fleets["spec"]["targetNamespace"] == NAMESPACE == release["metadata"]["namespace"]
    for source in (release["spec"]["chart"]["spec"]["sourceRef"], fleets["spec"]["sourceRef"]):
        assert (source["kind"], source["name"]) in found


def test_kubeconform_sees_what_is_wrong():
    wrong = rendered(values("default")).replace("readOnlyRootFilesystem", "readOnlyRootFileSystem")
    assert "readOnlyRootFileSystem" in conform(wrong)
    wrong = rendered(values("monitoring")).replace("matchNames", "matchName")
    assert "matchName" in conform(wrong)


@pytest.mark.parametrize("file", VALUES, ids=lambda file: file.stem)
def test_the_restricted_level_of_pod_security_is_kept(file):
    """As the Pod Security Standards have it; the cluster tests let a real API server enforce it."""
    pods = [each["spec"] if each["kind"] == "Pod" else each["spec"]["template"]["spec"]
            for each in objects(file).values() if each["kind"] in ("Deployment", "Pod")]
    assert pods
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        assert all(not {"hostPath"} & volume.keys() for volume in pod.get("volumes", []))
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


def egress(*files):
    """(ports, to) of every rule of the operator's NetworkPolicy."""
    policy = objects(*files)[f"NetworkPolicy/{RELEASE}"]["spec"]
    return [({each["port"] for each in rule["ports"]}, rule.get("to")) for rule in policy["egress"]]


def test_what_is_narrowed_is_closed_to_everybody_else():
    """The API server's rule must not leave open what is closed for the clouds."""
    open = {443, 6443, 3128}
    assert [ports for ports, to in egress(values("default")) if ports & open and not to] == [{443, 6443}, {443}]
    narrowed = [(ports & open, to) for ports, to in egress(values("proxy")) if ports & open]
    assert narrowed == [({443, 6443}, [{"ipBlock": {"cidr": "192.0.2.1/32"}}]), ({3128}, [{"ipBlock": {"cidr": "192.0.2.7/32"}}])]


def test_the_sandbox_is_the_operators_image_unless_it_has_one_of_its_own(tmp_path):
    def images(**chosen):
        file = tmp_path / f"{len(list(tmp_path.iterdir()))}.yaml"
        file.write_text(yaml.safe_dump(chosen))
        made = objects(file)
        return [made[f"Deployment/{name}"]["spec"]["template"]["spec"]["containers"][0]["image"] for name in (RELEASE, f"{RELEASE}-sandbox")]

    digest = "sha256:" + "0" * 64
    operator, sandbox = images(image={"repository": "r/o", "digest": digest}, sandbox={"enabled": True})
    assert sandbox == operator == f"r/o@{digest}"
    assert images(image={"repository": "r/o", "digest": digest}, sandbox={"enabled": True, "image": {"tag": "a"}})[1] == "r/o:a"
    assert images(image={"tag": "a"}, sandbox={"enabled": True, "image": {"repository": "r/s"}})[1] == "r/s:a"


@pytest.mark.parametrize("file", VALUES, ids=lambda file: file.stem)
def test_the_operator_does_not_listen_on_ipv4_alone(file):
    """Or no Pod would become ready in a cluster of IPv6."""
    operator = next(each for each in objects(file).values()
                    if each["kind"] == "Deployment" and each["metadata"]["labels"]["app.kubernetes.io/component"] == "controller")
    arguments = operator["spec"]["template"]["spec"]["containers"][0]["args"]
    listening = [argument for argument in arguments if "-addr=" in argument and not argument.endswith("=")]
    assert len(listening) >= 1 and all("-addr=:" in each for each in listening)


@pytest.mark.parametrize("file", VALUES, ids=lambda file: file.stem)
def test_no_secret_is_asked_for_but_by_name(file):
    """Secrets that the chart makes are the sandbox's, which open nothing else."""
    made = [each["metadata"]["name"] for each in objects(file).values() if each["kind"] == "Secret"]
    assert all("-sandbox" in name for name in made)
    assert bool(made) == file.stem.startswith("sandbox")


def test_the_same_values_give_the_same_tokens():
    """Or every upgrade would lock the operator out of the sandbox."""
    name = "Secret/balena-clearblade-operator-sandbox"
    first = objects(values("sandbox"))[name]["stringData"]
    rendered.cache_clear()
    assert objects(values("sandbox"))[name]["stringData"] == first


def test_notes_tell_what_to_do_next(tmp_path):
    # Helm shows its notes only with a cluster: here they are rendered as an object.
    chart = shutil.copytree(CHART, tmp_path / "chart")
    text = (chart / "templates" / "NOTES.txt").read_text()
    (chart / "templates" / "notes.yaml").write_text(
        '{{- define "notes" }}' + text + '{{ end }}\nkind: Notes\nmetadata: {name: notes}\nspec: {{ include "notes" . | toJson }}\n')

    def notes(**chosen):
        file = tmp_path / f"{len(list(tmp_path.iterdir()))}.yaml"
        file.write_text(yaml.safe_dump(chosen))
        return objects(file, chart=chart, release="bco")["Notes/notes"]["spec"]

    plain = notes()
    assert "kubectl get namespace kube-system -o jsonpath='{.metadata.uid}'" in plain
    assert "create secret generic balena" in plain and f"helm -n {NAMESPACE} test bco" in plain
    assert "NAMESPACE create secret generic bco-key-seed" in plain
    assert "but in north, south" in notes(rbac={"createSecretsIn": ["north", "south"]})
    assert 'those of "site-a". Keep that value' in notes(ownerId="site-a")
    namespaced = notes(scope="Namespace")
    assert "every ClearBladeRegistry must say its `ownerId`" in namespaced and "bco-key-seed" not in namespaced
    assert "bfleet/sensors" in notes(sandbox={"enabled": True})
    ingress = {"enabled": True, "host": "provisioning.example.com"}
    assert "see `endpoint.auth`" in notes(endpoint={"enabled": True, "ingress": ingress})
