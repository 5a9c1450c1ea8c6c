"""Reads what the operator serves at /metrics, and the table that documents it."""

import re
import subprocess
import urllib.request
from collections import namedtuple

from harness import PATIENCE, ROOT, wait_until

Documented = namedtuple("Documented", "type labels served_by")


class Scrape:
    """One answer: families by name with their type, and samples as (name, labels) with their value."""

    def __init__(self, text):
        self.text = text
        self.types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
        self.help = dict(re.findall(r"^# HELP (\S+) (.+)$", text, re.MULTILINE))
        self.samples = [(name, dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels)), float(value))
                        for name, labels, value in re.findall(
                            r"^([a-zA-Z_:]+)(?:\{(.*)\})? (\S+)$", text, re.MULTILINE)]

    def value(self, name, /, **labels):
        """The sum of all samples with these labels; None where there are none."""
        found = [value for each, has, value in self.samples
                 if each == name and labels.items() <= has.items()]
        return sum(found) if found else None

    def family_of(self, sample):
        base = re.sub(r"_(bucket|sum|count)$", "", sample)
        return base if self.types.get(base) == "histogram" else sample


def documented(endpoint=False):
    """The table in docs/metrics.md, by name; what the endpoint's counters are shown as only if asked for."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|(.*?)\| (.*?) \| .+ \|$",
                      (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE)
    return {name: Documented(type, set(re.findall(r"`(\w+)`", labels)), where)
            for name, type, labels, where in rows if endpoint or "with the endpoint" not in where}


def metrics_url(log):
    """Where a program serves its metrics, by what it has logged; None before it has."""
    port = re.search(r"serving metrics address=127\.0\.0\.1 port=(\d+)", log)
    return port and f"http://127.0.0.1:{port.group(1)}/metrics"


def scrape(url):
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        return Scrape(answer.read().decode())


def scrape_until(url, ready, what):
    """The first scrape for which ready(scrape) is true."""
    return wait_until(lambda: (lambda found: ready(found) and found)(scrape(url)), what)


def prometheus_programs():
    """The folder with promtool and prometheus."""
    made = subprocess.run([ROOT / "scripts" / "prometheus-programs"], stdout=subprocess.PIPE, text=True)
    assert made.returncode == 0, "no promtool"
    return ROOT / made.stdout.strip()
