"""The SDKs' clients, as the tests use them."""

import loopback
from balena import Balena
from clearblade.cloud import iot_v1


def log_in(token, **settings):
    """balena's SDK with a token; it keeps nothing on disk."""
    client = Balena({"balena_host": loopback.BALENA_HOST, "data_directory": False, **settings})
    client.auth.login_with_token(token)
    return client


def credential(key_text, form="ES256_PEM", expires=""):
    return iot_v1.DeviceCredential({"format": form, "key": key_text}, expires)


class Registry:
    """A registry through ClearBlade's SDK. Its own way of telling errors: create and
    modify_config return the error's JSON, the others the HTTP response."""

    def __init__(self, path):
        self.path = path
        self.client = iot_v1.DeviceManagerClient()

    def name(self, device):
        return f"{self.path}/devices/{device}"

    def create(self, device, credentials=(), **fields):
        made = iot_v1.Device(id=device, credentials=list(credentials), **fields)
        return self.client.create_device(iot_v1.CreateDeviceRequest(self.path, made))

    def get(self, device):
        return self.client.get_device(iot_v1.GetDeviceRequest(self.name(device)))

    def pages(self, **options):
        return self.client.list_devices(iot_v1.ListDevicesRequest(self.path, **options)).pages

    def list(self, **options):
        return [device for page in self.pages(**options) for device in page.devices]

    def ids(self, **options):
        return sorted(device.id for device in self.list(**options))

    def patch(self, device, mask, credentials=(), **fields):
        changed = iot_v1.Device(id=device, credentials=list(credentials), **fields)
        return self.client.update_device(
            iot_v1.UpdateDeviceRequest(self.name(device), changed, mask))

    def delete(self, device):
        return self.client.delete_device(iot_v1.DeleteDeviceRequest(self.name(device)))


def refusal(answer):
    """Code and gRPC status of an error, from either form."""
    body = answer if isinstance(answer, dict) else answer.json()
    error = body["error"]
    assert error["message"]
    if not isinstance(answer, dict):
        assert answer.status_code == error["code"]
    return error["code"], error["status"]


INVALID = (400, "INVALID_ARGUMENT")
PRECONDITION = (400, "FAILED_PRECONDITION")
NOT_FOUND = (404, "NOT_FOUND")
EXISTS = (409, "ALREADY_EXISTS")
