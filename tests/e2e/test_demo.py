"""What the README's first command claims is true."""

import os
import re
import subprocess

import pytest

from harness import BIN, PATIENCE, ROOT

DEVICES = 5


@pytest.mark.slow
def test_the_demo_does_what_it_says():
    done = subprocess.run([ROOT / "scripts" / "demo", str(DEVICES)], text=True, capture_output=True,
                          env=os.environ | {"BIN_DIR": str(BIN)}, timeout=4 * PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    claims = [f"all {DEVICES} devices are provisioned and publish",
              "container restarts for it, after the first start: 1\n",
              "the key is back",
              "the variable is right again",
              "all three publish again",
              f"balena-clearblade-operator plan: 0 of {DEVICES} devices to be changed",
              "The demo's claims are true."]
    places = [done.stdout.find(claim) for claim in claims]
    assert -1 not in places and places == sorted(places), done.stdout
    assert not re.search("✗", done.stdout + done.stderr)
