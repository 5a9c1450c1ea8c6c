"""Registrations: created, read, listed in pages, patched, deleted."""

import pytest
from clearblade.cloud import iot_v1
from sdk import EXISTS, INVALID, NOT_FOUND, Registry, refusal


@pytest.fixture
def devices(registry):
    return Registry(registry)


def test_a_registration_is_created_and_read(devices):
    made = devices.create("dev-1", meta_data={"a": "b"}, blocked=True, log_level="INFO")
    assert isinstance(made, iot_v1.Device), "not the JSON of an error"
    read = devices.get("dev-1")
    for device in (made, read):
        assert device.id == "dev-1" and device.num_id.isdigit()
        assert device.meta_data == {"a": "b"} and device.blocked is True
        assert device.credentials == [] and device.log_level == "INFO"
        assert device.config.version == "1" and device.config.cloud_update_time.endswith("Z")
        assert device.last_event_time == "" and device.last_error_status["code"] == 0
        assert device.gateway_config["gatewayType"] == "NON_GATEWAY"
    assert read.num_id == made.num_id


def test_a_registration_is_found_by_its_number_too(devices):
    number = devices.create("dev-1").num_id
    assert devices.get(number).id == "dev-1"
    assert devices.delete(number).status_code == 200
    assert refusal(devices.get("dev-1")) == NOT_FOUND


def test_an_id_is_taken_once(devices):
    number = devices.create("dev-1", meta_data={"of": "the first"}).num_id
    assert refusal(devices.create("dev-1", meta_data={"of": "the second"})) == EXISTS
    assert devices.get("dev-1").meta_data == {"of": "the first"}
    assert devices.delete("dev-1").json() == {}
    assert devices.create("dev-1").num_id != number, "numbers are not used again"


@pytest.mark.parametrize(
    "bad", ["ab", "1abc", "goog-1", "a b c", "dev/1", "", "d" * 256, "ümlaut"],
    ids=lambda text: text[:8])
def test_bad_ids_are_refused(devices, bad):
    assert refusal(devices.create(bad)) == INVALID


@pytest.mark.parametrize("odd", ["a+b", "a%41b", "a.b_c~d%e+f", "d" * 255], ids=lambda t: t[:12])
def test_odd_ids_are_found_again(devices, odd):
    assert devices.create(odd).id == odd
    assert devices.get(odd).id == odd
    assert devices.patch(odd, "metadata", meta_data={"k": "v"}).meta_data == {"k": "v"}
    assert [each.id for each in devices.list(deviceIds=[odd])] == [odd]
    assert devices.delete(odd).status_code == 200
    assert devices.list() == []


def test_what_is_not_there_is_not_found(devices):
    assert refusal(devices.get("nobody")) == NOT_FOUND
    assert refusal(devices.patch("nobody", "metadata")) == NOT_FOUND
    assert refusal(devices.delete("nobody")) == NOT_FOUND
    assert devices.list() == []


def test_a_list_comes_in_pages(devices, statuses):
    wanted = [f"dev-{number:02}" for number in range(11)]
    for device in wanted:
        devices.create(device)
    pages = [[device.id for device in page.devices] for page in devices.pages(pageSize=4)]
    assert [len(page) for page in pages] == [4, 4, 3]
    assert sorted(sum(pages, [])) == wanted
    assert statuses("clearblade.device.list") == {"200": 3}
    # A page that is just full is the last one all the same.
    assert [len(page.devices) for page in devices.pages(pageSize=11)] == [11]
    assert len(devices.list(pageSize=5000)) == 11, "clamped, not refused"


def test_a_list_is_of_those_asked_for(devices):
    numbers = {device: devices.create(device).num_id for device in ("dev-1", "dev-2", "dev-3")}
    assert devices.ids(deviceIds=["dev-1", "dev-3"]) == ["dev-1", "dev-3"]
    assert devices.ids(deviceIds="dev-2") == ["dev-2"]
    assert devices.ids(deviceNumIds=[numbers["dev-2"], numbers["dev-3"]]) == ["dev-2", "dev-3"]
    assert devices.ids(deviceIds=["dev-1", "gone"]) == ["dev-1"]
    assert devices.ids(gatewayListOptions={"gatewayType": "GATEWAY"}) == []


@pytest.mark.parametrize("mask", ["metadata,blocked", ["metadata", "blocked"],
                                  iot_v1.FieldMask(["metadata", "blocked"])],
                         ids=["text", "repeated", "FieldMask"])
def test_a_list_has_the_fields_asked_for_and_both_ids(devices, mask):
    devices.create("dev-1", meta_data={"k": "v"}, log_level="DEBUG")
    [shown] = devices.list(fieldMask=mask)
    assert (shown.id, shown.meta_data, shown.blocked) == ("dev-1", {"k": "v"}, False)
    assert shown.num_id.isdigit() and shown.log_level is None and shown.credentials is None
    assert devices.list()[0].log_level == "DEBUG", "without a mask all fields come"


def test_a_patch_changes_what_its_mask_names_alone(devices):
    devices.create("dev-1", meta_data={"old": "1"}, log_level="INFO")
    # The SDK sends every field; those that the mask does not name must not count.
    changed = devices.patch("dev-1", "blocked", blocked=True, meta_data={"new": "2"})
    assert (changed.blocked, changed.meta_data, changed.log_level) == (True, {"old": "1"}, "INFO")
    changed = devices.patch("dev-1", "metadata,log_level", meta_data={"new": "2"},
                            log_level="ERROR", blocked=False)
    assert (changed.blocked, changed.meta_data, changed.log_level) == (True, {"new": "2"}, "ERROR")
    read = devices.get("dev-1")
    assert (read.blocked, read.meta_data, read.log_level) == (True, {"new": "2"}, "ERROR")


@pytest.mark.parametrize("mask", [None, "", "id", "name", "numId", "config", "metadata,numId"])
def test_a_patch_needs_a_mask_of_what_can_change(devices, mask):
    devices.create("dev-1", meta_data={"k": "v"})
    assert refusal(devices.patch("dev-1", mask, meta_data={})) == INVALID
    assert devices.get("dev-1").meta_data == {"k": "v"}


@pytest.mark.parametrize("bad", [{"a/b": "v"}, {"1st": "v"}, {"k" * 129: "v"}, {"k": 1},
                                 {"k": "v" * 32769}, {f"k{n}": "" for n in range(501)},
                                 {f"k{n}": "v" * 32000 for n in range(9)}],
                         ids=["slash", "digit", "long key", "number", "long value", "many",
                              "large"])
def test_bad_metadata_is_refused(devices, bad):
    devices.create("dev-1", meta_data={"k": "v"})
    assert refusal(devices.patch("dev-1", "metadata", meta_data=bad)) == INVALID
    assert refusal(devices.create("dev-2", meta_data=bad)) == INVALID
    assert devices.ids() == ["dev-1"] and devices.get("dev-1").meta_data == {"k": "v"}


def test_metadata_comes_back_as_it_was(devices):
    full = {f"key-{number}": "v" for number in range(498)} | {
        "letters": "Zürich € 😀 \"quoted\"\nlines", "long": "v" * 32768}
    assert devices.create("dev-1", meta_data=full).meta_data == full
    assert devices.get("dev-1").meta_data == full
