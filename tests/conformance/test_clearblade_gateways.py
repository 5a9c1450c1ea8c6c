"""Devices bound to gateways."""

import pytest
from clearblade.cloud import iot_v1
from sdk import INVALID, NOT_FOUND, PRECONDITION, Registry, refusal


@pytest.fixture
def devices(registry):
    made = Registry(registry)
    made.create("gateway", gateway_config={"gatewayType": "GATEWAY",
                                           "gatewayAuthMethod": "ASSOCIATION_ONLY"})
    made.create("dev-1")
    made.create("dev-2")
    return made


def bind(devices, device, gateway="gateway"):
    return devices.client.bind_device_to_gateway(
        iot_v1.BindDeviceToGatewayRequest(devices.path, device, gateway))


def unbind(devices, device, gateway="gateway"):
    return devices.client.unbind_device_from_gateway(
        iot_v1.UnbindDeviceFromGatewayRequest(devices.path, device, gateway))


def test_bound_devices_are_listed_from_both_sides(devices):
    number = devices.get("dev-1").num_id
    assert bind(devices, number).json() == {}
    assert devices.ids(gatewayListOptions={"associationsGatewayId": "gateway"}) == ["dev-1"]
    assert devices.ids(gatewayListOptions={"associationsDeviceId": "dev-1"}) == ["gateway"]
    assert devices.ids(gatewayListOptions={"gatewayType": "GATEWAY"}) == ["gateway"]
    assert devices.ids(gatewayListOptions={"gatewayType": "NON_GATEWAY"}) == ["dev-1", "dev-2"]
    assert unbind(devices, "dev-1").json() == {}
    assert devices.ids(gatewayListOptions={"associationsGatewayId": "gateway"}) == []


def test_a_bound_device_and_its_gateway_cannot_be_deleted(devices):
    bind(devices, "dev-1")
    refused = devices.delete("dev-1")
    assert refusal(refused) == PRECONDITION
    assert " it's associated with " in refused.json()["error"]["message"]
    refused = devices.delete("gateway")
    assert refusal(refused) == PRECONDITION
    assert " it has associated devices." in refused.json()["error"]["message"]
    unbind(devices, "dev-1")
    assert devices.delete("dev-1").status_code == devices.delete("gateway").status_code == 200


def test_binding_twice_names_duplicates(devices):
    bind(devices, "dev-1")
    refused = bind(devices, "dev-1")
    assert refusal(refused) == INVALID
    assert " duplicates in bound_devices" in refused.json()["error"]["message"]


def test_only_devices_are_bound_and_only_to_gateways(devices):
    assert refusal(bind(devices, "dev-1", "dev-2")) == PRECONDITION
    assert refusal(bind(devices, "nobody")) == NOT_FOUND
    assert refusal(bind(devices, "dev-1", "nobody")) == NOT_FOUND
    assert refusal(unbind(devices, "dev-1")) == NOT_FOUND
