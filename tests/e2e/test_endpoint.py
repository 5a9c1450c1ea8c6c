"""The provisioning endpoint keeps the contract of the cloud function that it replaces."""

import concurrent.futures
import json
import re
import ssl
import subprocess
import time

import pytest

from endpoints import TOKEN, Endpoint, trusting
from harness import PATIENCE, ROOT, VARIABLES, Site, assert_provisioned, wait_until


@pytest.fixture
def serve(site):
    """Starts endpoints before the site's fleet; ends them with the test."""
    running = []

    def start(*arguments, **options):
        running.append(Endpoint(site, *arguments, **options))
        return running[-1]

    yield start
    for endpoint in running:
        if endpoint.process.poll() is None:
            assert endpoint.stop() == 0, endpoint.log


@pytest.fixture
def endpoint(serve):
    return serve()


def is_gone(sandbox, uuid, service="relay"):
    return f"balena-{uuid}" not in sandbox.registrations() and not any(
        sandbox.variable(uuid, name, service) for name in VARIABLES)


def test_a_device_is_provisioned_asked_for_again_and_removed(sandbox, endpoint):
    uuid = sandbox.add_devices(1)[0]
    first = endpoint.post(uuid)
    assert (first.status, first.text) == (201, "device created")
    assert_provisioned(sandbox, [uuid])
    again = endpoint.post(uuid)
    assert again.status == 409 and again.code == 6
    gone = endpoint.delete(uuid)
    assert (gone.status, gone.text) == (200, "device deleted")
    assert is_gone(sandbox, uuid)
    once_more = endpoint.delete(uuid)
    assert (once_more.status, once_more.text) == (200, "device deleted")
    back = endpoint.post(uuid)
    assert (back.status, back.text) == (201, "device created")
    assert_provisioned(sandbox, [uuid])
    assert len(sandbox.registrations()) == 1


@pytest.mark.parametrize("path", ["/", "/provision", "/cloudfunctions.net/provision", "/a/../b?c=d", "//", "/%2e%2e/x",
                                  "http://example.com/x"])
def test_any_path_will_do(sandbox, endpoint, path):
    uuid = sandbox.add_devices(1)[0]
    assert endpoint.ask("POST", {"uuid": uuid, "balena_service": "relay"}, path).status == 201


def test_a_form_will_do(sandbox, endpoint):
    uuid = sandbox.add_devices(1)[0]
    reply = endpoint.ask("POST", f"uuid={uuid}&balena_service=relay",
                         Content_Type="application/x-www-form-urlencoded")
    assert (reply.status, reply.text) == (201, "device created")


@pytest.mark.parametrize("service", ["relay", "undefined", "", None])
def test_the_fleets_own_service_or_none_is_named(sandbox, endpoint, service):
    uuid = sandbox.add_devices(1)[0]
    assert endpoint.post(uuid, service).status == 201
    assert_provisioned(sandbox, [uuid])


def test_no_caller_chooses_which_container_gets_the_key(sandbox, endpoint):
    sandbox.call("PATCH", "fleets/acme/sensors", {"addService": "other"})
    uuid = sandbox.add_devices(1)[0]
    for service in ("other", "relay ", "Relay", "../relay"):
        reply = endpoint.post(uuid, service)
        assert reply.status == 400 and reply.code != 6, reply
    assert is_gone(sandbox, uuid) and is_gone(sandbox, uuid, "other")


@pytest.mark.parametrize("body", [
    None, "", "nonsense", "[]", "{}", '{"uuid": null}', '{"uuid": 12}', '{"uuid": ""}',
    '{"uuid": "7cf02a6"}', '{"uuid": "7CF02A69E4D34C9DA573914963CF54FD"}',
    '{"uuid": "7cf02a69e4d34c9da573914963cf54fd", "balena_service": 1}', "{" * 10000])
def test_a_bad_body_is_said_so(endpoint, body):
    reply = endpoint.ask("POST", body, Content_Type="application/json")
    assert reply.status == 400 and reply.code == 3, reply
    assert json.loads(reply.text)["message"]


def test_a_prefix_of_a_uuid_finds_nothing(sandbox, endpoint):
    uuid = sandbox.add_devices(1)[0]
    for part in (uuid[:7], uuid[:31], uuid + "0"):
        assert endpoint.post(part).status == 400
        assert endpoint.delete(part).status == 400
    assert is_gone(sandbox, uuid)


def test_unknown_devices_and_those_of_others_are_answered_alike(sandbox, endpoint):
    others = sandbox.add_devices(1, "acme/gateways")[0]
    replies = [endpoint.post(uuid) for uuid in (others, "0" * 32, "f" * 62)]
    assert {reply.status for reply in replies} == {400}
    assert len({reply.text for reply in replies}) == 1
    assert endpoint.delete("0" * 32).status == 400


def test_only_what_is_desired_is_provisioned(site, sandbox, serve):
    site.fleet(devices="Declared")
    uuids = sandbox.add_devices(3)
    site.device(uuids[0]).device(uuids[1], state="Absent")
    endpoint = serve()
    assert [endpoint.post(uuid).status for uuid in uuids] == [201, 409, 400]
    assert endpoint.post(uuids[1]).code == 9
    assert list(sandbox.registrations()) == [f"balena-{uuids[0]}"]


def test_a_fleet_may_let_the_endpoint_enrol(site, sandbox, serve):
    site.fleet(devices="Declared", endpoint={"enrol": True})
    uuid = sandbox.add_devices(1)[0]
    endpoint = serve(command="sync")
    assert endpoint.post(uuid).status == 201
    # Also when the fleet is looked at again, and its file read again.
    site.device(sandbox.add_devices(1)[0])
    wait_until(lambda: len(sandbox.registrations()) == 2, "the declared one's registration")
    assert_provisioned(sandbox, [uuid])
    assert endpoint.post(uuid).code == 6


def test_methods_that_mean_nothing_are_refused(endpoint):
    for method in ("GET", "HEAD", "PUT", "PATCH", "OPTIONS"):
        reply = endpoint.ask(method)
        assert (reply.status, reply.headers["Allow"]) == (405, "POST, DELETE"), method
    described = endpoint.ask("GET", path="/openapi.json")
    assert json.loads(described.text)["openapi"].startswith("3.1")
    assert described.text == (ROOT / "docs" / "openapi.json").read_text()
    assert endpoint.ask("HEAD", path="/openapi.json").status == 200


def test_tokens_are_needed_and_may_be_changed(sandbox, site, serve):
    uuid = sandbox.add_devices(1)[0]
    endpoint = serve("--endpoint-auth", "token")
    for token in (None, "wrong-token-of-somebody", TOKEN[:-1]):
        assert endpoint.delete(uuid, token).status == 401
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        refused = endpoint.post(uuid, **headers)
        assert refused.status == 401 and refused.headers["WWW-Authenticate"] == "Bearer"
    assert is_gone(sandbox, uuid)
    assert endpoint.post(uuid, Authorization=f"Bearer {TOKEN}").status == 201
    sandbox.forbidden.add("another-token-of-the-tests")
    endpoint.token_file.write_text("another-token-of-the-tests\n")
    wait_until(lambda: endpoint.delete(uuid, "another-token-of-the-tests").status == 200,
               "the new token's acceptance")
    assert endpoint.post(uuid, Authorization=f"Bearer {TOKEN}").status == 401
    endpoint.token_file.write_text("# all are taken back\n")
    wait_until(lambda: endpoint.delete(uuid, "another-token-of-the-tests").status == 401, "the last token's end")
    assert "no token is accepted" in endpoint.log


def test_what_was_deleted_stays_away_until_it_is_posted_again(site, sandbox, serve):
    endpoint = serve(command="sync")
    uuid = sandbox.add_devices(1)[0]
    wait_until(lambda: f"balena-{uuid}" in sandbox.registrations(), "its registration")
    assert endpoint.delete(uuid).status == 200
    sweeps = sandbox.requests()["balena.device.list"]
    wait_until(lambda: sandbox.requests()["balena.device.list"] >= sweeps + 2, "two sweeps")
    assert is_gone(sandbox, uuid)
    assert endpoint.post(uuid).status == 201
    assert_provisioned(sandbox, [uuid])


@pytest.mark.parametrize("service", ["relay", None], ids=["service-variables", "device-variables"])
def test_a_post_takes_six_requests_and_no_new_connection(make_sandbox, tmp_path, service):
    sandbox = make_sandbox("--no-devices")
    slug = "acme/sensors" if service else "acme/gateways"
    site = Site(tmp_path / "site", sandbox, tls=True).registry().fleet("it", slug, service, syncInterval="1h")
    uuids = sandbox.add_devices(6, slug)
    site.device(uuids[4], "it").device(uuids[5], "it")
    endpoint = Endpoint(site, "--endpoint-rate", "0")
    try:
        assert endpoint.post(uuids[0], service).status == 201
        sandbox.reset_traffic()
        for number, uuid in enumerate(uuids[1:], 1):
            assert endpoint.post(uuid, service).status == 201
            assert sum(sandbox.requests().values()) == 6 * number
        assert sandbox.requests() == {"balena.device.get": 5, "clearblade.device.create": 5,
                                      "balena.variable.create": 20}
        assert sandbox.get("traffic")["connections"]["opened"] == 0
    finally:
        endpoint.stop()


@pytest.mark.concurrent
def test_ten_callers_at_once_cause_one_provisioning(sandbox, endpoint):
    for uuid in sandbox.add_devices(3):
        sandbox.reset_traffic()
        replies = endpoint.post_all([uuid] * 10)
        assert all(reply.status == 201 or reply.code == 6 for reply in replies), replies
        assert 201 in [reply.status for reply in replies]
        assert sandbox.requests()["clearblade.device.create"] == 1
        assert sandbox.requests()["balena.variable.create"] == 4
        assert_provisioned(sandbox, [uuid])


def test_a_half_provisioned_device_is_healed(sandbox, endpoint):
    uuid = sandbox.add_devices(1)[0]
    assert endpoint.post(uuid).status == 201
    key = sandbox.variable(uuid, "GCP_PRIVATE_KEY", "relay")
    sandbox.remove_variable(uuid, "GCP_PRIVATE_KEY", "relay")
    # Within seconds of its last verification it counts as provisioned.
    wait_until(lambda: endpoint.post(uuid).status == 201, "its healing")
    assert sandbox.variable(uuid, "GCP_PRIVATE_KEY", "relay") == key
    assert_provisioned(sandbox, [uuid])


def test_whoever_asks_too_often_is_told_when_to_come_back(sandbox, serve):
    endpoint = serve("--endpoint-rate-per-address", "0.1", "--endpoint-rate-per-device", "0")
    uuid = sandbox.add_devices(1)[0]
    first, second = endpoint.post(uuid), endpoint.post(uuid)
    assert first.status == 201
    assert second.status == 429 and int(second.headers["Retry-After"]) >= 1


def test_it_takes_longer_than_the_deadline_and_goes_on(sandbox, serve):
    endpoint = serve("--endpoint-deadline", "200ms")
    uuid = sandbox.add_devices(1)[0]
    hold = sandbox.hold("clearblade.device.create")
    late = endpoint.post(uuid)
    assert late.status == 504 and late.code == 4
    sandbox.end_hold(hold)
    wait_until(lambda: endpoint.post(uuid).code == 6, "the work's end")
    assert_provisioned(sandbox, [uuid])


def test_a_look_up_that_takes_longer_than_the_deadline_goes_on(sandbox, serve):
    endpoint = serve("--endpoint-deadline", "200ms")
    uuid = sandbox.add_devices(1)[0]
    hold = sandbox.hold("balena.device.get")
    late = endpoint.post(uuid)
    assert late.status == 504 and late.code == 4
    sandbox.end_hold(hold)
    wait_until(lambda: endpoint.post(uuid).code == 6, "the work's end")
    assert_provisioned(sandbox, [uuid])


@pytest.mark.concurrent
def test_callers_and_engine_share_one_grace(sandbox, serve):
    grace = 3
    endpoint = serve("--shutdown-grace", f"{grace}s", "--attempt-deadline", "1m", "--call-deadline", "2m")
    hold = sandbox.hold("clearblade.device.create")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(endpoint.post, sandbox.add_devices(1)[0])
        wait_until(lambda: sandbox.holds()[hold]["held"], "the create")
        began = time.monotonic()
        endpoint.process.terminate()
        assert waiting.result().status == 503
    assert endpoint.process.wait(PATIENCE) == 0
    assert time.monotonic() - began < 2 * grace
    sandbox.end_hold(hold)


@pytest.mark.concurrent
def test_at_the_end_those_who_wait_have_their_answer(sandbox, endpoint):
    uuids = sandbox.add_devices(2)
    hold = sandbox.hold("clearblade.device.create")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        idle = endpoint.connect()
        assert endpoint.ask("GET", path="/openapi.json", connection=idle).status == 200
        waiting = pool.submit(endpoint.post, uuids[0])
        wait_until(lambda: sandbox.holds()[hold]["held"], "the create")
        endpoint.process.terminate()
        wait_until(lambda: idle.sock.recv(1) == b"", "the idle connection's end")
        with pytest.raises(ConnectionRefusedError):
            endpoint.post(uuids[1])
        sandbox.end_hold(hold)
        assert waiting.result().status == 201
    assert endpoint.stop() == 0
    assert_provisioned(sandbox, uuids[:1])


def test_tls_from_files_which_may_change(sandbox, site, serve, tmp_path):
    def renew(name):
        files = [tmp_path / f"{name}.{end}" for end in ("crt", "key")]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost",
                        "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
        return files

    certificate, key = renew("first")
    endpoint = serve("--endpoint-tls-cert", certificate, "--endpoint-tls-key", key)
    endpoint.tls = trusting(certificate)
    uuids = sandbox.add_devices(3)
    kept = endpoint.connect()
    body = {"uuid": uuids[0], "balena_service": "relay"}
    assert endpoint.ask("POST", body, connection=kept).status == 201
    new_certificate, new_key = renew("second")
    # Half of it, as when two files are replaced one after the other.
    certificate.write_bytes(new_certificate.read_bytes())
    wait_until(lambda: "not used" in endpoint.log, "the complaint about the half")
    assert endpoint.post(uuids[1]).status == 201
    key.write_bytes(new_key.read_bytes())
    wait_until(lambda: "read again" in endpoint.log, "the new certificate's use")
    with pytest.raises(ssl.SSLCertVerificationError):
        endpoint.post(uuids[2])
    endpoint.tls = trusting(new_certificate)
    assert endpoint.post(uuids[2]).status == 201
    assert endpoint.ask("POST", body, connection=kept).code == 6, "what was open stays so"
    sandbox.forbidden |= {line for line in new_key.read_text().splitlines() if "-----" not in line}


@pytest.mark.parametrize(("arguments", "words"), [
    (("--endpoint-addr", "nonsense"), "expected HOST:PORT"),
    (("--endpoint-addr", "256.1.1.1:80"), "not an IP address"),
    (("--endpoint-addr", "127.0.0.1:1", "--endpoint-tls-cert", "/nonexistent"), "--endpoint-tls-key"),
    (("--endpoint-addr", "127.0.0.1:0", "--endpoint-tls-cert", "/nonexistent", "--endpoint-tls-key",
      "/nonexistent"), "can't read /nonexistent"),
    (("--endpoint-addr", "127.0.0.1:0", "--endpoint-token-file", "/dev/null"), "there is no token"),
    (("--endpoint-auth", "token"), "--endpoint-token-file"),
    (("--endpoint-deadline", "soon"), "expected a duration"),
])
def test_what_can_t_be_served_is_said_at_once(site, arguments, words):
    done = site.run("serve", *arguments)
    assert done.returncode == 2 and words in done.stderr, done.stderr


def test_requests_are_logged(sandbox, site, endpoint):
    uuid = sandbox.add_devices(1)[0]
    endpoint.post(uuid)
    assert re.search(rf"request method=POST peer=127\.0\.0\.1 uuid={uuid} status=201 outcome=created ms=\d+",
                     endpoint.log)
