"""Fleets, their services, and the lists of their devices."""

import pytest
from balena import exceptions


def test_a_fleet_is_found_by_slug_uuid_and_id(balena, fleet):
    found = balena.models.application.get(fleet)
    assert found["slug"] == fleet
    assert balena.models.application.get(found["uuid"])["id"] == found["id"]
    assert balena.models.application.get(found["id"])["slug"] == fleet
    assert balena.models.application.get(fleet.upper())["id"] == found["id"]
    assert balena.models.application.get_id(fleet) == found["id"]


def test_an_unknown_fleet_is_not_found(balena):
    for unknown in ("acme/nowhere", 2147483647):
        with pytest.raises(exceptions.ApplicationNotFound):
            balena.models.application.get(unknown)
    assert not balena.models.application.has("acme/nowhere")


def test_fleets_are_listed(balena, fleet):
    for listed in (balena.models.application.get_all(),
                   balena.models.application.get_all_directly_accessible(),
                   balena.models.application.get_all_by_organization("acme")):
        assert {"acme/sensors", "acme/gateways", fleet} <= {each["slug"] for each in listed}
    assert balena.models.application.get_directly_accessible(fleet)["slug"] == fleet


def test_a_fleets_services_are_listed(balena, fleet):
    services = balena.models.service.get_all_by_application(fleet)
    assert {each["service_name"] for each in services} == {"relay", "main"}
    one = balena.models.service.get_all_by_application(
        fleet, {"$select": ["id", "service_name"], "$filter": {"service_name": "relay"}})
    assert [each["service_name"] for each in one] == ["relay"]


def test_a_fleets_devices_are_listed_in_order_of_name(sandbox, balena, fleet):
    uuids = sandbox.add_devices(5, fleet)
    devices = balena.models.device.get_all_by_application(fleet)
    assert {each["uuid"] for each in devices} == set(uuids)
    names = [each["device_name"] for each in devices]
    assert names == sorted(names)
    by_organization = balena.models.device.get_all_by_organization("acme", {"$select": "uuid"})
    assert set(uuids) <= {each["uuid"] for each in by_organization}


def test_a_fleets_devices_are_read_in_pages_by_id(sandbox, balena, fleet):
    uuids = sandbox.add_devices(7, fleet)
    fleet_id = balena.models.application.get_id(fleet)
    seen, last = [], 0
    while True:
        page = balena.models.device.get_all(
            {"$select": ["id", "uuid"], "$orderby": "id asc", "$top": 3,
             "$filter": {"belongs_to__application": fleet_id, "id": {"$gt": last}}})
        assert len(page) <= 3
        seen += [each["uuid"] for each in page]
        if len(page) < 3:
            break
        last = page[-1]["id"]
    assert sorted(seen) == sorted(uuids) and len(seen) == 7
    skipped = balena.models.device.get_all_by_application(
        fleet, {"$select": "uuid", "$orderby": "id asc", "$skip": 5})
    assert [each["uuid"] for each in skipped] == seen[5:]


def test_devices_are_counted(sandbox, balena, fleet):
    sandbox.add_devices(4, fleet)
    fleet_id = balena.models.application.get_id(fleet)
    answer = balena.pine.request(
        {"url": f"device/$count?$filter=belongs_to__application%20eq%20{fleet_id}"})
    assert answer == {"d": 4}


def test_devices_that_lack_a_variable_are_found_by_one_filter(sandbox, balena, fleet):
    having, lacking = sandbox.add_devices(2, fleet)
    balena.models.device.env_var.set(having, "GCP_PROJECT_ID", "p")
    found = balena.models.device.get_all_by_application(
        fleet, {"$select": "uuid", "$filter": {"$not": {"device_environment_variable": {
            "$any": {"$alias": "v", "$expr": {"v": {"name": "GCP_PROJECT_ID"}}}}}}})
    assert [each["uuid"] for each in found] == [lacking]


@pytest.mark.parametrize("level", ["fleet", "service"])
def test_fleet_wide_variables_are_set_and_removed(balena, fleet, level):
    if level == "fleet":
        variables, owner = balena.models.application.env_var, fleet
        listed = variables.get_all_by_application
    else:
        variables = balena.models.service.var
        owner = {"application": fleet, "service_name": "relay"}
        listed = variables.get_all_by_service
    variables.set(owner, "ENDPOINT", "one")
    variables.set(owner, "ENDPOINT", "two")
    assert variables.get(owner, "ENDPOINT") == "two"
    assert [each["name"] for each in listed(owner)] == ["ENDPOINT"]
    variables.remove(owner, "ENDPOINT")
    assert variables.get(owner, "ENDPOINT") is None


def test_a_device_type_is_found_by_its_alias(balena):
    found = balena.models.device_type.get("raspberrypi4-64")
    assert found["slug"] == "raspberrypi4-64"
    with pytest.raises(exceptions.InvalidDeviceType):
        balena.models.device_type.get("abacus")
