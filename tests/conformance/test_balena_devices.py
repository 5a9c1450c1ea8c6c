"""One device: read, changed, moved, removed."""

import pytest
from balena import exceptions

ABSENT = "0123456789abcdef0123456789abcdef"


def test_a_device_is_found_by_uuid_and_id(balena, uuid):
    device = balena.models.device.get(uuid)
    assert device["uuid"] == uuid
    assert balena.models.device.get(device["id"])["uuid"] == uuid
    assert balena.models.device.has(uuid)
    assert device["belongs_to__application"] == {"__id": device["belongs_to__application"]["__id"]}
    assert device["created_at"].endswith("Z") and device["api_heartbeat_state"] == "online"


def test_an_unknown_device_is_not_found_and_that_is_no_error_of_http(balena, statuses):
    for unknown in (ABSENT, 2147483647):
        with pytest.raises(exceptions.DeviceNotFound):
            balena.models.device.get(unknown)
    assert not balena.models.device.has(ABSENT)
    assert statuses("balena.device.get") == {"200": 3}


def test_a_uuid_is_looked_up_in_its_case(balena, uuid):
    assert not balena.models.device.has(uuid.upper())


def test_all_an_operator_needs_comes_in_one_request(balena, fleet, uuid, statuses):
    balena.models.device.env_var.set(uuid, "GCP_PROJECT_ID", "p")
    balena.models.device.service_var.set(uuid, "relay", "GCP_PRIVATE_KEY", "k")
    balena.models.device.tags.set(uuid, "site", "north")
    before = statuses("balena.device.get").get("200", 0)
    device = balena.models.device.get(uuid, {
        "$select": ["id", "uuid", "is_online"],
        "$expand": {
            "belongs_to__application": {"$select": ["id", "slug"]},
            "is_of__device_type": {"$select": "slug"},
            "device_tag": {"$select": ["tag_key", "value"]},
            "device_environment_variable": {
                "$select": ["name", "value"], "$filter": {"name": {"$in": ["GCP_PROJECT_ID"]}}},
            "service_install": {
                "$select": "id",
                "$expand": {
                    "installs__service": {"$select": ["id", "service_name"]},
                    "device_service_environment_variable": {"$select": ["name", "value"]}}}}})
    assert statuses("balena.device.get")["200"] == before + 1
    assert device["belongs_to__application"][0]["slug"] == fleet
    assert device["device_tag"] == [{"tag_key": "site", "value": "north"}]
    assert device["device_environment_variable"] == [{"name": "GCP_PROJECT_ID", "value": "p"}]
    services = {install["installs__service"][0]["service_name"]:
                install["device_service_environment_variable"]
                for install in device["service_install"]}
    assert services == {"relay": [{"name": "GCP_PRIVATE_KEY", "value": "k"}], "main": []}


def test_running_services_are_shown(balena, uuid):
    device = balena.models.device.get_with_service_details(uuid)
    assert set(device["current_services"]) == {"relay", "main"}
    assert device["current_services"]["relay"][0]["status"] == "Running"


def test_small_questions_have_answers(sandbox, balena, fleet, uuid):
    device = balena.models.device
    name = device.get_name(uuid)
    assert [each["uuid"] for each in device.get_by_name(name)] == [uuid]
    assert device.get_application_name(uuid) == fleet.split("/")[1]
    assert device.is_online(uuid) and device.get_status(uuid) == "operational"
    sandbox.call("PATCH", f"devices/{uuid}", {"online": False})
    assert not device.is_online(uuid) and device.get_status(uuid) == "disconnected"
    assert device.is_tracking_application_release(uuid)
    assert device.get_metrics(uuid)["is_undervolted"] is False


def test_a_device_is_renamed_and_annotated(balena, uuid):
    device_id = balena.models.device.get(uuid)["id"]
    balena.models.device.rename(uuid, "boiler room")
    balena.models.device.set_note(uuid, "left of the door")
    device = balena.models.device.get(device_id)
    assert (device["device_name"], device["note"]) == ("boiler room", "left of the door")


def test_a_move_takes_the_service_variables_and_leaves_the_others(sandbox, balena, fleet, uuid):
    target = f"{fleet}-too"
    sandbox.post("fleets", slug=target, services=["relay"])
    device = balena.models.device
    device.service_var.set(uuid, "relay", "SECRET", "k")
    device.env_var.set(uuid, "PLAIN", "v")
    device.tags.set(uuid, "site", "north")
    device.move(uuid, target)
    assert device.get_application_name(uuid) == target.split("/")[1]
    device.move(uuid, fleet)
    assert device.service_var.get_all_by_device(uuid) == []
    assert device.env_var.get(uuid, "PLAIN") == "v"
    assert device.tags.get(uuid, "site") == "north"


def test_a_removed_device_takes_all_it_has_with_it(sandbox, balena, fleet):
    uuid, other = sandbox.add_devices(2, fleet)
    device = balena.models.device
    device.env_var.set(uuid, "PLAIN", "v")
    device.service_var.set(uuid, "relay", "SECRET", "k")
    device.tags.set(uuid, "site", "north")
    device.remove(uuid)
    assert not device.has(uuid) and device.has(other)
    assert device.env_var.get_all_by_application(fleet) == []
    assert device.service_var.get_all_by_application(fleet) == []
    assert device.tags.get_all_by_application(fleet) == []
    with pytest.raises(exceptions.DeviceNotFound):
        device.remove(uuid)


def test_several_devices_are_changed_by_one_request(sandbox, balena, fleet, statuses):
    uuids = sandbox.add_devices(3, fleet)
    ids = [balena.models.device.get(uuid)["id"] for uuid in uuids]
    balena.models.device.set_note(ids, "all three")
    assert statuses("balena.device.update") == {"200": 1}
    assert {balena.models.device.get(uuid)["note"] for uuid in uuids} == {"all three"}


def test_an_update_reaches_a_device_that_is_connected(sandbox, balena, uuid, statuses):
    assert balena.models.device.update(uuid) == ""
    assert statuses("balena.supervisor") == {"204": 1}
    sandbox.call("PATCH", f"devices/{uuid}", {"online": False})
    assert balena.models.device.update(uuid) == "No online device(s) found"
    assert statuses("balena.supervisor") == {"204": 1, "404": 1}
