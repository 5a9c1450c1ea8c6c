"""The schemas in crds/ and the parser of our files accept the same documents, field by field."""

import copy
import json
import re
import subprocess

import pytest

from cluster import APIS, crds
from documents import ABSENT, FIELDS, FULL, PLURALS, REQUIRED, TOGETHER, document, put
from harness import BIN, PATIENCE

KINDS = sorted(PLURALS)
WRONG_TYPES = {"string": [7, True, 1.5, [], {}], "integer": ["7", True, [], {}],
               "number": ["7", True, [], {}], "boolean": ["true", 1, 0, [], {}],
               "object": ["x", 7, True, []], "array": ["x", 7, True, {}]}
# Without them a field beside them would be wrong; see TOGETHER.
NEEDED_BY_OTHERS = ("devices", "variables.target", "variables.service")
# What no schema can say, though the operator says it of files: about all of them together, what is needed outside a
# cluster, and what the machine knows. In a cluster the fleet's status says the last.
NOT_OF_THE_SCHEMA = re.compile(": duplicate: |: ownerId: is required outside Kubernetes|: there is no time zone ")


def schema_of(kind):
    (version,) = next(crd for crd in crds() if crd["spec"]["names"]["kind"] == kind)["spec"]["versions"]
    return version["schema"]["openAPIV3Schema"]


def spec_of(kind):
    return schema_of(kind)["properties"]["spec"]


def fields(schema, path=""):
    """Each field's path and schema, and whether it must be there; elements and values too."""
    def at(step):
        return f"{path}.{step}" if path else step

    for name, field in schema.get("properties", {}).items():
        yield at(name), field, name in schema.get("required", [])
        yield from fields(field, at(name))
    for step, inner in (("[]", schema.get("items")), ("{}", schema.get("additionalProperties"))):
        if inner:
            yield at(step), inner, True
            yield from fields(inner, at(step))


def is_leaf(schema):
    return schema["type"] not in ("object", "array")


def objects(kind):
    """The path and the schema of each object with fields of its own."""
    return [("", spec_of(kind))] + [(path, schema) for path, schema, _ in fields(spec_of(kind))
                                    if "properties" in schema]


def cases(kind):
    """What is tried, its document, and whether it is to be accepted."""
    full = FULL[kind]
    yield "every field", document(kind, full), True
    yield "the required fields alone", document(kind, REQUIRED[kind]), True
    for path, (accepted, refused) in FIELDS[kind].items():
        for values, expected in ((accepted, True), (refused, False)):
            for value in values:
                yield f"{path}: {value!r:.60}", document(kind, put(full, path, value)), expected
    for path, schema, required in fields(spec_of(kind)):
        for value in WRONG_TYPES[schema["type"]]:
            yield f"{path}: {value!r}", document(kind, put(full, path, value)), False
        if path.endswith("[]"):
            yield f"{path}: None", document(kind, put(full, path, None)), False
        elif not path.endswith("{}"):
            required = required or path in NEEDED_BY_OTHERS
            yield f"{path}: None", document(kind, put(full, path, None)), not required
            yield f"{path} left out", document(kind, put(full, path, ABSENT)), not required
    for path, schema in objects(kind):
        unknown = f"{path}.unknown" if path else "unknown"
        yield unknown, document(kind, put(full, unknown, "x")), False
    for changes, expected in zip(TOGETHER[kind], (True, False)):
        for change in changes:
            yield f"{change!r:.100}", document(kind, REQUIRED[kind] | change), expected


def metadata_cases():
    kind, spec = "BalenaDevice", REQUIRED["BalenaDevice"]
    accepted = [{"name": "a" * 253}, {"labels": {"a": "", "example.com/A_b.c-d": "X" * 63}},
                {"annotations": {"Example.com/a": "any\ntext", "a": "x" * 5000}},
                {"finalizers": ["example.com/x"]}, {"generateName": "x-"}, {"labels": {}}, {"annotations": None}]
    refused = [{"name": "A"}, {"name": "a" * 254}, {"name": ""}, {"name": None}, {"name": 7},
               {"namespace": "Default"}, {"namespace": "a.b"}, {"namespace": "a" * 64},
               {"labels": {"a b": "x"}}, {"labels": {"/a": "x"}}, {"labels": {"a/": "x"}},
               {"labels": {"A.com/a": "x"}}, {"labels": {"a/b/c": "x"}}, {"labels": {"a" * 64: "x"}},
               {"labels": {"a": "x" * 64}}, {"labels": {"a": "-"}}, {"labels": {"a": "é"}},
               {"labels": {"a": True}}, {"labels": ["a"]}, {"annotations": {"a b": "x"}},
               {"annotations": {"a": 1}}, {"finalizers": ["a b"]}, {"finalizers": "a"},
               {"unknown": "x"}]
    for metadata, expected in [(each, True) for each in accepted] + [(each, False) for each in refused]:
        yield f"metadata {metadata!r:.60}", document(kind, spec, **metadata), expected
    # The name of a fleet becomes the value of a label.
    for name, devices, expected in (("a" * 63, "All", True), ("a" * 64, "All", False), ("a" * 253, "Declared", True)):
        yield (f"a fleet's name of {len(name)} with devices: {devices}",
               document("BalenaFleet", REQUIRED["BalenaFleet"] | {"devices": devices}, name=name), expected)
    for key in ("apiVersion", "kind", "metadata", "spec"):
        whole = document(kind, spec)
        del whole[key]
        yield f"{key} left out", whole, False
    yield "an unknown top field", document(kind, spec) | {"unknown": "x"}, False
    yield "another version", document(kind, spec) | {"apiVersion": "provisioning.balena-clearblade.io/v9"}, False


def problems_of(documents, tmp_path):
    """What the operator has to say about each document of one file."""
    file = tmp_path / "documents.yaml"
    # JSON is YAML; a line each, so that the line of a problem tells whose it is. The last one is
    # wrong in any case, so that the operator ends before it calls a cloud.
    lines = [json.dumps(each, ensure_ascii=False) for each in documents] + ['{"kind": "Wrong"}']
    file.write_text("".join(f"---\n{line}\n" for line in lines))
    done = subprocess.run([BIN / "balena-clearblade-operator", "plan", "-f", file], text=True,
                          capture_output=True, timeout=PATIENCE)
    assert done.returncode == 2, done.stderr
    found = {line: [] for line in range(2, 2 * len(lines) + 1, 2)}
    for text in done.stderr.splitlines():
        if place := re.search(rf"{re.escape(str(file))}:(\d+):\d+: ", text):
            found[int(place[1])].append(text[place.end():])
    *ours, last = found.values()
    assert last, "the last document was not read"
    return [[text for text in each if not NOT_OF_THE_SCHEMA.search(f": {text}")] for each in ours]


def refusal_by_server(cluster, namespace, each):
    """Why the API server refuses a document; empty when it does not."""
    plural = PLURALS.get(each.get("kind", "BalenaDevice"))
    answer = cluster.request(
        "POST", f"{APIS}/namespaces/{namespace}/{plural}?dryRun=All&fieldValidation=Strict", each)
    assert answer.status in (201, 400, 422), f"{answer.status}: {answer.message}"
    return "" if answer.status == 201 else answer.message


@pytest.mark.parametrize("of", [*KINDS, "metadata"])
def test_server_and_parser_accept_the_same(cluster, namespace, tmp_path, of):
    tried = list(metadata_cases() if of == "metadata" else cases(of))
    problems = problems_of([each for _, each, _ in tried], tmp_path)
    wrong = []
    for (what, each, expected), found in zip(tried, problems):
        refusal = refusal_by_server(cluster, namespace, each)
        if not (expected is not bool(found) and expected is not bool(refusal)):
            wrong.append(f"{what} should be {'accepted' if expected else 'refused'}; the parser: "
                         f"{found or 'accepted'}; the server: {refusal or 'accepted'}")
    assert not wrong, "\n".join([f"{len(wrong)} of {len(tried)}:", *wrong])
    assert len(tried) > 30


@pytest.mark.parametrize("kind", KINDS)
def test_schema_has_the_fields_that_the_parser_reads_and_no_others(tmp_path, kind):
    known = {path: sorted(schema["properties"]) for path, schema in objects(kind)}
    probes = [put(FULL[kind], f"{path}.unknown" if path else "unknown", 0) for path in known]
    said = problems_of([document(kind, probe) for probe in probes], tmp_path)
    read = {path: re.search("known here: (.*)", each[0])[1].split(", ") if each else None
            for path, each in zip(known, said)}
    assert read == known


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_values_to_try(kind):
    assert sorted(FIELDS[kind]) == sorted(
        path for path, schema, _ in fields(spec_of(kind)) if is_leaf(schema))
    for path, _, _ in fields(spec_of(kind)):
        put(copy.deepcopy(FULL[kind]), path, None)  # it is in the full document


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_explained(cluster, kind):
    schema = schema_of(kind)
    for path, field, _ in [("", schema, True), *fields(schema)]:
        # The API server explains metadata itself.
        if path != "metadata":
            assert re.search(r"\w.{8,}[.)]$", field.get("description", ""), re.DOTALL), path
    assert "no unit for days" in cluster.kubectl("explain", "bfleet.spec.keys.lifetime")


def test_conditions_are_the_same_everywhere():
    conditions = []
    for kind in KINDS:
        schema = copy.deepcopy(schema_of(kind)["properties"]["status"]["properties"]["conditions"])
        types = re.findall("`([A-Z][A-Za-z]+)`:", schema.pop("description"))
        assert types[0] == "Ready"
        conditions.append(schema)
    assert conditions[0] == conditions[1] == conditions[2]


def test_a_device_inherits_what_it_leaves_out():
    for path, schema, _ in fields(spec_of("BalenaDevice")):
        assert ("default" in schema) is (path in ("state", "suspend")), path
