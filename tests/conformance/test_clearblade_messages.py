"""Configs to devices, their states, commands."""

import base64

import pytest
from clearblade.cloud import iot_v1
from keys import Bridge, ec_key, public_pem
from sdk import INVALID, NOT_FOUND, PRECONDITION, Registry, credential, refusal


class Messages:
    """Calls about one device."""

    def __init__(self, devices, device):
        self.client = devices.client
        self.name = devices.name(device)

    def modify(self, data, version=""):
        return self.client.modify_cloud_to_device_config(iot_v1.ModifyCloudToDeviceConfigRequest(
            self.name, version, base64.b64encode(data)))

    def configs(self, count=None):
        return self.client.list_device_config_versions(
            iot_v1.ListDeviceConfigVersionsRequest(self.name, count))

    def states(self, count=None):
        return self.client.list_device_states(iot_v1.ListDeviceStatesRequest(self.name, count))

    def send(self, data, folder=None):
        return self.client.send_command_to_device(
            iot_v1.SendCommandToDeviceRequest(self.name, data, folder))


@pytest.fixture
def devices(registry):
    return Registry(registry)


@pytest.fixture
def messages(devices):
    devices.create("dev-1")
    return Messages(devices, "dev-1")


def payloads(answer):
    return [(each.version, base64.b64decode(each.binary_data)) for each in answer.device_configs]


def test_configs_count_up_from_the_empty_first(devices, messages):
    assert payloads(messages.configs()) == [("1", b"")]
    changed = messages.modify(b"two")
    assert changed.version == "2" and changed.cloud_update_time.endswith("Z")
    messages.modify("drei €".encode())
    assert payloads(messages.configs()) == [("3", "drei €".encode()), ("2", b"two"), ("1", b"")]
    assert payloads(messages.configs(2)) == [("3", "drei €".encode()), ("2", b"two")]
    assert devices.get("dev-1").config.version == "3"


def test_ten_configs_are_kept(messages):
    for number in range(12):
        messages.modify(str(number).encode())
    kept = payloads(messages.configs())
    assert len(kept) == 10 and kept[0] == ("13", b"11") and kept[-1] == ("4", b"2")
    assert refusal(messages.configs(11)) == INVALID


def test_a_config_can_insist_on_the_version_it_replaces(messages):
    assert messages.modify(b"two", 1).version == "2"
    assert refusal(messages.modify(b"three", 1)) == (409, "ABORTED")
    assert messages.modify(b"three", "2").version == "3"
    assert messages.modify(b"four", 0).version == "4", "0 insists on nothing"


def test_a_config_of_64_kb_fits_and_one_byte_more_does_not(messages):
    assert messages.modify(b"x" * 65536).version == "2"
    assert refusal(messages.modify(b"x" * 65537)) == INVALID


def test_states_are_listed_newest_first(sandbox, registry, devices):
    key = ec_key()
    devices.create("dev-1", [credential(public_pem(key))])
    messages, bridge = Messages(devices, "dev-1"), Bridge(sandbox, registry)
    assert messages.states().device_states == []
    for number in range(12):
        assert bridge.set_state("dev-1", key, f"state {number}".encode()) == 204
    kept = messages.states().device_states
    assert [each.binary_data for each in kept] == [f"state {11 - n}" for n in range(10)]
    assert [each.binary_data for each in messages.states(2).device_states] == ["state 11",
                                                                                "state 10"]
    device = devices.get("dev-1")
    assert device.state.binary_data == "state 11", "plain, not base64"
    assert device.last_state_time == device.state.update_time == kept[0].update_time


def test_a_command_needs_a_device_that_listens(sandbox, registry, messages):
    assert refusal(messages.send(b"hi")) == PRECONDITION
    sandbox.call("PATCH", f"registrations/dev-1?registry={registry}", {"takesCommands": True})
    assert messages.send(b"hi").json() == {}
    assert messages.send(b"hi", "sub/folder").status_code == 200
    for bad in ("a+b", "a#", "f" * 257):
        assert refusal(messages.send(b"hi", bad)) == INVALID


def test_an_unknown_device_gets_no_messages(devices):
    messages = Messages(devices, "nobody")
    assert refusal(messages.modify(b"x")) == NOT_FOUND
    for answer in (messages.configs(), messages.states(), messages.send(b"x")):
        assert refusal(answer) == NOT_FOUND


def test_the_sdks_own_google_format_can_be_parsed(sandbox, registry, devices, monkeypatch):
    monkeypatch.setenv("BINARYDATA_AND_TIME_GOOGLE_FORMAT", "true")
    key = ec_key()
    devices.create("dev-1", [credential(public_pem(key))])
    messages = Messages(devices, "dev-1")
    assert messages.modify(b"\x01two").binary_data == b"\x01two"
    Bridge(sandbox, registry).set_state("dev-1", key, b"fine")
    device = devices.get("dev-1")
    assert device.state.binary_data == b"fine"
    assert device.last_state_time.year >= 2020 and device.last_event_time is None
    assert device.config.cloud_update_time.tzinfo is not None
