"""schemas.py OUT FILE...: writes a JSON schema for each kind that the files describe, where kubeconform finds it.

A file is Kubernetes' swagger.json or a CustomResourceDefinition. Fields that a schema does not name are refused, as
the API server refuses them with strict validation."""

import json
import pathlib
import sys

import yaml

INT_OR_STRING = {"oneOf": [{"type": "integer"}, {"type": "string"}]}


def strict(schema):
    """The schema as JSON schema has it."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string") or schema.get("format") == "int-or-string":
        return INT_OR_STRING
    found = {}
    for key, value in schema.items():
        if key in ("properties", "definitions"):
            found[key] = {name: strict(each) for name, each in value.items()}
        elif key == "$ref":
            found[key] = value
        elif not key.startswith("x-kubernetes") and key not in ("description", "format", "default", "nullable"):
            found[key] = strict(value)
    if schema.get("nullable") and "type" in found:
        found["type"] = [found["type"], "null"]
        found.pop("enum", None)
    if "properties" in found and not schema.get("x-kubernetes-preserve-unknown-fields"):
        found.setdefault("additionalProperties", False)
    return found


def references(schema):
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref" and isinstance(value, str):  # not a field of that name
                yield value.rpartition("/")[2]
            else:
                yield from references(value)
    elif isinstance(schema, list):
        for each in schema:
            yield from references(each)


def of_swagger(swagger):
    """(group, version, kind, schema) of every kind; a schema holds all that it refers to."""
    definitions = {name: strict(each) for name, each in swagger["definitions"].items()}
    definitions["io.k8s.apimachinery.pkg.api.resource.Quantity"] = {"type": ["string", "number"]}
    for name, schema in swagger["definitions"].items():
        kinds = schema.get("x-kubernetes-group-version-kind", [])
        if len(kinds) != 1:
            continue
        needed, left = {}, [name]
        while left:
            each = left.pop()
            if each not in needed:
                needed[each] = definitions[each]
                left += references(definitions[each])
        kind = kinds[0]
        yield kind["group"], kind["version"], kind["kind"], {"$ref": f"#/definitions/{name}", "definitions": needed}


def of_crd(crd):
    spec = crd["spec"]
    for version in spec["versions"]:
        schema = strict(version["schema"]["openAPIV3Schema"])
        schema["properties"] |= {"apiVersion": {"type": "string"}, "kind": {"type": "string"},
                                 "metadata": {"type": "object"}}
        yield spec["group"], version["name"], spec["names"]["kind"], schema


def main(out, *files):
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    for file in map(pathlib.Path, files):
        text = file.read_text()
        found = (of_swagger(json.loads(text)) if file.suffix == ".json" else
                 [each for crd in yaml.load_all(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)) if crd
                  for each in of_crd(crd)])
        for group, version, kind, schema in found:
            parts = [kind, *([group.split(".")[0]] if group else []), version]
            (out / f"{'-'.join(parts).lower()}.json").write_text(json.dumps(schema))


main(*sys.argv[1:])
