"""The service account, the exchange, and what they open."""

import asyncio

import loopback
import pytest
from clearblade.cloud import iot_v1
from clearblade.cloud.iot_v1.config_manager import ClearBladeConfigManager
from loopback import LOCATION, PROJECT, REGION
from keys import ec_key, public_pem
from sdk import Registry, credential, refusal

NO_REGISTRY = "Registry Information not found"


@pytest.fixture
def devices(registry):
    return Registry(registry)


def test_each_call_exchanges_the_service_account_for_the_registrys_token(devices, statuses):
    devices.create("dev-1")
    devices.get("dev-1")
    assert statuses("clearblade.exchange") == {"200": 2}
    assert statuses("clearblade.device.create") == statuses("clearblade.device.get") == {"200": 1}


@pytest.mark.parametrize("changed, status", [
    ({"token": "wrong"}, "401"), ({"systemKey": "wrong"}, "401"), ({"project": "other"}, "403")],
    ids=["token", "system key", "project"])
def test_a_bad_service_account_gets_nothing(service_account, devices, statuses, changed, status):
    service_account(**changed)
    with pytest.raises(Exception, match=NO_REGISTRY):
        devices.get("dev-1")
    assert statuses("clearblade.exchange") == {status: 1}
    assert statuses("clearblade.device.get") == {}


@pytest.mark.parametrize("path", [f"{LOCATION}/registries/nowhere",
                                  f"projects/{PROJECT}/locations/mars-1/registries/devices"],
                         ids=["registry", "region"])
def test_an_unknown_registry_is_not_found(service_account, statuses, path):
    with pytest.raises(Exception, match=NO_REGISTRY):
        Registry(path).get("dev-1")
    assert statuses("clearblade.exchange") == {"404": 1}


def test_a_bad_service_account_cannot_manage_registries(service_account, statuses):
    service_account(token="wrong")
    client = iot_v1.DeviceManagerClient()
    assert client.list_device_registries(iot_v1.ListDeviceRegistriesRequest(LOCATION)) is None
    assert client.delete_device_registry(iot_v1.DeleteDeviceRegistryRequest(
        f"{LOCATION}/registries/devices")).status_code == 401
    assert statuses("clearblade.registry.list") == {"401": 1}


@pytest.fixture
def held_token(devices, monkeypatch):
    """Lets the SDK keep one token of the registry's instead of exchanging for each call."""
    held = ClearBladeConfigManager().regional_config(devices.path)
    assert held.api_url == f"https://{loopback.CLEARBLADE_REGION}"
    monkeypatch.setenv("REGISTRY_SYSKEY", held.system_key)
    monkeypatch.setenv("REGISTRY_TOKEN", held.token)
    monkeypatch.setenv("REGISTRY_URL", held.api_url)


def test_a_token_once_exchanged_can_be_used_again(devices, held_token, statuses):
    devices.create("dev-1")
    assert devices.get("dev-1").id == "dev-1"
    assert statuses("clearblade.exchange") == {"200": 1}, "the fixture's own"


def test_a_token_that_has_ended_is_a_401_of_plain_text(sandbox, devices, held_token):
    devices.create("dev-1")
    sandbox.call("DELETE", "exchanged-tokens")
    for answer in (devices.get("dev-1"), devices.patch("dev-1", "blocked", blocked=True),
                   devices.delete("dev-1")):
        assert answer.status_code == 401 and not answer.text.startswith("{")


def test_a_token_opens_its_own_registry_alone(sandbox, devices, held_token, monkeypatch):
    other = sandbox.post("registries", project=PROJECT, region=REGION,
                         registry=devices.path.rsplit("/", 1)[1] + "-other")
    monkeypatch.setenv("REGISTRY_SYSKEY", other["systemKey"])
    assert Registry(other["path"]).get("dev-1").status_code == 401


def test_overload_and_outage_come_as_they_are(sandbox, devices):
    devices.create("dev-1")
    for status in (429, 503):
        sandbox.fault("clearblade.device.get", type="status", status=status, count=1)
        assert devices.get("dev-1").status_code == status
    assert devices.get("dev-1").id == "dev-1"


def test_a_create_whose_answer_is_lost_has_been_made(sandbox, devices):
    sandbox.fault("clearblade.device.create", type="status", status=503, when="after", count=1)
    assert refusal(devices.create("dev-1")) == (503, "UNAVAILABLE")
    assert refusal(devices.create("dev-1")) == (409, "ALREADY_EXISTS")


def test_the_asynchronous_client_does_the_same(registry, statuses):
    name = f"{registry}/devices/dev-1"
    key = credential(public_pem(ec_key()))

    async def run():
        client = iot_v1.DeviceManagerAsyncClient()
        made = await client.create_device(iot_v1.CreateDeviceRequest(
            registry, iot_v1.Device(id="dev-1", credentials=[key])))
        changed = await client.update_device(iot_v1.UpdateDeviceRequest(
            name, iot_v1.Device(id="dev-1", credentials=[], meta_data={"k": "v"}), "metadata"))
        pages = await client.list_devices(iot_v1.ListDevicesRequest(registry, pageSize=1))
        listed = [device.id async for device in pages]
        deleted = await client.delete_device(iot_v1.DeleteDeviceRequest(name))
        gone = await client.get_device(iot_v1.GetDeviceRequest(name))
        return made, changed, listed, deleted.status_code, gone.status_code

    made, changed, *rest = asyncio.run(run())
    assert made.id == "dev-1" and len(changed.credentials) == 1
    assert changed.meta_data == {"k": "v"}
    assert rest == [["dev-1"], 200, 404]
    assert statuses("clearblade.exchange") == {"200": 5}
