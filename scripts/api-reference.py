"""Writes docs/api-reference.md from crds/, or with --check compares the two. Run by scripts/api-reference."""

import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "api-reference.md"
# In the order in which one refers to the other.
FILES = ("clearbladeregistries", "balenafleets", "balenadevices")
INTRODUCTION = """\
# API reference

Every field of the three kinds of `provisioning.balena-clearblade.io/v1alpha1`. Written by `scripts/api-reference` from the schemas
in `crds/`, which `kubectl explain bfleet.spec.keys` shows too. How they go together: [configuration](configuration.md).

Unknown fields, wrong types and values out of range are refused, by the API server and by `sync -f` alike. A *duration* is Go's: `720h`,
`90m`, `1h30m`, with units `h`, `m`, `s` and `ms`, and at most `876000h` (100 years). A *time* is RFC 3339, such as `2026-11-23T07:00:00Z`. A *name* is a Kubernetes object's.
"""


def code(value):
    return "`" + ("true" if value is True else "false" if value is False else str(value)) + "`"


def rules(schema):
    return [each["rule"] for each in schema.get("x-kubernetes-validations", [])]


def is_duration(schema):
    return any("duration(self)" in rule for rule in rules(schema))


def type_of(schema):
    if "enum" in schema:
        return ", ".join(map(code, schema["enum"]))
    if is_duration(schema):
        return "duration"
    if schema.get("format") == "date-time":
        return "time"
    if schema["type"] == "array":
        inner = type_of(schema["items"])
        return "list of " + (inner if "enum" in schema["items"] else inner + "s")
    if "additionalProperties" in schema:
        return "map of strings"
    if schema.get("maxLength") == 253 and "A-Z" not in schema.get("pattern", "A-Z"):
        return "name"
    return schema["type"]


def limits(schema):
    """What the type alone does not say."""
    said = []
    if is_duration(schema):
        least = re.search(r">= duration\('(.*?)'\)", rules(schema)[0])[1]
        said += [f"at least {least}"] if least != "0s" else []
    if "maximum" in schema:
        said.append(f"{schema['minimum']} to {schema['maximum']}")
    if "maxItems" in schema:
        said.append(f"at most {schema['maxItems']}")
    if "maxProperties" in schema:
        said.append(f"at most {schema['maxProperties']}")
    return ", ".join(said)


def default_of(schema, required):
    if required:
        return "required"
    # That of an object is what its fields have.
    if "default" in schema and schema["type"] != "object":
        return code(schema["default"])
    return ""


def rows(schema, path=""):
    for name, field in schema["properties"].items():
        here = f"{path}.{name}" if path else name
        yield here, field, name in schema.get("required", [])
        inner = field.get("items", field)
        if "properties" in inner:
            yield from rows(inner, here + ("[]" if inner is not field else ""))


def one_line(text):
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|")


def table(schema, with_defaults):
    head = ["field", "type", *(["default"] if with_defaults else []), "meaning"]
    lines = [head, ["---"] * len(head)]
    for path, field, required in rows(schema):
        kind, limited = type_of(field), limits(field)
        lines.append([code(path), kind + (f" ({limited})" if limited else ""),
                      *([default_of(field, required)] if with_defaults else []),
                      one_line(field["description"])])
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def conditions_apart(status):
    """The status without what conditions are made of: that is the same everywhere."""
    fields = dict(status["properties"])
    fields["conditions"] = fields["conditions"] | {"items": {"type": "condition"}}
    return {"properties": fields}


def section(crd):
    names = crd["spec"]["names"]
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    spec, status = schema["properties"]["spec"], schema["properties"]["status"]
    selectable = ", ".join(code(each["jsonPath"].removeprefix("."))
                           for each in crd["spec"]["versions"][0]["selectableFields"])
    return f"""
## {names['kind']}

{one_line(schema['description'])}

`kubectl get {names['shortNames'][0]}`, with `-o wide` for more; `--field-selector` knows {selectable}.

### spec

{one_line(spec['description'])}

{table(spec, True)}
### status

{one_line(status['description'])}

{table(conditions_apart(status), False)}"""


def page():
    crds = [yaml.safe_load((ROOT / "crds" / f"{name}.yaml").read_text()) for name in FILES]
    schema = crds[0]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    condition = schema["properties"]["status"]["properties"]["conditions"]["items"]
    return (INTRODUCTION + "".join(map(section, crds))
            + f"\n## Conditions\n\n{one_line(condition['description'])}\n\n{table(condition, False)}")


def main(arguments):
    if arguments == ["--check"]:
        if not PAGE.exists() or PAGE.read_text() != page():
            sys.exit("docs/api-reference.md is not what crds/ say: run ./scripts/api-reference")
    elif arguments:
        sys.exit("./scripts/api-reference [--check]")
    else:
        PAGE.write_text(page())


main(sys.argv[1:])
