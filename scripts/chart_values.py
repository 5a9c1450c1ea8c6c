"""Writes docs/install/values.md from the comments in values.yaml, or with --check compares the two. Run by scripts/chart-values."""

import json
import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[1]
VALUES = ROOT / "charts" / "balena-clearblade-operator" / "values.yaml"
PAGE = ROOT / "docs" / "install" / "values.md"
INTRODUCTION = """\
# Values of the chart

Written by `scripts/chart-values` from `charts/balena-clearblade-operator/values.yaml`. What is wrong with a value is said before anything is
installed, with the value's name; so is a name that does not exist. How to use them: [Helm](helm.md).
"""


def rows(text):
    """("## heading",) or (path, default, meaning) in the file's order. A value without a comment is a group of others."""
    tree = yaml.safe_load(text)
    comment, path = [], []
    for line in text.splitlines():
        if line.startswith("## "):
            yield (line[3:],)
        elif found := re.match(r" *# ?(.*)", line):
            comment.append(found[1])
        elif not line.strip():
            comment = []  # it was about no value
        elif found := re.match(r"( *)(\w+):", line):
            path[len(found[1]) // 2:] = [found[2]]
            if comment:
                value = tree
                for name in path:
                    value = value[name]
                yield ".".join(path), value, " ".join(comment)
                comment = []


def shown(value):
    return f"`{value}`" if isinstance(value, str) and value else f"`{json.dumps(value)}`"


def page():
    lines = [INTRODUCTION]
    for row in rows(VALUES.read_text()):
        if len(row) == 1:
            lines.append(f"\n## {row[0]}\n\n| value | default | meaning |\n| --- | --- | --- |\n")
        else:
            path, value, meaning = row
            lines.append(f"| `{path}` | {shown(value)} | {meaning.replace('|', chr(92) + '|')} |\n")
    return "".join(lines)


def main(arguments):
    if arguments == ["--check"]:
        if not PAGE.exists() or PAGE.read_text() != page():
            sys.exit("docs/install/values.md is not what values.yaml says: run ./scripts/chart-values")
    elif arguments:
        sys.exit("./scripts/chart-values [--check]")
    else:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page())


main(sys.argv[1:])
