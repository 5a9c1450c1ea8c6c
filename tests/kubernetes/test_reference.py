import subprocess
import sys

from harness import ROOT


def test_the_api_reference_is_what_the_schemas_say():
    checked = subprocess.run([sys.executable, ROOT / "scripts" / "api-reference.py", "--check"],
                             text=True, capture_output=True)
    assert checked.returncode == 0, checked.stderr
