"""The running endpoint is what its OpenAPI description says: schemathesis makes requests of all sorts from it."""

import pathlib
import re
import subprocess
import sys

import pytest

from endpoints import TOKEN, Endpoint
from harness import PATIENCE, ROOT

# Most UUIDs that a schema allows are of no device, which the contract answers with 400.
ARGUMENTS = ("--seed", "1", "--max-examples", "40", "--exclude-checks", "positive_data_acceptance",
             "--generation-database", "none", "--no-color", "-H", f"Authorization: Bearer {TOKEN}")


@pytest.mark.parametrize("auth", ["none", "token"])
def test_the_endpoint_is_as_it_describes_itself(sandbox, site, tmp_path, auth):
    # The one of the description's examples.
    example = re.search(r"[0-9a-f]{32}", (ROOT / "docs" / "openapi.json").read_text())[0]
    sandbox.post("devices", fleet="acme/sensors", uuid=example)
    endpoint = Endpoint(site, "--endpoint-auth", auth, "--endpoint-rate", "0", "--endpoint-rate-per-address", "0",
                        "--endpoint-rate-per-device", "0")
    try:
        done = subprocess.run(
            [pathlib.Path(sys.executable).with_name("st"), "run", f"http://127.0.0.1:{endpoint.port}/openapi.json",
             *ARGUMENTS], cwd=tmp_path, text=True, capture_output=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(r"(\d+) generated, \1 passed", done.stdout), done.stdout
        outcomes = set(re.findall(r"outcome=(\w+)", endpoint.log))
        assert {"created", "deleted", "bad_request", "unknown_device", "unauthenticated", "method_not_allowed",
                "described"} <= outcomes
    finally:
        endpoint.stop()
