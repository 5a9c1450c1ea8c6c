"""No secret is ever printed. Every test of this folder searches what the operator has printed; these provoke it."""

import base64
import json
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cells import SCENARIOS
from harness import Site, key_texts

DEBUG = ("--log-level", "debug")
FORMATS = ("text", "json")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[each.__name__ for each in SCENARIOS])
def test_a_debug_log_in_json_shows_none(pool, scenario):
    """The text log is searched in each cell of the tables of faults and of kills."""

    def play(cell, kind):
        cell.sandbox.fault(kind, "status", status=500, when="after", count=2)
        cell.assert_converged(cell.site.sync_once(*DEBUG, "--log-format", "json"))
        for line in cell.sandbox.outputs[-1].splitlines():
            assert "devices in sync" in line or json.loads(line)

    pool.run(scenario, play, SCENARIOS[scenario])


def test_the_search_finds_what_is_there(sandbox, site):
    sandbox.add_devices(1)
    assert site.sync_once().returncode == 0
    known = sandbox.known_secrets()
    assert sandbox.ready["token"] in known
    assert sandbox.ready["service_account"]["token"] in known
    assert (sandbox.secrets / "bco-key-seed" / "seed").read_text().strip() in known
    key = [text for text in known if text.startswith("LS0tLS1CRUdJTi") and "%" not in text]
    assert len(key) == 1, "the key's value"
    pem = base64.b64decode(key[0]).decode()
    assert json.dumps(pem)[1:-1] in known
    text = subprocess.run(["openssl", "pkey", "-text", "-noout"], input=pem.encode(),
                          capture_output=True, check=True).stdout.decode()
    lines = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    scalar = "".join(lines)[:95]  # 32 bytes as "ab:cd:…"
    assert scalar in known and scalar.replace(":", "") in known
    for secret in sorted(known):
        sandbox.outputs.append(f"a line with {secret} in it")
        assert secret in sandbox.leaks()
        sandbox.outputs.pop()
    assert sandbox.leaks() == []


def somebodys_key():
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()).decode()


@pytest.mark.parametrize("log_format", FORMATS)
def test_a_key_that_somebody_stored_is_shown_nowhere(sandbox, site, log_format):
    uuids = sandbox.add_devices(4)
    assert site.sync_once().returncode == 0
    pem = somebodys_key()
    value = base64.b64encode(pem.encode()).decode()
    sandbox.forbidden |= key_texts(value)
    for uuid, stored in zip(uuids, [value, pem.replace("\n", "\\n"), pem.replace("\n", ""), value[:-9]]):
        sandbox.set_variable(uuid, "GCP_PRIVATE_KEY", stored, "relay")
        sandbox.forbidden.add(stored)
    for command in (["plan"], ["plan", "-o", "json"], *(["provision", uuid] for uuid in uuids),
                    ["sync", "--once"]):
        done = site.run(*command, *DEBUG, "--log-format", log_format)
        assert done.returncode == 0, done.stdout + done.stderr
    assert not [uuid for uuid in uuids if sandbox.variable(uuid, "GCP_PRIVATE_KEY", "relay") == value]


TOKEN = "s3cr3t-0f-an-acc0unt"
ACCOUNTS = {
    "no JSON": TOKEN,
    "broken JSON": f'{{"systemKey": "k", "token": "{TOKEN}", ',
    "no object": f'["{TOKEN}"]',
    "wrong type": f'{{"systemKey": "k", "token": ["{TOKEN}"], "url": "https://x", "project": "p"}}',
    "bad URL": f'{{"systemKey": "k", "token": "{TOKEN}", "url": "ftp://x", "project": "my-project"}}',
    "token in the URL": f'{{"systemKey": "k", "token": "t", "url": "http://u:{TOKEN}@127.0.0.1:1", '
                        '"project": "my-project"}',
    "line break": f'{{"systemKey": "k", "token": "{TOKEN}\\n", "url": "http://127.0.0.1:1", '
                  '"project": "my-project"}',
}


@pytest.mark.parametrize("log_format", FORMATS)
@pytest.mark.parametrize("case", ACCOUNTS)
def test_a_malformed_service_account_is_told_without_it(sandbox, site, case, log_format):
    sandbox.add_devices(1)
    sandbox.forbidden.add(TOKEN)
    (sandbox.secrets / "clearblade" / "service-account.json").write_text(ACCOUNTS[case])
    done = site.run("sync", "--once", "--timeout", "1s", *DEBUG, "--log-format", log_format)
    assert done.returncode == 1 and "default/sensors" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("log_format", FORMATS)
@pytest.mark.parametrize("token", [TOKEN + "\nX-Injected: yes", TOKEN + " and more", TOKEN + "\x7f", ""])
def test_a_malformed_token_is_told_without_it(sandbox, site, token, log_format):
    sandbox.add_devices(1)
    sandbox.forbidden.add(TOKEN)
    (sandbox.secrets / "balena" / "token").write_text(token)
    done = site.run("sync", "--once", "--timeout", "1s", *DEBUG, "--log-format", log_format)
    assert done.returncode in (1, 2) and "token" in done.stdout + done.stderr
    assert sandbox.requests().keys() <= {"clearblade.exchange", "clearblade.registry.get"}


@pytest.mark.parametrize("log_format", FORMATS)
@pytest.mark.parametrize("seed", ["c2hvcnQtc2VlZC1vZi1zb21lYm9keS13aXRo", "not base64: &%$ secret seed", ""])
def test_a_malformed_seed_is_told_without_it(sandbox, site, seed, log_format):
    sandbox.add_devices(1)
    if seed:
        sandbox.forbidden |= {seed, "short-seed-of-somebody"}
    (sandbox.secrets / "bco-key-seed" / "seed").write_text(seed)
    done = site.run("sync", "--once", "--timeout", "1s", *DEBUG, "--log-format", log_format)
    assert done.returncode == 1
    assert "keySeedSecretRef: the key seed must be 32 random bytes" in done.stdout
    assert sandbox.registrations() == {}


SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: balena}\n"
DOCUMENTS = {
    "no mapping": SECRET + f"stringData: {TOKEN}\n",
    "no text": SECRET + f"stringData: {{token: [{TOKEN}]}}\n",
    "no base64": SECRET + f"data: {{token: '{TOKEN}!'}}\n",
    "unknown field": SECRET + f"stringdata: {{token: {TOKEN}}}\n",
    "twice": SECRET + f"stringData: {{token: {TOKEN}}}\n---\n" + SECRET + f"stringData: {{token: {TOKEN}}}\n",
    "an ambiguous word": SECRET + f"stringData: {{token: 017, other: {TOKEN}}}\n",
    "broken off": SECRET + f"stringData: {{token: '{TOKEN}\n",
    "broken quotes": SECRET + f"stringData: {{token: '{TOKEN}' {TOKEN}}}\n",
    "a tab": SECRET + f"stringData:\n\ttoken: {TOKEN}\n",
    "an alias": SECRET + f"stringData: {{token: *{TOKEN}}}\n",
    "a tag": SECRET + f"stringData: {{token: !{TOKEN} x}}\n",
    "in a wrong place": SECRET + f"stringData: {{token: x}}\ntoken: {TOKEN}\n",
}


@pytest.mark.parametrize("case", DOCUMENTS)
def test_a_broken_secret_document_is_told_without_it(sandbox, site, case):
    sandbox.forbidden.add(TOKEN)
    path = site.directory / "secret.yaml"
    path.write_text(DOCUMENTS[case])
    done = site.run("plan", *DEBUG)
    assert done.returncode == 2, done.stdout + done.stderr
    assert str(path) + ":" in done.stderr
