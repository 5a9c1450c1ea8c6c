"""Registries: made, listed and removed with the service account; read and patched with what the
exchange gives."""

import pytest
from clearblade.cloud import iot_v1
from loopback import LOCATION
from keys import certificate, ec_key
from sdk import INVALID, NOT_FOUND, PRECONDITION, Registry, credential, refusal


@pytest.fixture
def client(service_account):
    return iot_v1.DeviceManagerClient()


@pytest.fixture
def new_id(registry):
    """An id that is still free."""
    return registry.rsplit("/", 1)[1] + "-new"


def create(client, **fields):
    return client.create_device_registry(
        iot_v1.CreateDeviceRegistryRequest(LOCATION, iot_v1.DeviceRegistry(**fields)))


def get(client, path):
    return client.get_device_registry(iot_v1.GetDeviceRegistryRequest(path))


def listed(client):
    return [each.id for each in client.list_device_registries(
        iot_v1.ListDeviceRegistriesRequest(LOCATION))]


def patch(client, path, mask, **fields):
    return client.update_device_registry(iot_v1.UpdateDeviceRegistryRequest(
        path, mask, iot_v1.DeviceRegistry(**fields)))


def delete(client, path):
    return client.delete_device_registry(iot_v1.DeleteDeviceRegistryRequest(path))


def test_a_registry_is_made_read_listed_and_removed(client, new_id):
    path = f"{LOCATION}/registries/{new_id}"
    made = create(client, id=new_id, logLevel="ERROR",
                  eventNotificationConfigs=[{"pubsubTopicName": "projects/my-project/topics/t"}])
    for shown in (made, get(client, path)):
        assert (shown.id, shown.name, shown.log_level) == (new_id, path, "ERROR")
        assert shown.mqtt_config == {"mqttEnabledState": "MQTT_ENABLED"}
        assert shown.http_config == {"httpEnabledState": "HTTP_ENABLED"}
        assert shown.event_notification_configs[0].pub_sub_topic_name.endswith("/topics/t")
    assert new_id in listed(client)
    assert Registry(path).create("dev-1").id == "dev-1"
    assert refusal(delete(client, path)) == PRECONDITION, "it is not empty"
    Registry(path).delete("dev-1")
    gone = delete(client, path)
    assert (gone.status_code, gone.content) == (204, b"")
    assert new_id not in listed(client)
    assert refusal(delete(client, path)) == NOT_FOUND


def test_an_id_is_taken_once_and_must_be_good(client, registry):
    # The SDK makes a registry of an error's JSON too: one without an id.
    assert create(client, id=registry.rsplit("/", 1)[1]).id is None
    for bad in ("ab", "1abc", "goog-1", "a b c"):
        assert create(client, id=bad).id is None
        assert bad not in listed(client)


def test_a_patch_changes_what_its_mask_names_alone(client, registry):
    before = get(client, registry)
    changed = patch(client, registry, "http_config,logLevel", logLevel="DEBUG",
                    httpConfig={"httpEnabledState": "HTTP_DISABLED"},
                    mqttConfig={"mqttEnabledState": "MQTT_DISABLED"})
    assert changed.log_level == "DEBUG"
    assert changed.http_config == {"httpEnabledState": "HTTP_DISABLED"}
    assert changed.mqtt_config == before.mqtt_config
    assert get(client, registry).log_level == "DEBUG"
    for mask in ("", "id", "name"):
        assert patch(client, registry, mask, logLevel="INFO").id is None, "an error"
    assert get(client, registry).log_level == "DEBUG"


def test_a_registry_with_an_authority_takes_its_certificates_alone(client, registry):
    authority, key = ec_key(), ec_key()
    patch(client, registry, "credentials", credentials=[{"publicKeyCertificate": {
        "format": "X509_CERTIFICATE_PEM", "certificate": certificate(authority, "the authority")}}])
    assert len(get(client, registry).credentials) == 1
    devices = Registry(registry)
    stranger = credential(certificate(key), "ES256_X509_PEM")
    assert refusal(devices.create("dev-1", [stranger])) == INVALID
    signed = certificate(key, "dev-1", issuer=("the authority", authority))
    assert devices.create("dev-1", [credential(signed, "ES256_X509_PEM")]).id == "dev-1"
